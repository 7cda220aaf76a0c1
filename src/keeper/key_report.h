/* Tells the shared counters which keys are in the window: names and times, nothing secret. */
#ifndef KEY_REPORT_H
#define KEY_REPORT_H

#include <stdint.h>

#include <reprise/keyring.h>

#include "metrics.h"

/* What was reported last; zeroes at first. */
struct key_report {
    uint64_t generation;
    struct metrics_key keys[METRICS_KEYS_MAX];
    size_t n_keys;
};

/* By the keeper, whenever the window may have changed. */
void key_report(struct key_report *report, const struct rp_keyring *keyring,
                struct metrics *metrics, int64_t boot_ms);

#endif
