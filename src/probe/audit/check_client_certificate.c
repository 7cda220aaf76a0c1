#include "checks.h"
#include "repeat.h"
#include "site.h"
#include "text.h"

struct bypass_case {
    enum session_kind kind;
    const char *made; /* under that name; NULL: none */
    const char *name; /* where a certificate is demanded */
    bool with_identity;
    const struct site_view *view;
    unsigned http_status; /* of the last that got in */
};

static enum vote get_in(struct auditor *a, void *cookie)
{
    struct bypass_case *c = cookie;
    struct raw_session *s = site_session(a, c->kind, c->made, c->with_identity);
    struct site_answer answer;
    enum vote vote = VOTE_VOID;

    if (s != NULL && site_offer(a, c->kind, c->name, c->with_identity, true, s, &answer)) {
        vote = site_view_bypassed(c->view, &answer) ? VOTE_HIT : VOTE_MISS;
        if (vote == VOTE_HIT) {
            c->http_status = answer.http_status;
        }
    }
    raw_session_free(&s);
    return vote;
}

static void tell(struct auditor *a, const struct bypass_case *c, const struct votes *v)
{
    char made[300];
    char where[300];
    char denied[80];
    struct text t = text_of(denied, sizeof denied);

    site_name_text(c->made, made, sizeof made);
    site_name_text(c->name, where, sizeof where);
    if (c->view->denied_status != 0) {
        text_addf(&t, "HTTP status %u", c->view->denied_status);
    } else {
        text_addf(&t, "alert %u %s", (unsigned)c->view->alert, raw_alert_word(c->view->alert));
    }
    auditor_find(a, FINDING_CLIENT_CERTIFICATE_BYPASS,
                 "%s: a session made %s resumed %s %u of %u times%s, where a full handshake asks "
                 "for a client certificate and ends, %s, in %s",
                 session_kind_text(c->kind), made, where, v->n_hits, v->n,
                 c->http_status != 0 ? " and got its reply" : "",
                 c->with_identity ? "with ours" : "without one", denied);
}

/* How many offers it took. */
static unsigned try_sessions_of(struct auditor *a, enum session_kind kind, const char *made,
                                const char *name, bool with_identity, const struct site_view *view)
{
    struct bypass_case c = {kind, made, name, with_identity, view, 0};
    struct votes v;

    repeat(a, get_in, &c, &v);
    if (votes_found(&v)) {
        tell(a, &c, &v);
    }
    return v.n;
}

/* Sessions of all names, at the one whose view says that nobody gets in. */
static unsigned try_all(struct auditor *a, enum session_kind kind, const struct site_name *names,
                        size_t n_names, size_t at, bool with_identity, bool *demanded)
{
    struct site_view view;
    unsigned n = 0;

    site_look(a, kind, names[at].name, with_identity, true, &view);
    if (!site_view_denies(&view)) {
        return 0;
    }
    *demanded = true;
    for (size_t i = 0; i < n_names; i++) {
        if (i != at) {
            n += try_sessions_of(a, kind, names[i].name, names[at].name, with_identity, &view);
        }
    }
    return n;
}

void check_client_certificate(struct auditor *a)
{
    struct site_name names[SITE_NAMES_MAX + 1];
    size_t n_names = site_names(a, names);
    bool demanded = false;
    unsigned n = 0;

    names[n_names++].name = auditor_name(a);
    for (enum session_kind kind = 0; kind < SESSION_KINDS; kind++) {
        for (size_t i = 0; i < n_names; i++) {
            n += try_all(a, kind, names, n_names, i, false, &demanded);
            if (a->shared->identity != NULL) {
                n += try_all(a, kind, names, n_names, i, true, &demanded);
            }
        }
    }
    if (!demanded) {
        auditor_conclude(a, AUDIT_NOT_APPLICABLE,
                         "no name that was tried demands a client certificate");
    } else if (n == 0) {
        auditor_conclude(a, AUDIT_NOT_JUDGED,
                         "a client certificate is demanded, and no other name gives a session");
    } else {
        auditor_conclude(a, AUDIT_PASSED,
                         "%u sessions made elsewhere where a client certificate is demanded: none "
                         "got in",
                         n);
    }
}
