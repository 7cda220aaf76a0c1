#include "checks.h"
#include "repeat.h"
#include "resumption.h"

/* Who saw the session pass by, and has not its secret. */
static void fail_to_resume(struct auditor *a, enum session_kind kind, const struct raw_session *s)
{
    struct raw_config config;
    struct trial t;

    auditor_config_for(a, kind, &config);
    auditor_offer(&config, kind, s);
    if (kind == KIND_PSK13) {
        config.hello.psk.binder = RAW_BINDER_RANDOM;
    } else {
        config.finished = RAW_FINISHED_FLIPPED;
    }
    auditor_try(a, &config, TRIAL_REPLY, &t);
    trial_fini(&t);
}

static enum vote is_declined(struct auditor *a, enum session_kind kind, const struct raw_session *s)
{
    switch (resumption_try(a, kind, s)) {
    case RESUMPTION_DONE:
        return VOTE_MISS;
    case RESUMPTION_DECLINED:
        return VOTE_HIT;
    case RESUMPTION_FAILED:
        break;
    }
    return VOTE_VOID;
}

/* A second resumption by a session that resumed is declined. */
static enum vote used_up(struct auditor *a, void *cookie)
{
    const enum session_kind kind = *(const enum session_kind *)cookie;
    struct raw_session *s = auditor_session(a, kind);
    enum vote vote = VOTE_VOID;

    if (s != NULL && resumption_try(a, kind, s) == RESUMPTION_DONE) {
        vote = is_declined(a, kind, s);
    }
    raw_session_free(&s);
    return vote;
}

static enum vote killed(struct auditor *a, void *cookie)
{
    const enum session_kind kind = *(const enum session_kind *)cookie;
    struct raw_session *control = auditor_session(a, kind);
    struct raw_session *s = auditor_session(a, kind);
    enum vote vote = VOTE_VOID;

    if (control != NULL && s != NULL) {
        fail_to_resume(a, kind, s);
        vote = is_declined(a, kind, s);
        if (vote == VOTE_HIT && resumption_try(a, kind, control) != RESUMPTION_DONE) {
            vote = VOTE_VOID;
        }
    }
    raw_session_free(&s);
    raw_session_free(&control);
    return vote;
}

void check_third_party(struct auditor *a)
{
    static const enum session_kind kinds[] = {KIND_ID12, KIND_PSK13};
    const struct profile *p = &a->profile;
    bool any = false;
    unsigned n = 0;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        enum session_kind kind = kinds[i];
        struct votes v;

        /* Where sessions get lost anyhow, nobody can be blamed for it. */
        if (!profile_resumes(p, kind) || p->kinds[kind].n_resumed != p->kinds[kind].n_issued) {
            continue;
        }
        /* By whoever: that is what a single use is for. */
        repeat(a, used_up, &kind, &v);
        if (votes_found(&v)) {
            continue;
        }
        any = true;
        repeat(a, killed, &kind, &v);
        n += v.n;
        if (votes_found(&v) && v.n_hits * 2 > v.n) {
            auditor_find(a, FINDING_SESSION_KILLED,
                         "%s: after a resumption with a wrong %s it was refused %u of %u times, "
                         "while one that nobody touched resumed",
                         session_kind_text(kind), kind == KIND_PSK13 ? "binder" : "Finished",
                         v.n_hits, v.n);
        }
    }
    if (!any) {
        auditor_conclude(a, AUDIT_NOT_APPLICABLE,
                         "no session by ID or PSK resumes every time, and more than once");
    } else if (n >= 2) {
        auditor_conclude(a, AUDIT_PASSED, "%u sessions survived a resumption with a wrong secret",
                         n);
    }
}
