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
#include "metrics.h"
#include "spawn.h"

struct child;

/* What is peculiar to keeper, worker, ... READY, PING and PONG are common to all. */
struct child_kind {
    enum metrics_role role;
    const struct channel_rule *rules; /* what the parent obeys of it */
    size_t n_rules;
    size_t mail_room; /* bytes of mail that may wait for it */
    /* The descriptors that it keeps, an array of *n for memory_free. */
    enum rp_status (*descriptors)(const struct child *child, int **out, size_t *n);
    int (*run)(int channel_fd, void *child); /* in the child, as in struct spawn */
    void (*ready)(struct child *child);
    /* False: out of turn, or malformed. NULL: it has nothing more to say. */
    bool (*message)(struct child *child, enum channel_type type, const uint8_t *body, size_t n);
};

enum child_fate {
    CHILD_STAYS,     /* who ends is started again */
    CHILD_DRAINS,    /* it was asked to finish, and is forgotten when it ends */
    CHILD_DISCARDED, /* the same, and it was killed: nobody asks how it ended */
};

struct child {
    /* First, so that a timer is a child. Of one that is alive: when to kill it. */
    struct loop_timer restart;
    const struct child_kind *kind;
    struct child *next;
    void *owner;
    char title[16];      /* "keeper", "worker 3" */
    char name[16];       /* of the process, for ps */
    unsigned index;      /* of a worker, in its generation */
    unsigned slot;       /* of a worker, among all that live */
    uint64_t generation; /* of a worker or a courier */
    enum child_fate fate;
    pid_t pid; /* 0: none */
    struct channel *channel;
    unsigned n_unanswered; /* PINGs */
    unsigned n_restarts;
    bool dismissed; /* it was killed for a successor: nobody asks how it ended */
    bool ready;
    bool was_ready; /* the one that ended last */
    int64_t started_ms;
    int64_t pause_ms; /* before the next start, if it was never ready */
};

/* Forks; peer is for what the child will send. */
enum rp_status child_start(struct child *child, struct loop *loop, const struct channel_peer *peer,
                           struct rp_error *err) RP_MUST_USE;

/* The child was waited for: logs how it ended, and forgets it. log: NULL: we killed it. */
void child_ended(struct child *child, int wait_status, const struct log *log, bool expected);

/* How long to wait before the next start, which the call counts as one more. */
int64_t child_pause_ms(struct child *child, int64_t now_ms);

/* Asks it to finish within the bound; kills it if it cannot be asked. */
void child_drain(struct child *child, int64_t bound_ms);
void child_kill(struct child *child);
/* The same, so that a successor starts; what it still says is not heard. */
void child_dismiss(struct child *child);

/*
 * Asks it for a sign of life. False: it did not answer the last few, and has not run meanwhile: the
 * time that passed says nothing, as the machine may have been suspended, or we were stopped.
 */
bool child_ping(struct child *child);
/* It answered. False: it was not asked. */
bool child_pong(struct child *child);

#endif
