#include "checks.h"
#include "repeat.h"

#define SUITE_AES_128_GCM_SHA256 0x1301
#define SUITE_AES_256_GCM_SHA384 0x1302

struct hash_case {
    const char *text;
    uint16_t issued;
    uint16_t offered;
};

static enum vote other_hash(struct auditor *a, void *cookie)
{
    const struct hash_case *c = cookie;
    struct raw_config config;
    struct raw_session *s;
    struct trial t;
    enum vote vote = VOTE_MISS;

    auditor_config_for(a, KIND_PSK13, &config);
    raw_hello_suite(&config.hello, c->issued);
    s = auditor_issue(a, KIND_PSK13, &config);
    if (s == NULL) {
        return VOTE_VOID;
    }
    auditor_config_for(a, KIND_PSK13, &config);
    raw_hello_suite(&config.hello, c->offered);
    auditor_offer(&config, KIND_PSK13, s);
    auditor_try(a, &config, TRIAL_HANDSHAKE, &t);
    /* That the server chose to is enough: no two will agree on the keys of such a handshake. */
    if (t.result.server_hello && t.result.resumed && t.result.suite == c->offered) {
        vote = VOTE_HIT;
    }
    trial_fini(&t);
    raw_session_free(&s);
    return vote;
}

void check_hash(struct auditor *a)
{
    static const struct hash_case cases[] = {
        {"a PSK of SHA-256 with a suite of SHA-384", SUITE_AES_128_GCM_SHA256,
         SUITE_AES_256_GCM_SHA384},
        {"a PSK of SHA-384 with a suite of SHA-256", SUITE_AES_256_GCM_SHA384,
         SUITE_AES_128_GCM_SHA256},
    };
    unsigned n = 0;

    if (!check_needs(a, KIND_PSK13)) {
        return;
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hash_case c = cases[i];
        struct votes v;

        repeat(a, other_hash, &c, &v);
        n += v.n;
        if (votes_found(&v)) {
            auditor_find(a, FINDING_HASH_MISMATCH, "the server chose %s %u of %u times", c.text,
                         v.n_hits, v.n);
        }
    }
    if (n >= 2) {
        auditor_conclude(a, AUDIT_PASSED, "%u offers with a suite of another hash: none taken", n);
    } else {
        auditor_conclude(a, AUDIT_NOT_APPLICABLE,
                         "the server has no TLS 1.3 suites of two different hashes");
    }
}
