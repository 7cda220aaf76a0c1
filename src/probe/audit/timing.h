/*
 * How long several ways of asking took, each tried once a round in an order drawn anew: whether one
 * of them stands out. A pure function of what was measured.
 *
 * In a round each way is compared with the median of all others in it, so what slows a machine or a
 * network down for longer than a round makes no difference; and as the order is drawn, no way is
 * favoured by what comes before it. Of the differences the median counts, and in how many rounds
 * they have its sign. Where a machine is busy, a few rounds count as one, by the least times that
 * were measured in them. Two of the ways, the last ones, are known to be alike: how much these two
 * seem to differ is noise.
 */
#ifndef TIMING_H
#define TIMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMING_WAYS_MAX 8
#define TIMING_ROUNDS_MAX 64
#define TIMING_ROUNDS_MIN 12 /* fewer say nothing */
#define TIMING_FLOOR_US 200  /* less is never told apart, however quiet it is */

struct timing {
    size_t n_ways; /* at least 5, so that two that stand out do not pass for the rest */
    size_t n_rounds;
    uint32_t us[TIMING_ROUNDS_MAX][TIMING_WAYS_MAX];
};

/* A whole round; does nothing when it is full. */
void timing_add(struct timing *t, const uint32_t us[static TIMING_WAYS_MAX]);

struct timing_way {
    int64_t difference_us; /* the median one: positive, it took longer */
    size_t n_agree;        /* rounds in which it had that sign */
    bool stands_out;
};

struct timing_verdict {
    size_t n_rounds; /* or groups of rounds, where that is less noisy */
    struct timing_way ways[TIMING_WAYS_MAX];
    /* What would have been enough, of the noisiest: never less than TIMING_FLOOR_US, and INT64_MAX
     * in less than TIMING_ROUNDS_MIN rounds. */
    int64_t least_us;
};

void timing_judge(const struct timing *t, struct timing_verdict *out);

/* The way that stands out in each of n runs, always in one direction: the first run's largest
 * difference of all that do. TIMING_WAYS_MAX if there is none. */
size_t timing_odd_way(const struct timing_verdict *runs, size_t n);

#endif
