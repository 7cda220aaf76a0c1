/*
 * The figures in the text format of Prometheus, version 0.0.4. What each means is in
 * docs/OPERATIONS.md, under the name that stands here.
 */
#ifndef EXPOSITION_H
#define EXPOSITION_H

#include <stddef.h>

#include <reprise/status.h>

#include "metrics.h"
#include "moment.h"

/* *out has *n bytes and a NUL, and is freed with memory_free. */
enum rp_status exposition_new(const struct metrics_totals *totals, const struct moment *now,
                              char **out, size_t *n) RP_MUST_USE;

/* Whether a row of METRICS_HANDSHAKES is worth showing: what cannot be is not, unless it was. */
bool exposition_has_handshake(const struct metrics_totals *totals, enum metrics_version version,
                              enum rp_mechanism mechanism, bool resumed);

#endif
