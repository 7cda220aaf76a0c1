#include "raw_hello.h"

#include <string.h>

#include "raw_suite.h"

#define SESSION_ID_LEN 32

static void add_suites(struct raw_hello *h)
{
    const struct raw_suite *suite;

    for (size_t i = 0; i < RAW_SUITES_MAX && (suite = raw_suite_at(i)) != NULL; i++) {
        h->suites[h->n_suites++] = suite->id;
    }
}

void raw_hello_init(struct raw_hello *h, const char *name)
{
    static const uint16_t versions[] = {RAW_TLS13, RAW_TLS12};
    static const uint16_t groups[] = {RAW_GROUP_X25519, RAW_GROUP_P256, RAW_GROUP_P384};
    static const uint16_t signatures[] = {0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804,
                                          0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401,
                                          0x0501, 0x0601, 0x0203, 0x0201};

    *h = (struct raw_hello){
        .legacy_version = RAW_TLS12,
        .n_versions = sizeof versions / sizeof versions[0],
        .session_id_len = SESSION_ID_LEN,
        .random_session_id = true,
        .n_groups = sizeof groups / sizeof groups[0],
        .shares = {RAW_GROUP_X25519},
        .n_shares = 1,
        .n_signatures = sizeof signatures / sizeof signatures[0],
        .extended_master_secret = true,
        .renegotiation_info = true,
        .ticket_ext = RAW_TICKET_EMPTY,
        .psk_modes = {RAW_MODE_PSK_DHE_KE},
        .n_psk_modes = 1,
    };
    memcpy(h->versions, versions, sizeof versions);
    memcpy(h->groups, groups, sizeof groups);
    memcpy(h->signatures, signatures, sizeof signatures);
    add_suites(h);
    if (name != NULL) {
        h->names[0] = name;
        h->n_names = 1;
    }
}

static void keep_suites(struct raw_hello *h, bool tls13)
{
    size_t n = 0;

    for (size_t i = 0; i < h->n_suites; i++) {
        const struct raw_suite *const suite = raw_suite_find(h->suites[i]);

        if (suite == NULL || suite->tls13 == tls13) {
            h->suites[n++] = h->suites[i];
        }
    }
    h->n_suites = n;
}

static void only_tls12(struct raw_hello *h)
{
    h->n_versions = 0;
    h->n_shares = 0;
    h->n_psk_modes = 0;
    h->psk = (struct raw_psk){0};
    h->psks = NULL;
    h->n_psks = 0;
    h->n_extra_binders = 0;
    h->early_data = false;
    h->ticket_request_ext = false;
    if (h->random_session_id) {
        h->session_id_len = 0;
    }
}

void raw_hello_only(struct raw_hello *h, uint16_t version)
{
    keep_suites(h, version == RAW_TLS13);
    if (version == RAW_TLS12) {
        only_tls12(h);
    } else {
        h->versions[0] = version;
        h->n_versions = 1;
        h->extended_master_secret = false;
        h->renegotiation_info = false;
        h->ticket_ext = RAW_TICKET_ABSENT;
        h->session = NULL;
    }
}

void raw_hello_suite(struct raw_hello *h, uint16_t suite)
{
    h->suites[0] = suite;
    h->n_suites = 1;
}

void raw_hello_group(struct raw_hello *h, uint16_t group)
{
    h->groups[0] = group;
    h->n_groups = 1;
    h->shares[0] = group;
    h->n_shares = h->n_shares != 0 ? 1 : 0;
}

void raw_hello_offer_id(struct raw_hello *h, const struct raw_session *s)
{
    memcpy(h->session_id, s->id, s->id_len);
    h->session_id_len = s->id_len;
    h->random_session_id = false;
    h->ticket_ext = RAW_TICKET_ABSENT;
    h->session = s;
}

void raw_hello_offer_ticket(struct raw_hello *h, const struct raw_session *s)
{
    h->session_id_len = SESSION_ID_LEN;
    h->random_session_id = true;
    h->ticket_ext = RAW_TICKET_BYTES;
    h->ticket = s->ticket;
    h->ticket_len = s->ticket_len;
    h->session = s;
}

uint32_t raw_obfuscated_age(const struct raw_session *s, int64_t now_us)
{
    const int64_t age_us = now_us > s->received_us ? now_us - s->received_us : 0;

    return (uint32_t)(age_us / 1000) + s->age_add;
}

void raw_hello_offer_psk(struct raw_hello *h, const struct raw_session *s, int64_t now_us)
{
    h->psk = (struct raw_psk){
        .identity = s->ticket,
        .identity_len = s->ticket_len,
        .obfuscated_age = raw_obfuscated_age(s, now_us),
        .session = s,
        .binder = RAW_BINDER_RIGHT,
    };
    h->psks = NULL;
    h->n_psks = 0;
}

void raw_hello_offer(struct raw_hello *h, const struct raw_session *s, int64_t now_us)
{
    if (s->version == RAW_TLS13) {
        raw_hello_offer_psk(h, s, now_us);
    } else if (s->ticket_len != 0) {
        raw_hello_offer_ticket(h, s);
    } else {
        raw_hello_offer_id(h, s);
    }
}
