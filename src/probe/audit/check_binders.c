#include "checks.h"
#include "repeat.h"
#include "text.h"

struct binder_case {
    const char *word;
    enum raw_binder binder;
    bool retry; /* after HelloRetryRequest, which a hello without a key share brings about */
    bool swap;  /* with that of a second session */
};

/* Too many of them are not here: what is beyond the binder of the chosen identity proves nothing.
 */
static const struct binder_case cases[] = {
    {"with a bit flipped", RAW_BINDER_FLIPPED, false, false},
    {"of zeroes", RAW_BINDER_ZERO, false, false},
    {"at random", RAW_BINDER_RANDOM, false, false},
    {"without its last byte", RAW_BINDER_SHORT, false, false},
    {"that is missing", RAW_BINDER_NONE, false, false},
    {"over another ClientHello", RAW_BINDER_ALTERED, false, false},
    {"of another session", RAW_BINDER_RIGHT, false, true},
    {"of the first ClientHello after HelloRetryRequest", RAW_BINDER_STALE, true, false},
    {"without the first ClientHello after HelloRetryRequest", RAW_BINDER_NO_RETRY, true, false},
};

#define N_CASES (sizeof cases / sizeof cases[0])

static enum vote offer(struct auditor *a, const struct binder_case *c, const struct raw_session *s,
                       const struct raw_session *second)
{
    struct raw_config config;
    struct raw_psk psks[2];
    struct trial t;
    enum vote vote;

    auditor_config_for(a, KIND_PSK13, &config);
    auditor_offer(&config, KIND_PSK13, s);
    config.hello.psk.binder = c->binder;
    if (second != NULL) {
        psks[0] = config.hello.psk;
        auditor_offer(&config, KIND_PSK13, second);
        psks[1] = config.hello.psk;
        config.hello.psks = psks;
        config.hello.n_psks = 2;
        config.hello.swap_binders = true;
    }
    if (c->retry) {
        config.hello.n_shares = 0;
    }
    auditor_try(a, &config, TRIAL_HANDSHAKE, &t);
    vote = trial_resumed(&t) ? VOTE_HIT : VOTE_MISS;
    if (c->retry && !t.result.hello_retry) {
        vote = VOTE_VOID;
    }
    trial_fini(&t);
    return vote;
}

static enum vote wrong_binder(struct auditor *a, void *cookie)
{
    const struct binder_case *c = cookie;
    struct raw_session *s = auditor_session(a, KIND_PSK13);
    struct raw_session *second = c->swap ? auditor_session(a, KIND_PSK13) : NULL;
    enum vote vote = VOTE_VOID;

    if (s != NULL && (second != NULL || !c->swap)) {
        vote = offer(a, c, s, second);
    }
    raw_session_free(&second);
    raw_session_free(&s);
    return vote;
}

void check_binders(struct auditor *a)
{
    char seen[320];
    struct text t = text_of(seen, sizeof seen);
    unsigned n = 0;

    if (!check_needs(a, KIND_PSK13)) {
        return;
    }
    for (size_t i = 0; i < N_CASES; i++) {
        struct binder_case c = cases[i];
        struct votes v;

        repeat(a, wrong_binder, &c, &v);
        n += v.n;
        if (votes_found(&v)) {
            text_addf(&t, "%s%s (%u of %u times)", t.len != 0 ? ", " : "", c.word, v.n_hits, v.n);
        }
    }
    if (t.len != 0) {
        auditor_find(a, FINDING_BINDER_UNCHECKED, "a session resumed with a binder %s", seen);
    } else if (n >= N_CASES) {
        auditor_conclude(a, AUDIT_PASSED, "%u offers with a wrong binder: none resumed", n);
    }
}
