/* What was seen that led to a cause, in a sentence or two without the last full stop. */
#ifndef DIAGNOSIS_EVIDENCE_H
#define DIAGNOSIS_EVIDENCE_H

#include "diagnosis_view.h"
#include "findings_draft.h"
#include "text.h"

void evidence_add(struct text *t, const struct view *view, const struct draft *draft);

#endif
