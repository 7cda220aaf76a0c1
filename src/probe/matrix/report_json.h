/* Parts of the JSON report (docs/formats/probe-json.md). NULL: out of memory. */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include <jansson.h>

#include "diagnosis_view.h"
#include "facts.h"
#include "visit.h"

struct audit;

json_t *report_json_visit(const struct visit *v, const struct host_view *host);
/* The full handshake that a session was declined to, and the connection that failed, in short. */
json_t *report_json_declined(const struct visit *v, const struct host_view *host);
json_t *report_json_failure(const struct visit *v);
json_t *report_json_certificate(const struct visit_certificate *c);
json_t *report_json_mechanism(const struct view *view);
json_t *report_json_audit(const struct facts *facts, const struct audit *audit);

#endif
