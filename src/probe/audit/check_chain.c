#include "checks.h"

/* How long a chain is followed, in lifetimes; and how often it is resumed in each. */
#define LIFETIMES 3
#define STEPS 3
#define SLACK_US 1200000 /* servers count in whole seconds */

struct chain {
    enum session_kind kind;
    struct raw_session *newest;
    int64_t began_us;
    unsigned n_resumed;
    unsigned n_renewed;
    uint32_t first_lifetime_s;
    uint32_t last_lifetime_s;
    bool ended;
    int64_t last_us; /* of the last resumption */
};

static void begin(struct auditor *a, enum session_kind kind, struct chain *c)
{
    *c = (struct chain){.kind = kind};
    c->newest = auditor_session(a, kind);
    c->began_us = raw_now_us();
    c->last_us = c->began_us;
    if (c->newest == NULL) {
        c->ended = true;
        return;
    }
    c->first_lifetime_s = c->newest->lifetime_s;
    c->last_lifetime_s = c->newest->lifetime_s;
}

static void step(struct auditor *a, struct chain *c)
{
    struct raw_config config;
    struct trial t;

    auditor_config_for(a, c->kind, &config);
    auditor_offer(&config, c->kind, c->newest);
    auditor_try(a, &config, TRIAL_SESSIONS, &t);
    if (!trial_resumed(&t)) {
        c->ended = true;
    } else {
        c->n_resumed++;
        c->last_us = raw_now_us();
        if (t.n_tickets != 0 && t.n_sessions != 0) {
            raw_session_free(&c->newest);
            c->newest = trial_take(&t, 0);
            c->n_renewed++;
            c->last_lifetime_s = c->newest->lifetime_s;
        }
    }
    trial_fini(&t);
}

/* False if cancelled. */
static bool follow(struct auditor *a, struct chain *c)
{
    const int64_t lifetime_us = (int64_t)c->first_lifetime_s * 1000000;
    const int64_t end_us = c->began_us + LIFETIMES * lifetime_us + SLACK_US;

    while (!c->ended && raw_now_us() < end_us) {
        if (!auditor_wait_until(a, raw_now_us() + lifetime_us / STEPS)) {
            return false;
        }
        step(a, c);
    }
    return true;
}

/* It resumed at every step, from the first to the last: no single answer decides. */
static bool endless(struct auditor *a, enum session_kind kind, struct chain *c)
{
    begin(a, kind, c);
    if (c->first_lifetime_s == 0 || !follow(a, c) || c->ended) {
        return false;
    }
    return c->n_renewed != 0 && c->last_lifetime_s >= c->first_lifetime_s;
}

/* Seconds that a chain takes; 0: the kind has none. */
static uint64_t needs_s(const struct auditor *a, enum session_kind kind)
{
    const struct kind_profile *k = &a->profile.kinds[kind];

    return k->n_resumed != 0 ? (uint64_t)k->lifetime_s * LIFETIMES + 2 : 0;
}

void check_chain(struct auditor *a)
{
    const uint64_t wait_s = auditor_wait_s(a);
    uint64_t most_s = 0;
    unsigned n = 0;

    for (enum session_kind kind = KIND_TICKET12; kind <= KIND_PSK13; kind++) {
        const uint64_t s = needs_s(a, kind);
        struct chain c;

        if (s <= 2) {
            continue;
        }
        if (s > wait_s) {
            most_s = s > most_s ? s : most_s;
            continue;
        }
        n++;
        if (endless(a, kind, &c)) {
            auditor_find(a, FINDING_ENDLESS_CHAIN,
                         "%s: by %u renewed tickets a session still resumed %lld s after its full "
                         "handshake, at an advertised lifetime of %u s, and the last ticket has %u "
                         "s again",
                         session_kind_text(kind), c.n_renewed,
                         (long long)((c.last_us - c.began_us) / 1000000),
                         (unsigned)c.first_lifetime_s, (unsigned)c.last_lifetime_s);
        }
        raw_session_free(&c.newest);
    }
    if (most_s != 0) {
        auditor_conclude(
            a, AUDIT_NOT_JUDGED,
            "it would take %llu s, three lifetimes, and no more than %llu s are given (--wait)",
            (unsigned long long)most_s, (unsigned long long)wait_s);
    } else if (n == 0) {
        auditor_conclude(a, AUDIT_NOT_APPLICABLE, "no ticket with a lifetime resumes here");
    } else {
        auditor_conclude(a, AUDIT_PASSED, "each chain of resumptions ended within 3 lifetimes");
    }
}
