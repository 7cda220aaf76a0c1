#include "health.h"

#include <inttypes.h>

#include "text.h"

bool health_is_good(const struct metrics_totals *totals, char sentence[static HEALTH_SENTENCE_SIZE])
{
    const uint64_t *const p = totals->parent;
    struct text t = text_of(sentence, HEALTH_SENTENCE_SIZE);

    if (p[METRICS_DRAINING] != 0) {
        text_add(&t, "draining");
    } else if (p[METRICS_KEEPER_READY] == 0) {
        text_add(&t, "the keeper is not ready");
    } else if (p[METRICS_WORKERS_READY] < p[METRICS_WORKERS_WANTED] ||
               (p[METRICS_WORKERS_WANTED] == 0 && totals->feeds.n == 0)) {
        text_addf(&t, "%" PRIu64 " of %" PRIu64 " workers are ready", p[METRICS_WORKERS_READY],
                  p[METRICS_WORKERS_WANTED]);
    } else {
        text_add(&t, "ok");
        return true;
    }
    return false;
}
