#include "checks.h"
#include "resumption.h"

#define SAMPLES 3
/* Servers count in whole seconds: what is nearer than that to the end is not judged. */
#define NEAR_US 1000000
#define BEFORE_US 1500000
#define AFTER_US 2200000

struct ageing {
    enum session_kind kind;
    struct raw_session *before[SAMPLES]; /* each is offered once: it may be single-use */
    struct raw_session *after[SAMPLES];
    uint32_t lifetime_s;
    unsigned n_before;
    unsigned n_in_time; /* of them: answered before the end was near */
    unsigned n_before_declined;
    unsigned n_after;
    unsigned n_after_resumed;
};

static bool collect(struct auditor *a, struct ageing *g)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        g->before[i] = auditor_session(a, g->kind);
        g->after[i] = auditor_session(a, g->kind);
        if (g->before[i] == NULL || g->after[i] == NULL ||
            g->before[i]->lifetime_s != g->lifetime_s || g->after[i]->lifetime_s != g->lifetime_s) {
            return false;
        }
    }
    return true;
}

/* False if cancelled. */
static bool measure(struct auditor *a, struct ageing *g)
{
    const int64_t lifetime_us = (int64_t)g->lifetime_s * 1000000;

    if (!auditor_wait_until(a, g->before[0]->received_us + lifetime_us - BEFORE_US)) {
        return false;
    }
    for (size_t i = 0; i < SAMPLES; i++) {
        const int64_t near_us = g->before[i]->received_us + lifetime_us - NEAR_US;

        g->n_before++;
        g->n_before_declined +=
            resumption_try(a, g->kind, g->before[i]) == RESUMPTION_DECLINED ? 1 : 0;
        g->n_in_time += raw_now_us() <= near_us ? 1 : 0;
    }
    if (!auditor_wait_until(a, g->after[SAMPLES - 1]->received_us + lifetime_us + AFTER_US)) {
        return false;
    }
    for (size_t i = 0; i < SAMPLES; i++) {
        g->n_after++;
        g->n_after_resumed += resumption_try(a, g->kind, g->after[i]) == RESUMPTION_DONE ? 1 : 0;
    }
    return true;
}

static void tell(struct auditor *a, const struct ageing *g)
{
    /* Where fresh ones get lost too, age is not the reason. */
    const struct kind_profile *k = &a->profile.kinds[g->kind];
    const bool reliable = k->n_resumed == k->n_issued;

    if (g->n_after_resumed >= 2) {
        auditor_find(a, FINDING_ACCEPTED_PAST_LIFETIME,
                     "%s: %u of %u resumed 2 s after the end of their advertised lifetime of %u s",
                     session_kind_text(g->kind), g->n_after_resumed, g->n_after,
                     (unsigned)g->lifetime_s);
    }
    if (g->n_before_declined == SAMPLES && g->n_in_time != 0 && reliable) {
        auditor_find(a, FINDING_REFUSED_BEFORE_LIFETIME,
                     "%s: none of %u resumed 1 s before the end of their advertised lifetime of %u "
                     "s, fresh ones did",
                     session_kind_text(g->kind), g->n_before, (unsigned)g->lifetime_s);
    }
}

/* False if it cannot be told, as of a server that takes as long to answer. */
static bool try_kind(struct auditor *a, enum session_kind kind)
{
    struct ageing g = {.kind = kind, .lifetime_s = a->profile.kinds[kind].lifetime_s};
    const bool done = collect(a, &g) && measure(a, &g);

    if (done) {
        tell(a, &g);
    }
    for (size_t i = 0; i < SAMPLES; i++) {
        raw_session_free(&g.before[i]);
        raw_session_free(&g.after[i]);
    }
    return done && g.n_in_time != 0;
}

void check_lifetime(struct auditor *a)
{
    const uint64_t wait_s = auditor_wait_s(a);
    uint64_t most_s = 0;
    unsigned n = 0;
    unsigned n_done = 0;

    for (enum session_kind kind = KIND_TICKET12; kind <= KIND_PSK13; kind++) {
        const struct kind_profile *k = &a->profile.kinds[kind];

        if (k->n_resumed == 0 || k->lifetime_s < 2) {
            continue;
        }
        n++;
        if ((uint64_t)k->lifetime_s + 3 > wait_s) {
            most_s = k->lifetime_s + 3ULL > most_s ? k->lifetime_s + 3ULL : most_s;
        } else {
            n_done += try_kind(a, kind) ? 1 : 0;
        }
    }
    if (n == 0) {
        auditor_conclude(a, AUDIT_NOT_APPLICABLE, "no ticket with a lifetime resumes here");
    } else if (most_s != 0) {
        auditor_conclude(a, AUDIT_NOT_JUDGED,
                         "it would take %llu s, and no more than %llu s are given (--wait)",
                         (unsigned long long)most_s, (unsigned long long)wait_s);
    } else if (n_done == n) {
        auditor_conclude(a, AUDIT_PASSED,
                         "sessions resumed 1 s before the end of their lifetime, "
                         "not 2 s after it");
    }
}
