#include "checks.h"
#include "early_misfit.h"
#include "early_oversize.h"
#include "early_volley.h"
#include "repeat.h"

#define PARALLEL 3

struct early_case {
    unsigned n_accepted; /* most, in one trial */
    unsigned n_usual;    /* trials in which it was accepted at all */
    size_t elsewhere;    /* an address that accepted it as well */
    bool later;          /* one after the other, not at once */
};

static enum vote replay_here(struct auditor *a, void *cookie)
{
    struct early_case *c = cookie;
    struct early_volley v = {.n = PARALLEL};
    struct raw_config config;
    struct raw_session *s;
    unsigned n;

    auditor_config_for(a, KIND_PSK13, &config);
    s = early_session(a, &config);
    if (s == NULL) {
        return VOTE_VOID;
    }
    for (size_t i = 0; i < v.n; i++) {
        v.addresses[i] = a->address;
    }
    early_config(a, s, &config);
    if (c->later) {
        v.n = 1;
        n = early_volley(a, &config, &v);
        n += early_volley(a, &config, &v);
    } else {
        n = early_volley(a, &config, &v);
    }
    raw_session_free(&s);
    c->n_accepted = n > c->n_accepted ? n : c->n_accepted;
    c->n_usual += n != 0 ? 1 : 0;
    if (n == 0) {
        return VOTE_VOID; /* nothing that could be replayed */
    }
    return n > 1 ? VOTE_HIT : VOTE_MISS;
}

static enum vote replay_elsewhere(struct auditor *a, void *cookie)
{
    struct early_case *c = cookie;
    struct early_volley v = {.n = 1, .addresses = {a->address}};
    struct raw_config config;
    struct raw_session *s;
    enum vote vote;

    auditor_config_for(a, KIND_PSK13, &config);
    s = early_session(a, &config);
    if (s == NULL) {
        return VOTE_VOID;
    }
    for (size_t i = 0; i < a->config->n && v.n < EARLY_VOLLEY_MAX; i++) {
        if (i != a->address) {
            v.addresses[v.n++] = i;
        }
    }
    early_config(a, s, &config);
    (void)early_volley(a, &config, &v);
    vote = v.accepted[0] ? VOTE_MISS : VOTE_VOID;
    for (size_t i = 1; i < v.n && v.accepted[0]; i++) {
        if (v.accepted[i]) {
            vote = VOTE_HIT;
            c->elsewhere = v.addresses[i];
        }
    }
    raw_session_free(&s);
    return vote;
}

static unsigned try_here(struct auditor *a)
{
    unsigned n = 0;

    for (unsigned later = 0; later < 2; later++) {
        struct early_case c = {.later = later != 0};
        struct votes v;

        repeat(a, replay_here, &c, &v);
        n += v.n;
        if (votes_found(&v)) {
            auditor_find(a, FINDING_EARLY_REPLAY,
                         "the same first flight, sent %s: its early data was accepted %u times, in "
                         "%u of %u trials",
                         c.later ? "again afterwards" : "three times at once", c.n_accepted,
                         v.n_hits, v.n);
            break;
        }
    }
    return n;
}

static unsigned try_elsewhere(struct auditor *a)
{
    struct early_case c = {0};
    struct votes v;

    if (a->config->n < 2) {
        return 0;
    }
    repeat(a, replay_elsewhere, &c, &v);
    if (votes_found(&v)) {
        auditor_find(a, FINDING_EARLY_REPLAY_ELSEWHERE,
                     "the same first flight, sent here and to %s at once: its early data was "
                     "accepted at both in %u of %u trials",
                     a->config->addresses[c.elsewhere].text, v.n_hits, v.n);
    }
    return v.n;
}

void check_early_data(struct auditor *a)
{
    unsigned n_too_much = 0;
    unsigned n;

    if (!check_needs(a, KIND_PSK13)) {
        return;
    }
    if (a->profile.kinds[KIND_PSK13].max_early_data == 0) {
        auditor_conclude(a, AUDIT_NOT_APPLICABLE, "no ticket offers early data");
        return;
    }
    n = try_here(a);
    n += try_elsewhere(a);
    if (n == 0) {
        auditor_conclude(a, AUDIT_NOT_JUDGED, "tickets offer early data, and none was accepted");
        return;
    }
    n += early_misfits(a);
    n_too_much = early_oversize(a);
    auditor_conclude(a, AUDIT_PASSED,
                     "replayed, or sent where it does not fit, in %u trials: accepted once at "
                     "most; more than the ticket allows, %s",
                     n + n_too_much, n_too_much != 0 ? "too" : "could not be judged");
}
