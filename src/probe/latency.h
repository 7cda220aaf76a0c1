/*
 * A histogram of durations in microseconds with a bounded error: values below 128 are counted
 * exactly, larger ones in buckets that are at most 1/64 (1.6 %) of their lower bound wide. Fixed
 * size, no allocation; a zeroed struct is empty. Longer than LATENCY_MAX_US counts as that.
 */
#ifndef LATENCY_H
#define LATENCY_H

#include <stdint.h>

#define LATENCY_MAX_US ((UINT64_C(1) << 36) - 1) /* 19 hours */
#define LATENCY_BUCKETS 1984

struct latency {
    uint64_t n;
    uint64_t sum_us;
    uint64_t max_us; /* exact */
    uint64_t counts[LATENCY_BUCKETS];
};

void latency_add(struct latency *l, uint64_t us);

/* Adds what other has counted. */
void latency_merge(struct latency *l, const struct latency *other);

/*
 * The smallest value that at least per_mille thousandths of the values do not exceed (nearest
 * rank), rounded up to the end of its bucket: never below the exact one, at most 1.6 % above, and
 * never above the largest value seen. 0 when empty. per_mille is 1 to 1000; 1000 is the maximum.
 */
uint64_t latency_percentile(const struct latency *l, unsigned per_mille);

/* Exact but for rounding down; 0 when empty. */
uint64_t latency_mean(const struct latency *l);

#endif
