/* Tells log and shared counters of the fleet. */
#ifndef FLEET_REPORT_H
#define FLEET_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "fleet.h"
#include "log.h"
#include "metrics.h"
#include "rings.h"

struct fleet_report {
    bool store_is_up;
    bool has_begun;
    uint64_t counted[FLEET_N_EVENTS]; /* by the keepers before this one */
    uint64_t n_replaced; /* processes, and reloads that failed, when it was looked last */
    uint64_t n_failed;
    int64_t replaced_ms; /* when that was; 0: never */
    bool has_failed;     /* the last reload */
    uint64_t n_reloaded;
};

struct fleet_report_clock {
    int64_t now_ms;
    int64_t offset_ms; /* of fleet time */
};

/* One line. */
void fleet_report_note(const struct log *log, const struct fleet *fleet,
                       const struct fleet_note *note);

/* The figures; and what the counters say of this host's health goes to the fleet. */
void fleet_report(struct fleet_report *report, struct fleet *fleet, const struct rings *rings,
                  struct metrics *metrics, const struct fleet_report_clock *clock);

/* What this host is called in lists. */
void fleet_report_host(const struct config *config, char out[static CONFIG_FLEET_TEXT_MAX + 1]);

#endif
