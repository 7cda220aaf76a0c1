/* The smaller and the larger of two instants or durations. */
#ifndef ORDER_H
#define ORDER_H

#include <stdint.h>

static inline int64_t order_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t order_most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif
