#include "checks.h"
#include "repeat.h"
#include "text.h"

#define PEERS_MAX 4 /* other addresses that are tried */

struct certificate_case {
    enum session_kind kind;
    size_t address;
};

static enum vote offer_there(struct auditor *a, void *cookie)
{
    const struct certificate_case *c = cookie;
    struct raw_session *s = auditor_session(a, c->kind);
    struct raw_config config;
    struct trial t;
    enum vote vote;

    if (s == NULL) {
        return VOTE_VOID;
    }
    auditor_config_for(a, c->kind, &config);
    auditor_offer(&config, c->kind, s);
    auditor_try_at(a, c->address, &config, TRIAL_HANDSHAKE, &t);
    vote = trial_resumed(&t) ? VOTE_HIT : VOTE_MISS;
    trial_fini(&t);
    raw_session_free(&s);
    return vote;
}

static void tell(struct auditor *a, const struct certificate_case *c, const struct votes *v)
{
    char here[20];
    char there[20];
    struct text t = text_of(here, sizeof here);

    text_add_hex(&t, a->profile.leaves.leaves[0], 4);
    t = text_of(there, sizeof there);
    text_add_hex(&t, a->shared->profiles[c->address]->leaves.leaves[0], 4);
    auditor_find(a, FINDING_OTHER_CERTIFICATE,
                 "%s: sessions made here, with certificate %s..., resumed at %s, which shows "
                 "%s..., %u of %u times",
                 session_kind_text(c->kind), here, a->config->addresses[c->address].text, there,
                 v->n_hits, v->n);
}

static unsigned try_peer(struct auditor *a, size_t address)
{
    unsigned n = 0;

    for (enum session_kind kind = 0; kind < SESSION_KINDS; kind++) {
        struct certificate_case c = {kind, address};
        struct votes v;

        if (a->profile.kinds[kind].n_issued == 0) {
            continue;
        }
        repeat(a, offer_there, &c, &v);
        n += v.n;
        if (votes_found(&v)) {
            tell(a, &c, &v);
        }
    }
    return n;
}

void check_certificates(struct auditor *a)
{
    const size_t n = a->config->n;
    unsigned n_peers = 0;
    unsigned n_offers = 0;

    for (size_t i = 0; i < n && n_peers < PEERS_MAX; i++) {
        if (i != a->address &&
            leaf_set_disjoint(&a->profile.leaves, &a->shared->profiles[i]->leaves)) {
            n_peers++;
            n_offers += try_peer(a, i);
        }
    }
    if (n < 2) {
        auditor_conclude(a, AUDIT_NOT_APPLICABLE, "there is one address");
    } else if (n_peers == 0) {
        auditor_conclude(a, AUDIT_NOT_APPLICABLE, "no other address shows another certificate");
    } else if (n_offers != 0) {
        auditor_conclude(a, AUDIT_PASSED,
                         "%u sessions offered where another certificate is shown: none resumed",
                         n_offers);
    }
}
