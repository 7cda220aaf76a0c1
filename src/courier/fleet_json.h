/* The fleet's members as one JSON object (docs/formats/fleet-json.md). */
#ifndef FLEET_JSON_H
#define FLEET_JSON_H

#include <stddef.h>

#include <reprise/status.h>

#include "metrics.h"
#include "moment.h"

/* *out has *n bytes and a NUL, and is freed with memory_free. */
enum rp_status fleet_json_new(const struct metrics_totals *totals, const struct moment *now,
                              char **out, size_t *n) RP_MUST_USE;

#endif
