/* How findings are made: from drafts, of one mechanism after the other (diagnosis.h has them). */
#ifndef FINDINGS_H
#define FINDINGS_H

#include "diagnosis.h"
#include "diagnosis_view.h"
#include "findings_draft.h"

/* A diagnosis of the draft; or one more mechanism of an equal one that is there. */
enum rp_status findings_add(struct findings *findings, const struct view *view,
                            const struct draft *draft, bool harmless) RP_MUST_USE;

/* What is not harmless first, the rest in the order of the causes. */
void findings_sort(struct findings *findings);

/* The line over all. */
enum rp_status findings_sum_up(struct findings *findings, const struct facts *facts) RP_MUST_USE;

#endif
