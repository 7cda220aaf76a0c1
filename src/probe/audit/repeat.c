#include "repeat.h"

/*
 * A fault of one time in ten wants a dozen tries to be seen, whatever they cost: a server under
 * load is not a sounder one. Only one that takes its seconds is spared most of them.
 */
#define TRIES_MIN 3
#define TRIES_DUE 12
#define TRIES_MAX 30
#define VOID_MAX 4
#define HITS_FOUND 2
#define CHEAP_US 120000
#define DEAR_US 1500000

static bool is_enough(const struct votes *v, int64_t began_us)
{
    if (v->n_void >= VOID_MAX && v->n_void > v->n) {
        return true;
    }
    if (v->n < TRIES_MIN) {
        return false;
    }
    if (v->n_hits >= HITS_FOUND && (v->n_hits == v->n || v->n >= TRIES_MAX / 2)) {
        return true;
    }
    if (v->n + v->n_void >= TRIES_MAX) {
        return true;
    }
    return v->n_hits == 0 && raw_now_us() - began_us >= (v->n >= TRIES_DUE ? CHEAP_US : DEAR_US);
}

void repeat(struct auditor *a, repeat_fn *try, void *cookie, struct votes *out)
{
    const int64_t began_us = raw_now_us();

    *out = (struct votes){0};
    while (auditor_goes_on(a) && !is_enough(out, began_us)) {
        switch (try(a, cookie)) {
        case VOTE_HIT:
            out->n++;
            out->n_hits++;
            break;
        case VOTE_MISS:
            out->n++;
            break;
        case VOTE_VOID:
            out->n_void++;
            break;
        }
    }
}

bool votes_found(const struct votes *v)
{
    return v->n_hits >= HITS_FOUND;
}

bool votes_judged(const struct votes *v)
{
    return v->n >= HITS_FOUND;
}
