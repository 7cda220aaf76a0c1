#include "latency.h"

#include <assert.h>
#include <stddef.h>

/* Each power of two is cut into 2^SUB_BITS buckets; the first two rows have width 1. */
#define SUB_BITS 6
#define SUB (1U << SUB_BITS)

_Static_assert(LATENCY_BUCKETS == (36 - SUB_BITS + 1) * SUB, "a bucket for every value");

static unsigned row_of(uint64_t us)
{
    return us < SUB ? 0 : 63U - (unsigned)__builtin_clzll(us) - SUB_BITS;
}

static size_t bucket_of(uint64_t us)
{
    const unsigned shift = row_of(us);

    /* Above row 0 the shifted value lies in SUB to 2 * SUB - 1, which continues the row before. */
    return (size_t)shift * SUB + (size_t)(us >> shift);
}

static uint64_t bucket_end(size_t bucket)
{
    const unsigned shift = bucket < 2 * (size_t)SUB ? 0 : (unsigned)(bucket / SUB) - 1;

    return (((uint64_t)bucket - (uint64_t)shift * SUB + 1) << shift) - 1;
}

void latency_add(struct latency *l, uint64_t us)
{
    const uint64_t value = us < LATENCY_MAX_US ? us : LATENCY_MAX_US;

    l->n++;
    l->sum_us += value;
    l->max_us = value > l->max_us ? value : l->max_us;
    l->counts[bucket_of(value)]++;
}

void latency_merge(struct latency *l, const struct latency *other)
{
    l->n += other->n;
    l->sum_us += other->sum_us;
    l->max_us = other->max_us > l->max_us ? other->max_us : l->max_us;
    for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
        l->counts[i] += other->counts[i];
    }
}

uint64_t latency_percentile(const struct latency *l, unsigned per_mille)
{
    const uint64_t whole = l->n / 1000 * per_mille;
    const uint64_t rank = whole + (l->n % 1000 * per_mille + 999) / 1000;
    uint64_t seen = 0;

    assert(per_mille >= 1 && per_mille <= 1000);
    for (size_t i = 0; i < LATENCY_BUCKETS && l->n != 0; i++) {
        seen += l->counts[i];
        if (seen >= rank) {
            const uint64_t end = bucket_end(i);

            return end < l->max_us ? end : l->max_us;
        }
    }
    return l->max_us;
}

uint64_t latency_mean(const struct latency *l)
{
    return l->n != 0 ? l->sum_us / l->n : 0;
}
