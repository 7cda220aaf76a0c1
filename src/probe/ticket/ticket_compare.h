/* What tickets show without any key: alone, and two beside each other. */
#ifndef TICKET_COMPARE_H
#define TICKET_COMPARE_H

#include <stddef.h>

#include <reprise/status.h>

#include "ticket_audit.h"

#define TICKET_COMPARED_MAX 512 /* of more tickets, the first so many are compared in pairs */

/* Adds what it finds to the audit. judgement: of all the samples' tickets. */
enum rp_status ticket_look_at(struct ticket_audit *audit, const struct ticket_sample *samples,
                              size_t n) RP_MUST_USE;
enum rp_status ticket_compare(struct ticket_audit *audit, const struct ticket_sample *samples,
                              size_t n, const struct ticket_judgement *judgement) RP_MUST_USE;

#endif
