#include "checks.h"
#include "repeat.h"

struct ems_case {
    enum session_kind kind;
    bool issued_with;
};

static enum vote other_ems(struct auditor *a, void *cookie)
{
    const struct ems_case *c = cookie;
    struct raw_config config;
    struct raw_session *s;
    struct trial t;
    enum vote vote = VOTE_VOID;

    auditor_config_for(a, c->kind, &config);
    config.hello.extended_master_secret = c->issued_with;
    s = auditor_issue(a, c->kind, &config);
    if (s != NULL && s->extended_master_secret == c->issued_with) {
        auditor_config_for(a, c->kind, &config);
        auditor_offer(&config, c->kind, s);
        config.hello.extended_master_secret = !c->issued_with;
        auditor_try(a, &config, TRIAL_HANDSHAKE, &t);
        vote = trial_resumed(&t) ? VOTE_HIT : VOTE_MISS;
        trial_fini(&t);
    }
    raw_session_free(&s);
    return vote;
}

/* How many offers it took; 0 where nothing can be said. */
static unsigned try_case(struct auditor *a, struct ems_case c)
{
    struct votes v;

    repeat(a, other_ems, &c, &v);
    if (votes_found(&v)) {
        auditor_find(a, FINDING_EMS_DOWNGRADE,
                     c.issued_with
                         ? "%s: made with extended master secret, it resumed without %u of %u times"
                         : "%s: made without extended master secret, it resumed in a ClientHello "
                           "that offers it %u of %u times",
                     session_kind_text(c.kind), v.n_hits, v.n);
    }
    return v.n;
}

void check_ems(struct auditor *a)
{
    const struct profile *p = &a->profile;
    bool any = false;
    bool supported = false;
    unsigned n = 0;

    for (enum session_kind kind = KIND_ID12; kind <= KIND_TICKET12; kind++) {
        if (!profile_resumes(p, kind)) {
            continue;
        }
        any = true;
        /* RFC 7627 binds only servers that know it. */
        if (p->kinds[kind].extended_master_secret) {
            supported = true;
            n += try_case(a, (struct ems_case){kind, true});
            n += try_case(a, (struct ems_case){kind, false});
        }
    }
    if (!any) {
        auditor_conclude(a, AUDIT_NOT_APPLICABLE, "no session of TLS 1.2 resumes here");
    } else if (!supported) {
        auditor_conclude(a, AUDIT_NOT_APPLICABLE, "the server has no extended master secret");
    } else if (n >= 2) {
        auditor_conclude(a, AUDIT_PASSED, "dropped or added in %u offers: none resumed", n);
    }
}
