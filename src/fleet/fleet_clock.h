/*
 * By how much a host's ring time differs from that of others, and how it follows them
 * (docs/formats/mailbox.md, "Fleet time"). Milliseconds.
 */
#ifndef FLEET_CLOCK_H
#define FLEET_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "mailbox.h"

#define CLOCK_SAMPLES_MAX 9

/* What one answer has shown: another is ahead (behind, where it is negative), give or take. */
struct clock_sample {
    struct mailbox_id from;
    int64_t ahead_ms;
    int64_t bound_ms;
    int64_t at_ms;
};

struct fleet_clock {
    struct clock_sample samples[CLOCK_SAMPLES_MAX];
    unsigned n;
    int64_t slewed_ms; /* up to when */
};

/* In place of what the same one has shown before, or of the oldest. */
void clock_add(struct fleet_clock *c, const struct mailbox_id *from, int64_t ahead_ms,
               int64_t bound_ms, int64_t now_ms);

/* Forgets what is older, and with INT64_MAX all. */
void clock_forget(struct fleet_clock *c, int64_t before_ms);

/* What to add to the time now: all of it where it is at least leap_ms and n_voices have been heard,
 * else a thousandth of the time that passed at most; back in such steps only. */
int64_t clock_step(struct fleet_clock *c, int64_t now_ms, int64_t leap_ms, unsigned n_voices);

/* Whether this one has been heard. */
bool clock_heard(const struct fleet_clock *c, const struct mailbox_id *from);

/* By how much one's own time may be behind, at most; -1: nobody has said. */
int64_t clock_late_ms(const struct fleet_clock *c);

#endif
