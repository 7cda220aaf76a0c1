/* Tells the shared counters once a second how the session cache does. One worker does it for all.
 */
#ifndef CACHE_REPORT_H
#define CACHE_REPORT_H

#include <reprise/cache.h>

#include "loop.h"
#include "metrics.h"

struct cache_report {
    struct loop_timer timer; /* private */
    struct loop *loop;
    struct rp_cache *cache;
    metrics_cell *cells;
};

/* cache: NULL if there is none, which is told once. False: out of memory. Stays at its place. */
bool cache_report_begin(struct cache_report *report, struct loop *loop, struct rp_cache *cache,
                        metrics_cell *cells) RP_MUST_USE;

/* Takes zeroes. */
void cache_report_end(struct cache_report *report);

#endif
