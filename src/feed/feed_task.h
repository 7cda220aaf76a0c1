/*
 * One feed in the feeder: plans, writes, tells, checks (docs/formats/feeds.md, "When"), and tries
 * again what failed. It knows nothing of the other feeds, and never waits.
 */
#ifndef FEED_TASK_H
#define FEED_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "config.h"
#include "feed.h"
#include "feed_table.h"
#include "feed_writer.h"
#include "haproxy_socket.h"
#include "log.h"
#include "loop.h"
#include "message.h"

/* What all feeds share; borrowed. */
struct feed_context {
    struct loop *loop;
    const struct log *log;
    struct feed_source *source; /* wiped between calls */
    int64_t rotate_ms;
    int64_t accept_ms;
    /* Has the parent do something; feed_task_ran is called when it has ended. False: it cannot. */
    bool (*run)(void *cookie, const struct message_feed_run *m);
    /* Something to show has changed. */
    void (*changed)(void *cookie);
    void *cookie;
};

enum feed_stage {
    FEED_STAGE_IDLE,     /* not begun or, while timer is set, all is well until the next look */
    FEED_STAGE_WRITING,  /* the parent is putting files, where the kind is configuration */
    FEED_STAGE_TELLING,  /* the server is being told */
    FEED_STAGE_CHECKING, /* a check is under way or, while timer is set, the next one is due */
    FEED_STAGE_WAITING,  /* for the next attempt */
    FEED_STAGE_CLEARED,  /* for good */
};

struct feed_task {
    struct loop_timer timer; /* first: of IDLE, CHECKING and WAITING */
    struct loop_timer dated; /* the same keys make another file then */
    const struct feed_context *context;
    const struct config_feed *config;
    unsigned index;
    const struct feed_kind *kind;  /* the writer's */
    struct feed_writer writer;     /* plans alone, where the kind is configuration */
    struct haproxy_socket *socket; /* NULL: it has none */
    enum feed_stage stage;
    bool told;         /* of what was written last */
    bool is_unsure;    /* whether it need be told at all: it is being looked at */
    bool is_done;      /* and it has been checked; also while it is merely looked at again */
    bool looks;        /* the last plan was made to see whether all is as it was */
    bool expects_same; /* and it is the same plan: so its files are those of before */
    bool again;        /* something changed while the server was being told */
    bool is_behind;
    bool is_through;    /* for the first time: the start waits for it no longer */
    uint8_t key[16];    /* name of the one that seals, as planned last */
    uint8_t logged[16]; /* the one that was logged last */
    int64_t retry_ms;
    int64_t check_ms;
    int64_t check_until_ms; /* 0: nothing waits to be seen; changes do not put it off */
    struct feed_row row;
};

/* Storage of the caller, zeroed. group: (gid_t)-1: none. RP_NO_MEMORY; RP_NOT_FOUND: its server is
 * none that we know. */
enum rp_status feed_task_init(struct feed_task *task, const struct feed_context *context,
                              unsigned index, const struct config_feed *config,
                              gid_t group) RP_MUST_USE;
void feed_task_fini(struct feed_task *task); /* also of zeroes */

/* Counts on where the one of the same name in a table stopped. */
void feed_task_resume(struct feed_task *task, const struct feed_list *before);

/* The log hears what it does and what it costs. */
void feed_task_announce(const struct feed_task *task);

/* The window or the clock may have changed, or it begins. */
void feed_task_look(struct feed_task *task);

/* False: no such command was asked for. */
bool feed_task_ran(struct feed_task *task, const struct message_feed_ran *m) RP_MUST_USE;

/* It ends: its files hold throwaway keys from now on, but for those that the parent writes. Nothing
 * more is done. */
void feed_task_clear(struct feed_task *task);

#endif
