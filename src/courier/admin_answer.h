/* What the admin server answers: a pure function of the request and the figures. */
#ifndef ADMIN_ANSWER_H
#define ADMIN_ANSWER_H

#include <stddef.h>

#include <reprise/status.h>

#include "metrics.h"
#include "moment.h"

struct admin_answer {
    unsigned status;  /* of HTTP */
    const char *type; /* static storage */
    char *body;
    size_t body_len;
};

/* On failure the connection is best closed. admin_answer_fini either way. */
enum rp_status admin_answer_new(const struct metrics_totals *totals, const struct moment *now,
                                const char *method, const char *path,
                                struct admin_answer *out) RP_MUST_USE;
void admin_answer_fini(struct admin_answer *answer);

#endif
