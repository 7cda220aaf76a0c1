/* Parts of the page, where its template (web/probe.html) names them. */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include <stdio.h>

#include "diagnosis.h"
#include "facts.h"

struct audit;

void html_put_diagnoses(FILE *out, const struct facts *facts, const struct findings *findings);
void html_put_audit(FILE *out, const struct audit *audit);
/* A picture of the matrix of each mechanism, and for few addresses the same as a table. */
void html_put_matrices(FILE *out, const struct facts *facts);
enum rp_status html_put_details(FILE *out, const struct facts *facts,
                                const struct findings *findings) RP_MUST_USE;

#endif
