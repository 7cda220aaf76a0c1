/* Tells the shared counters of the fleet's members, one by one. */
#ifndef MEMBER_REPORT_H
#define MEMBER_REPORT_H

#include <stdint.h>

#include <reprise/status.h>

#include "fleet.h"
#include "member_table.h"
#include "rings.h"

struct member_report;

enum rp_status member_report_new(struct member_report **out) RP_MUST_USE;
void member_report_free(struct member_report **report);

struct member_report_now {
    const struct rings *rings; /* NULL: none */
    int64_t now_ms;
    int64_t offset_ms; /* of fleet time */
};

/* By the keeper, whenever the members may be others, or say something else; not amid a listing. */
void member_report(struct member_report *report, const struct fleet *fleet,
                   struct member_table *table, const struct member_report_now *now);

#endif
