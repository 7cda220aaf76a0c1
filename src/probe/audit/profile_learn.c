#include "profile_learn.h"

#include <strings.h>

#include "text.h"

#define TRIES 4
#define GIVE_UP 2 /* handshakes in a row that came to nothing */

static bool known_name(const struct auditor *a, const char *name)
{
    const struct profile *p = &a->profile;

    if (auditor_name(a) != NULL && strcasecmp(auditor_name(a), name) == 0) {
        return true;
    }
    for (size_t i = 0; i < p->n_names; i++) {
        if (strcasecmp(p->names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void keep_names(struct auditor *a, const struct trial *t)
{
    struct profile *p = &a->profile;

    for (size_t i = 0; i < t->n_names && p->n_names < PROFILE_NAMES_MAX; i++) {
        if (!known_name(a, t->names[i])) {
            struct text name = text_of(p->names[p->n_names], sizeof p->names[0]);

            text_add(&name, t->names[i]);
            p->n_names++;
        }
    }
}

static void learn_issued(struct auditor *a, enum session_kind kind, struct raw_session *s)
{
    struct kind_profile *k = &a->profile.kinds[kind];
    struct raw_config config;
    struct trial t;

    k->n_issued++;
    k->lifetime_s = s->lifetime_s;
    k->max_early_data = s->max_early_data;
    k->suite = s->suite;
    k->extended_master_secret = s->extended_master_secret;
    auditor_config_for(a, kind, &config);
    auditor_offer(&config, kind, s);
    auditor_try(a, &config, TRIAL_HANDSHAKE, &t);
    k->n_resumed += trial_resumed(&t) ? 1 : 0;
    trial_fini(&t);
}

/* False if no handshake was done. */
static bool learn_once(struct auditor *a, enum session_kind kind)
{
    struct profile *p = &a->profile;
    struct raw_config config;
    struct raw_session *s = NULL;
    struct trial t;
    bool full;

    auditor_config_for(a, kind, &config);
    auditor_try(a, &config, TRIAL_SESSIONS, &t);
    p->kinds[kind].n_tries++;
    full = trial_full(&t);
    if (full) {
        p->kinds[kind].n_full++;
        leaf_set_add(&p->leaves, t.result.leaf_sha256);
        keep_names(a, &t);
        s = auditor_pick(&t, kind);
    } else if (p->why_not[0] == '\0') {
        struct text why = text_of(p->why_not, sizeof p->why_not);

        text_add(&why, t.result.why.text[0] != '\0' ? t.result.why.text : "no TLS handshake");
    }
    p->kinds[kind].n_refused += !full && t.result.end == RAW_END_ALERT ? 1 : 0;
    p->answers = p->answers || t.result.server_hello || t.result.alert.seen;
    trial_fini(&t);
    if (s != NULL) {
        learn_issued(a, kind, s);
    }
    raw_session_free(&s);
    return full;
}

void profile_learn(struct auditor *a)
{
    for (enum session_kind kind = 0; kind < SESSION_KINDS; kind++) {
        unsigned n_vain = 0;

        for (unsigned i = 0; i < TRIES && n_vain < GIVE_UP && auditor_goes_on(a); i++) {
            n_vain = learn_once(a, kind) ? 0 : n_vain + 1;
        }
    }
}
