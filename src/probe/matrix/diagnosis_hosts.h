/* What tells hosts apart, in words: parts of evidence. */
#ifndef DIAGNOSIS_HOSTS_H
#define DIAGNOSIS_HOSTS_H

#include <stdbool.h>

#include "diagnosis_view.h"
#include "findings_draft.h"
#include "text.h"

/* "A and B issue under key 4f2a19c0.., C under key 9c01a2b3..": the addresses of the draft's cells;
 * nothing where no key names are seen. */
void evidence_add_keys(struct text *t, const struct view *view, const struct draft *draft);

/* The certificates of two if they differ, and which asks for the client's, after the separator.
 * False: nothing differs. */
bool evidence_add_site(struct text *t, const struct view *view, size_t i, size_t j,
                       const char *separator);

/* All that can be seen that differs between two. */
bool evidence_add_difference(struct text *t, const struct view *view, size_t i, size_t j,
                             const char *separator);

/* What differed at one address, of those at fault; nothing if nothing did. */
void evidence_add_mixture(struct text *t, const struct view *view, const struct draft *draft);

void evidence_add_ciphers(struct text *t, const struct view *view, size_t i, size_t j);

#endif
