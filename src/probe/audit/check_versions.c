#include "checks.h"
#include "repeat.h"
#include "resumption.h"

#define SUITE_AES_128_GCM_SHA256 0x1301
#define SUITE_AES_256_GCM_SHA384 0x1302
#define SUITE_12 0xc02f /* ECDHE-RSA-AES128-GCM-SHA256: any of TLS 1.2 */
#define MASTER_SECRET_LEN 48

struct version_case {
    enum session_kind issued;
    unsigned n_ended; /* connections that ended in the handshake */
    struct raw_result last_ended;
};

/* The suites of TLS 1.2 with SHA-384 that a raw client offers. */
static bool is_sha384(uint16_t suite)
{
    return suite == 0xc030 || suite == 0xc02c || suite == 0x009d || suite == 0xc028 ||
           suite == 0xc024;
}

/* In the shape in which a server that mistook it would know it. */
static void disguise(struct raw_session *s, enum session_kind issued)
{
    if (issued == KIND_TICKET12) {
        s->version = RAW_TLS13;
        s->suite = is_sha384(s->suite) ? SUITE_AES_256_GCM_SHA384 : SUITE_AES_128_GCM_SHA256;
    } else {
        s->version = RAW_TLS12;
        s->suite = SUITE_12;
        s->extended_master_secret = true;
        s->secret_len = MASTER_SECRET_LEN; /* zeroes behind the PSK */
    }
}

static enum vote other_version(struct auditor *a, void *cookie)
{
    struct version_case *c = cookie;
    const enum session_kind offered = c->issued == KIND_TICKET12 ? KIND_PSK13 : KIND_TICKET12;
    struct raw_session *s = auditor_session(a, c->issued);
    struct raw_config config;
    struct trial t;
    enum vote vote;

    if (s == NULL) {
        return VOTE_VOID;
    }
    disguise(s, c->issued);
    auditor_config_for(a, offered, &config);
    auditor_offer(&config, offered, s);
    auditor_try(a, &config, TRIAL_HANDSHAKE, &t);
    vote = t.result.server_hello && t.result.resumed ? VOTE_HIT : VOTE_MISS;
    if (vote == VOTE_MISS && !t.result.established) {
        c->n_ended++;
        c->last_ended = t.result;
    }
    trial_fini(&t);
    raw_session_free(&s);
    return vote;
}

static unsigned try_case(struct auditor *a, enum session_kind issued)
{
    struct version_case c = {.issued = issued};
    const char *what = issued == KIND_TICKET12 ? "a ticket of TLS 1.2 offered as a PSK in TLS 1.3"
                                               : "a ticket of TLS 1.3 offered in TLS 1.2";
    struct votes v;

    repeat(a, other_version, &c, &v);
    if (votes_found(&v)) {
        auditor_find(a, FINDING_VERSION_CONFUSION, "%s was taken %u of %u times", what, v.n_hits,
                     v.n);
    } else if (v.n >= 3 && c.n_ended == v.n && !resumption_ends_anyway(a, issued, v.n, v.n)) {
        char how[80];

        trial_outcome(&c.last_ended, how, sizeof how);
        auditor_find(a, FINDING_TICKET_ALERT, "%s ended the connection %u of %u times: %s", what,
                     c.n_ended, v.n, how);
    }
    return v.n;
}

void check_versions(struct auditor *a)
{
    const struct profile *p = &a->profile;
    unsigned n = 0;
    bool any = false;

    if (profile_resumes(p, KIND_TICKET12) && p->kinds[KIND_PSK13].n_full != 0) {
        any = true;
        n += try_case(a, KIND_TICKET12);
    }
    if (profile_resumes(p, KIND_PSK13) && p->kinds[KIND_TICKET12].n_full != 0) {
        any = true;
        n += try_case(a, KIND_PSK13);
    }
    if (!any) {
        auditor_conclude(a, AUDIT_NOT_APPLICABLE,
                         "the server does not speak both versions and resume by ticket");
    } else if (n >= 2) {
        auditor_conclude(a, AUDIT_PASSED, "%u tickets offered in the other version: none taken", n);
    }
}
