/* Whether all is well, for whoever decides about sending clients here. */
#ifndef HEALTH_H
#define HEALTH_H

#include <stdbool.h>

#include "metrics.h"

#define HEALTH_SENTENCE_SIZE 96

/*
 * True, and "ok", when the keeper and all wanted workers are ready and nothing drains; else the
 * sentence says what is not. Workers of an earlier configuration that finish are no fault.
 */
bool health_is_good(const struct metrics_totals *totals,
                    char sentence[static HEALTH_SENTENCE_SIZE]);

#endif
