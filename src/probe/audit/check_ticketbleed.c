#include <string.h>

#include <openssl/rand.h>

#include "checks.h"
#include "echo.h"
#include "repeat.h"
#include "text.h"

struct echo_case {
    size_t len;
    uint8_t sent[RAW_SESSION_ID_MAX];
    uint8_t back[RAW_SESSION_ID_MAX]; /* of the last one that was wrong */
    size_t back_len;
};

static enum vote beside_ticket(struct auditor *a, void *cookie)
{
    struct echo_case *c = cookie;
    struct raw_session *s = auditor_session(a, KIND_TICKET12);
    struct raw_config config;
    struct trial t;
    enum vote vote = VOTE_VOID;

    if (s == NULL || RAND_bytes(c->sent, (int)c->len) != 1) {
        raw_session_free(&s);
        return VOTE_VOID;
    }
    auditor_config_for(a, KIND_TICKET12, &config);
    auditor_offer(&config, KIND_TICKET12, s);
    config.hello.random_session_id = false;
    memcpy(config.hello.session_id, c->sent, c->len);
    config.hello.session_id_len = c->len;
    auditor_try(a, &config, TRIAL_HANDSHAKE, &t);
    if (t.result.server_hello) {
        vote = VOTE_MISS;
        if (echo_is_wrong(c->sent, c->len, t.result.session_id, t.result.session_id_len)) {
            vote = VOTE_HIT;
            c->back_len = t.result.session_id_len;
            memcpy(c->back, t.result.session_id, c->back_len);
        }
    }
    trial_fini(&t);
    raw_session_free(&s);
    return vote;
}

void check_ticketbleed(struct auditor *a)
{
    static const size_t lengths[] = {1, 16, 31, 32};
    unsigned n = 0;

    if (!check_needs(a, KIND_TICKET12)) {
        return;
    }
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct echo_case c = {.len = lengths[i]};
        char back[2 * RAW_SESSION_ID_MAX + 1];
        struct text t = text_of(back, sizeof back);
        struct votes v;

        repeat(a, beside_ticket, &c, &v);
        n += v.n;
        /* A byte alone may begin an ID of the server's own by chance. */
        if (votes_found(&v) && (c.len > 1 || v.n_hits * 2 > v.n)) {
            text_add_hex(&t, c.back, c.back_len);
            auditor_find(a, FINDING_TICKETBLEED,
                         "to a session ID of %zu bytes beside a ticket %zu came back %u of %u "
                         "times, what was sent and %zu more: %s",
                         c.len, c.back_len, v.n_hits, v.n, c.back_len - c.len, back);
            return; /* the others would say the same */
        }
    }
    if (n >= 2) {
        auditor_conclude(a, AUDIT_PASSED,
                         "session IDs of 1, 16, 31 and 32 bytes beside a ticket: none came back "
                         "longer, in %u offers",
                         n);
    }
}
