/*
 * Tries the same again. Behind one address there may be several hosts, and a fault may show one
 * time in ten: so a dozen tries, fewer where each is dear, more where they are cheap, and as many
 * as thirty where the first ones do not agree. What was seen only once is no finding.
 */
#ifndef REPEAT_H
#define REPEAT_H

#include <stdbool.h>

#include "auditor.h"

enum vote {
    VOTE_HIT,  /* what a sound server would not do */
    VOTE_MISS, /* what it would */
    VOTE_VOID, /* neither: no session was to be had, no answer came */
};

struct votes {
    unsigned n; /* hits and misses */
    unsigned n_hits;
    unsigned n_void;
};

typedef enum vote repeat_fn(struct auditor *a, void *cookie);

void repeat(struct auditor *a, repeat_fn *try, void *cookie, struct votes *out);

/* Seen often enough to be said. */
bool votes_found(const struct votes *v);

/* Tried often enough for saying that it was not seen. */
bool votes_judged(const struct votes *v);

#endif
