#include "checks.h"
#include "repeat.h"

static enum vote without_exchange(struct auditor *a, void *cookie)
{
    struct raw_session *s = auditor_session(a, KIND_PSK13);
    struct raw_config config;
    struct trial t;
    enum vote vote;

    (void)cookie;
    if (s == NULL) {
        return VOTE_VOID;
    }
    auditor_config_for(a, KIND_PSK13, &config);
    auditor_offer(&config, KIND_PSK13, s);
    config.hello.psk_modes[0] = RAW_MODE_PSK_KE;
    config.hello.n_psk_modes = 1;
    auditor_try(a, &config, TRIAL_HANDSHAKE, &t);
    vote = trial_resumed(&t) && t.result.psk_without_dh ? VOTE_HIT : VOTE_MISS;
    trial_fini(&t);
    raw_session_free(&s);
    return vote;
}

void check_psk_modes(struct auditor *a)
{
    struct votes v;

    if (!check_needs(a, KIND_PSK13)) {
        return;
    }
    repeat(a, without_exchange, NULL, &v);
    if (votes_found(&v)) {
        auditor_find(a, FINDING_PSK_KE,
                     "offered with psk_ke alone, a session resumed without a key exchange %u of "
                     "%u times",
                     v.n_hits, v.n);
    } else if (votes_judged(&v)) {
        auditor_conclude(a, AUDIT_PASSED, "psk_ke alone: declined %u of %u times", v.n - v.n_hits,
                         v.n);
    }
}
