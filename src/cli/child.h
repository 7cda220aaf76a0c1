/*
 * One child of the parent: started, ready, ended, and started again: at once if it was ready and
 * had lived for a second, after 100 ms if it was ready at all, for its connections wait; otherwise
 * after a pause that grows from 100 ms to 10 s.
 */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include <sys/types.h>

#include <reprise/status.h>

#include "channel.h"
#include "log.h"
#include "loop.h"
#include "spawn.h"

struct child {
    /* First, so that a timer is a child. Of one that is alive: when to kill it. */
    struct loop_timer restart;
    char title[16]; /* "keeper", "worker 3" */
    unsigned index; /* of a worker */
    pid_t pid;      /* 0: none */
    struct channel *channel;
    bool ready;
    bool was_ready; /* the one that ended last */
    int64_t started_ms;
    int64_t pause_ms; /* before the next start, if it was never ready */
    void *owner;
};

/* Forks; peer is for what the child will send. */
enum rp_status child_start(struct child *child, struct loop *loop, const struct spawn *spawn,
                           const struct channel_peer *peer, struct rp_error *err) RP_MUST_USE;

/* The child was waited for: logs how it ended, and forgets it. log: NULL: we killed it. */
void child_ended(struct child *child, int wait_status, const struct log *log, bool expected);

/* How long to wait before the next start, which the call counts as one more. */
int64_t child_pause_ms(struct child *child, int64_t now_ms);

/* Asks it to finish; kills it if it cannot be asked. */
void child_drain(struct child *child);
void child_kill(struct child *child);

#endif
