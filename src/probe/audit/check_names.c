#include "checks.h"
#include "repeat.h"
#include "site.h"

struct name_case {
    enum session_kind kind;
    const char *name;
};

static enum vote under_name(struct auditor *a, void *cookie)
{
    const struct name_case *c = cookie;
    struct raw_session *s = auditor_session(a, c->kind);
    struct site_answer answer;
    enum vote vote = VOTE_VOID;

    if (s != NULL && site_offer(a, c->kind, c->name, true, false, s, &answer)) {
        vote = answer.resumed ? VOTE_HIT : VOTE_MISS;
    }
    raw_session_free(&s);
    return vote;
}

/* How many offers it took; 0: it is not another site. */
static unsigned try_name(struct auditor *a, enum session_kind kind, const struct site_view *own,
                         const struct site_name *name)
{
    struct name_case c = {kind, name->name};
    struct site_view view;
    struct votes v;
    char where[300];
    char why[128];

    site_look(a, kind, name->name, true, false, &view);
    if (!site_view_differs(own, &view, why, sizeof why)) {
        return 0;
    }
    repeat(a, under_name, &c, &v);
    if (votes_found(&v)) {
        site_name_text(name->name, where, sizeof where);
        auditor_find(a, name->finding,
                     "%s: a session made %s%s resumed %s %u of %u times, where a full handshake "
                     "shows %s",
                     session_kind_text(kind), auditor_name(a) != NULL ? "under " : "without a ",
                     auditor_name(a) != NULL ? auditor_name(a) : "server name", where, v.n_hits,
                     v.n, why);
    }
    return v.n;
}

void check_names(struct auditor *a)
{
    struct site_name names[SITE_NAMES_MAX];
    const size_t n_names = site_names(a, names);
    bool any = false;
    unsigned n = 0;

    for (enum session_kind kind = 0; kind < SESSION_KINDS; kind++) {
        struct site_view own;

        if (!profile_resumes(&a->profile, kind)) {
            continue;
        }
        any = true;
        site_look(a, kind, auditor_name(a), true, false, &own);
        for (size_t i = 0; i < n_names; i++) {
            n += try_name(a, kind, &own, &names[i]);
        }
    }
    if (!any) {
        auditor_conclude(a, AUDIT_NOT_APPLICABLE, "no session resumes here");
    } else if (n == 0) {
        auditor_conclude(a, AUDIT_NOT_APPLICABLE,
                         "under all %zu other names that were tried it is the same site", n_names);
    } else {
        auditor_conclude(a, AUDIT_PASSED, "%u offers where another site is: none resumed", n);
    }
}
