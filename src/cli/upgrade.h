/*
 * SIGUSR2: a new program takes everything over while we serve (docs/formats/handover.md). The old
 * parent's side. Until the new one says that it has taken over, everything can be taken back.
 */
#ifndef UPGRADE_H
#define UPGRADE_H

#include <stdbool.h>

#include <sys/types.h>

#include <reprise/status.h>

#include "channel.h"
#include "loop.h"

struct child;
struct parent;

enum upgrade_stage {
    UPGRADE_NONE,
    UPGRADE_CHECKING, /* the new one reads its configuration, or does without our ring */
    UPGRADE_STOPPING, /* it wants to keep the ring: our keeper was killed, and has not ended yet */
    UPGRADE_LENT,     /* it keeps the ring */
    UPGRADE_TAKEN,    /* it has taken over; our feeder was killed, and has not ended yet */
    UPGRADE_FAILED,   /* it was killed, and has not ended yet */
    UPGRADE_DONE,     /* it has taken over */
};

struct upgrade {
    enum upgrade_stage stage;
    pid_t pid; /* of the new parent; 0: none */
    struct channel *channel;
    struct loop_timer deadline;
    bool is_lent;    /* the keeper's office is the new one's */
    bool is_hurried; /* it was told to stop, if need be after it was done */
    struct rp_error why;
};

/* What the two say to each other, besides the frames' form. */
#define UPGRADE_KEEPER_WANTED ((enum channel_type)64)
#define UPGRADE_KEEPER_STOPPED ((enum channel_type)65)
#define UPGRADE_TAKEN_OVER ((enum channel_type)66)
#define UPGRADE_GOING ((enum channel_type)67)

/* Starts the new one, or logs why not. */
void upgrade_begin(struct parent *parent);

/* Everything comes to an end here: so does the new one. */
void upgrade_abort(struct parent *parent);

/* Whether it is not settled yet who goes on. */
bool upgrade_is_on(const struct parent *parent);

/* Somebody was waited for. True: it was the new one. */
bool upgrade_ended(struct parent *parent, pid_t pid, int wait_status);

/* Whether our keeper is, or is about to be, without its office: nobody starts it again. */
bool upgrade_has_keeper(const struct parent *parent);
/* Our keeper has ended. */
void upgrade_keeper_ended(struct parent *parent);

/* So has our feeder, or one before it. */
void upgrade_feeder_ended(struct parent *parent);

void upgrade_fini(struct parent *parent);

#endif
