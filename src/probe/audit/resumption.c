#include "resumption.h"

#define CONTROLS_MIN 4
#define CONTROLS_MAX 80
#define CHANCE 0.001

enum resumption resumption_try(struct auditor *a, enum session_kind kind,
                               const struct raw_session *s)
{
    struct raw_config config;
    struct trial t;
    enum resumption out = RESUMPTION_FAILED;

    auditor_config_for(a, kind, &config);
    auditor_offer(&config, kind, s);
    auditor_try(a, &config, TRIAL_HANDSHAKE, &t);
    if (t.result.established) {
        out = t.result.resumed ? RESUMPTION_DONE : RESUMPTION_DECLINED;
    }
    trial_fini(&t);
    return out;
}

unsigned resumption_controls(unsigned n, unsigned n_ended)
{
    const double goes_on = n > n_ended ? 1.0 - (double)n_ended / n : 0.0;
    double chance = 1.0;
    unsigned controls = 0;

    while (controls < CONTROLS_MIN || (chance > CHANCE && controls < CONTROLS_MAX)) {
        chance *= goes_on;
        controls++;
    }
    return controls;
}

static bool full_handshake(struct auditor *a, enum session_kind kind)
{
    struct raw_config config;
    struct trial t;
    bool full;

    auditor_config_for(a, kind, &config);
    auditor_try(a, &config, TRIAL_HANDSHAKE, &t);
    full = trial_full(&t);
    trial_fini(&t);
    return full;
}

bool resumption_ends_anyway(struct auditor *a, enum session_kind kind, unsigned n, unsigned n_ended)
{
    const unsigned controls = resumption_controls(n, n_ended);

    for (unsigned i = 0; i < controls; i++) {
        if (!auditor_goes_on(a)) {
            return true;
        }
        if (i % 2 == 0) {
            if (!full_handshake(a, kind)) {
                return true;
            }
        } else {
            struct raw_session *s = auditor_session(a, kind);
            const bool ended = s == NULL || resumption_try(a, kind, s) == RESUMPTION_FAILED;

            raw_session_free(&s);
            if (ended) {
                return true;
            }
        }
    }
    return false;
}
