/*
 * What the parent does for the feeder: it runs the commands of the feeds, and writes the files that
 * are configuration (parent_folder.h). The configuration says what, the feeder when
 * (docs/formats/feeds.md, "Commands").
 */
#ifndef PARENT_COMMAND_H
#define PARENT_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include <sys/types.h>

#include "command.h"
#include "config.h"
#include "loop.h"
#include "message.h"

struct parent;

/* Of one feed. */
struct parent_command {
    struct loop_timer start; /* first: what was asked for too soon waits for it */
    struct command command;
    struct parent *parent;
    struct message_feed_run order;             /* that waits, or runs */
    int64_t started_ms[MESSAGE_FEED_COMMANDS]; /* of the last of each kind; 0: none */
};

/* As the feeder asks for. False: out of turn, or the configuration has nothing of the kind. */
bool parent_command_run(struct parent *parent, const struct message_feed_run *order) RP_MUST_USE;

/* A child was waited for. False: it is no command. */
bool parent_command_ended(struct parent *parent, pid_t pid, int wait_status);

/* Nobody wants to know any more how they end: they are killed. */
void parent_commands_stop(struct parent *parent);

#endif
