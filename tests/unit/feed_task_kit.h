/* A feed's task on a stage: its parent and its clock are played by the test. */
#ifndef FEED_TASK_KIT_H
#define FEED_TASK_KIT_H

#include "feed_folder_kit.h"
#include "feed_task.h"
#include "keyring_fixture.h"
#include "loop.h"

#define ROTATE INT64_C(100000)
#define ACCEPT INT64_C(300000)

struct stage {
    struct place place;
    struct rp_keyring *keyring;
    struct log log;
    struct loop *loop;
    struct feed_context context;
    struct feed_source source;
    struct config_feed config;
    struct feed_task task;
    struct message_feed_run asked; /* last, for a command */
    unsigned n_asked;
    bool is_to_write; /* it was asked to put the files, and has not answered */
    unsigned n_written;
    struct feed_writer writer; /* the parent's */
    unsigned n_changed;
    bool deaf; /* the parent takes no messages */
};

/* For cmocka: of an nginx with a command, in *state. The test may change its config before it makes
 * the task. */
int stage_begin(void **state);
int stage_end(void **state);

#define STAGE_CASE(name) cmocka_unit_test_setup_teardown(name, stage_begin, stage_end)

/* The feed of config, and who writes for it in the parent. */
void stage_task(struct stage *s);

/* Something may have changed. The parent writes what it is asked to, here and below. */
void stage_look(struct stage *s);

/* As the parent does for a server that reads its folder as configuration, if it was asked. */
void stage_write_if_asked(struct stage *s);

/* The last command has ended with that status; the message of it alone. */
void stage_answered(struct stage *s, int status);
struct message_feed_ran stage_answer(const struct stage *s, int status);

/* A feed with `verify`: its server was told, and is to be looked at. */
void stage_tell_and_look(struct stage *s);

/* The timer's time has come. */
void stage_pass(struct stage *s, struct loop_timer *timer);

void stage_next_epoch(struct stage *s);

/* The end of the feed, in the feeder and the parent, whichever it is that wrote. */
void stage_clear(struct stage *s);

#endif
