/* The list of what an audit found: the same thing of many tickets is one finding. */
#ifndef TICKET_FINDINGS_H
#define TICKET_FINDINGS_H

#include <stddef.h>

#include <reprise/status.h>

#include "ticket_audit.h"

/* A finding of tickets first and second with this evidence, or one more ticket of such a finding
 * that is there already with the same. */
enum rp_status ticket_findings_add(struct ticket_audit *audit, enum ticket_finding_kind kind,
                                   size_t first, size_t second, const char *evidence) RP_MUST_USE;

#endif
