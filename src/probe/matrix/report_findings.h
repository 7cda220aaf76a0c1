/* The findings of an audit as people read them: each once, with the addresses where it was seen. */
#ifndef REPORT_FINDINGS_H
#define REPORT_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "audit.h"
#include "diagnosis.h"
#include "facts.h"
#include "text.h"

const char *report_severity_word(enum severity severity);

/* The first of its name; of its name and evidence. */
bool report_finding_is_first(const struct audit *audit, size_t i);
bool report_finding_is_new(const struct audit *audit, size_t i);

/* "192.0.2.1:443, 192.0.2.2:443 and 7 more": where what finding i says was seen; nothing: over all.
 */
void report_finding_add_addresses(struct text *t, const struct audit *audit, size_t i);

/* "1 broken, 2 weak, 1 note": different findings; "nothing found". */
void report_findings_add_counts(struct text *t, const struct audit *audit);

/* All was tried, and nothing is wrong but what does no harm and, by the audit, notes. audit: NULL:
 * none was made. */
bool report_all_is_well(const struct facts *facts, const struct findings *findings,
                        const struct audit *audit);

#endif
