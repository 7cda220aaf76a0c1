#include <string.h>

#include "checks.h"
#include "repeat.h"

struct alpn_case {
    enum session_kind kind;
    const char *offered; /* NULL: nothing */
};

void check_offer_alpn(struct raw_hello *hello, const char *protocol)
{
    hello->alpn[0] = protocol;
    hello->n_alpn = protocol != NULL ? 1 : 0;
}

/* What a full handshake does with that offer, and not by a session: it chooses http/1.1. */
static bool chooses(struct auditor *a, enum session_kind kind, const char *offered)
{
    struct raw_config config;
    struct trial t;
    bool yes;

    auditor_config_for(a, kind, &config);
    check_offer_alpn(&config.hello, offered);
    auditor_try(a, &config, TRIAL_HANDSHAKE, &t);
    yes = strcmp(t.result.alpn, HTTP11) == 0;
    trial_fini(&t);
    return yes;
}

bool check_negotiates(struct auditor *a, enum session_kind kind)
{
    return chooses(a, kind, HTTP11);
}

static enum vote kept(struct auditor *a, void *cookie)
{
    const struct alpn_case *c = cookie;
    struct raw_config config;
    struct raw_session *s;
    struct trial t;
    enum vote vote;

    auditor_config_for(a, c->kind, &config);
    check_offer_alpn(&config.hello, HTTP11);
    s = auditor_issue(a, c->kind, &config);
    if (s == NULL) {
        return VOTE_VOID;
    }
    auditor_config_for(a, c->kind, &config);
    auditor_offer(&config, c->kind, s);
    check_offer_alpn(&config.hello, c->offered);
    auditor_try(a, &config, TRIAL_HANDSHAKE, &t);
    vote = t.result.resumed && strcmp(t.result.alpn, HTTP11) == 0 ? VOTE_HIT : VOTE_MISS;
    trial_fini(&t);
    raw_session_free(&s);
    return vote;
}

static unsigned try_kind(struct auditor *a, enum session_kind kind)
{
    static const char *const offers[] = {"h2", NULL};
    unsigned n = 0;

    for (size_t i = 0; i < sizeof offers / sizeof offers[0]; i++) {
        struct alpn_case c = {kind, offers[i]};
        struct votes v;

        /* Apache httpd does so whatever is offered: no session needs to be kept for that. */
        if (chooses(a, kind, c.offered)) {
            continue;
        }
        repeat(a, kept, &c, &v);
        n += v.n;
        if (votes_found(&v)) {
            auditor_find(a, FINDING_ALPN_KEPT,
                         "%s: of a session of http/1.1, a resumption that offered %s got http/1.1 "
                         "%u of %u times",
                         session_kind_text(kind), c.offered != NULL ? c.offered : "no protocol",
                         v.n_hits, v.n);
            break;
        }
    }
    return n;
}

void check_alpn(struct auditor *a)
{
    bool any = false;
    unsigned n = 0;

    for (enum session_kind kind = 0; kind < SESSION_KINDS; kind++) {
        if (profile_resumes(&a->profile, kind) && check_negotiates(a, kind)) {
            any = true;
            n += try_kind(a, kind);
        }
    }
    if (!any) {
        auditor_conclude(a, AUDIT_NOT_APPLICABLE,
                         "the server negotiates no protocol, or nothing "
                         "resumes");
    } else if (n != 0) {
        auditor_conclude(a, AUDIT_PASSED,
                         "%u resumptions with another protocol or none: negotiated anew", n);
    }
}
