#include "cache_report.h"

#define INTERVAL_MS 1000

static void tell(const struct cache_report *report)
{
    struct rp_cache_stats s = {0};

    if (report->cache != NULL) {
        rp_cache_stats(report->cache, &s);
    }
    metrics_set(&report->cells[METRICS_CACHE_RECORDS], s.n_records);
    metrics_set(&report->cells[METRICS_CACHE_BYTES], s.n_bytes);
    metrics_set(&report->cells[METRICS_CACHE_CAPACITY], s.capacity);
    metrics_set(&report->cells[METRICS_CACHE_STORED], s.n_stored);
    metrics_set(&report->cells[METRICS_CACHE_HITS], s.n_hits);
    metrics_set(&report->cells[METRICS_CACHE_MISSES], s.n_misses);
    metrics_set(&report->cells[METRICS_CACHE_EVICTED], s.n_evicted);
    metrics_set(&report->cells[METRICS_CACHE_EMPTIED], s.n_emptied);
}

static void due(struct loop_timer *timer)
{
    struct cache_report *report = (struct cache_report *)timer;

    tell(report);
    if (!loop_timer_set(report->loop, timer, INTERVAL_MS)) {
        return; /* out of memory: figures stand still, which is the least of it */
    }
}

bool cache_report_begin(struct cache_report *report, struct loop *loop, struct rp_cache *cache,
                        metrics_cell *cells)
{
    *report = (struct cache_report){.loop = loop, .cache = cache, .cells = cells};
    report->timer.due = due;
    tell(report);
    return cache == NULL || loop_timer_set(loop, &report->timer, INTERVAL_MS);
}

void cache_report_end(struct cache_report *report)
{
    if (report->loop != NULL) {
        loop_timer_clear(&report->timer);
    }
}
