/* What the admin server answers: a pure function of the request and the figures. */
#ifndef ADMIN_ANSWER_H
#define ADMIN_ANSWER_H

#include <reprise/status.h>

#include "http_answer.h"
#include "metrics.h"
#include "moment.h"

/* On failure the connection is best closed. http_answer_fini either way. */
enum rp_status admin_answer_new(const struct metrics_totals *totals, const struct moment *now,
                                const char *method, const char *path,
                                struct http_answer *out) RP_MUST_USE;

#endif
