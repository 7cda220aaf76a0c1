/* Each verdict, brought about by a client. Whatever is wrong costs a full handshake, no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attach_kit.h"
#include "hello_edit.h"

#define PSK_KE 0 /* RFC 8446 section 4.2.9 */
#define PSK_DHE_KE 1

/* Any bytes as a ticket or, under TLS 1.3, as a PSK identity. */
struct forged {
    uint8_t bytes[4096];
    size_t n;
};

static struct forged forged_of(const SSL_SESSION *session)
{
    struct forged f = {.n = 0}; /* the tests lengthen it too */
    const unsigned char *ticket = NULL;

    SSL_SESSION_get0_ticket(session, &ticket, &f.n);
    assert_in_range(f.n, 1, sizeof f.bytes - 1);
    memcpy(f.bytes, ticket, f.n);
    return f;
}

static int use_identity(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *n,
                        SSL_SESSION **session)
{
    static const uint8_t suite[2] = {0x13, 0x02}; /* TLS_AES_256_GCM_SHA384 */
    const uint8_t secret[48] = {1};
    const struct forged *f = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    (void)md;
    *session = SSL_SESSION_new();
    assert_non_null(*session);
    assert_int_equal(SSL_SESSION_set1_master_key(*session, secret, sizeof secret), 1);
    assert_int_equal(SSL_SESSION_set_cipher(*session, SSL_CIPHER_find(ssl, suite)), 1);
    assert_int_equal(SSL_SESSION_set_protocol_version(*session, TLS1_3_VERSION), 1);
    *id = f->bytes;
    *n = f->n;
    return 1;
}

static void offer_forged(SSL *client, SSL *server, void *arg)
{
    struct forged *f = arg;

    (void)server;
    if (SSL_get_max_proto_version(client) == TLS1_3_VERSION) {
        assert_int_equal(SSL_CTX_set_app_data(SSL_get_SSL_CTX(client), f), 1);
        SSL_set_psk_use_session_callback(client, use_identity);
    } else {
        assert_int_equal(SSL_set_session_ticket_ext(client, f->bytes, (int)f->n), 1);
    }
}

static void expect_forged(struct kit *kit, SSL_CTX *server, int version, struct forged *f,
                          enum rp_verdict verdict)
{
    const struct kit_offer offer = {
        .version = version, .name = KIT_NAME, .prepare = offer_forged, .arg = f};
    struct kit_outcome out;

    kit_connect(kit, server, &offer, &out);
    assert_true(out.done && !out.resumed && out.info.issued);
    assert_string_equal(rp_verdict_text(out.info.verdict), rp_verdict_text(verdict));
    assert_int_equal(out.info.mechanism,
                     version == TLS1_3_VERSION ? RP_MECHANISM_PSK : RP_MECHANISM_TICKET);
    SSL_SESSION_free(out.session);
}

static void unknown_key_and_forged_at_each_byte(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);

    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_SESSION *session = kit_full(kit, server, version);
        struct forged f = forged_of(session);

        for (size_t i = 0; i < f.n; i++) {
            f.bytes[i] ^= 0x10;
            expect_forged(kit, server, version, &f,
                          i < 16 ? RP_VERDICT_UNKNOWN_KEY : RP_VERDICT_FORGED);
            f.bytes[i] ^= 0x10;
        }
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(server);
}

static void a_cut_ticket_is_malformed_or_forged(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);

    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_SESSION *session = kit_full(kit, server, version);
        struct forged f = forged_of(session);

        for (size_t full = f.n++; f.n > 0; f.n -= f.n > full - 8 || f.n < 40 ? 1 : 16) {
            if (f.n != full) {
                expect_forged(kit, server, version, &f,
                              f.n < 32 ? RP_VERDICT_MALFORMED : RP_VERDICT_FORGED);
            }
        }
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(server);
}

static void a_session_id_not_ours_is_unknown(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);

    for (unsigned i = 0; i < 32; i++) {
        SSL_SESSION *session = kit_full_by_id(kit, server);
        unsigned n = 0;
        uint8_t id[32];

        memcpy(id, SSL_SESSION_get_id(session, &n), sizeof id);
        assert_int_equal(n, sizeof id);
        id[i] ^= 1;
        assert_int_equal(SSL_SESSION_set1_id(session, id, n), 1);
        kit_expect(kit, server, session, RP_VERDICT_UNKNOWN_KEY);
        assert_int_equal(SSL_SESSION_set1_id(session, id, i + 1), 1);
        kit_expect(kit, server, session, RP_VERDICT_UNKNOWN_KEY);
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(server);
}

static void a_session_that_the_cache_has_not_is_not_cached(void **state)
{
    struct kit *kit = *state;
    struct rp_attach_options options = kit_options(kit);
    SSL_CTX *here = kit_server(kit, &options);
    SSL_SESSION *session = kit_full_by_id(kit, here);
    struct rp_cache *empty = NULL;
    SSL_CTX *there;

    assert_int_equal(rp_cache_new(1 << 16, &empty, NULL), RP_OK);
    options.cache = empty;
    there = kit_server(kit, &options);
    kit_expect(kit, there, session, RP_VERDICT_NOT_CACHED);
    kit_expect(kit, here, session, RP_VERDICT_ACCEPTED);
    SSL_SESSION_free(session);
    SSL_CTX_free(here);
    SSL_CTX_free(there);
    rp_cache_free(&empty);
}

static void another_domain_is_wrong(void **state)
{
    struct kit *kit = *state;
    struct rp_attach_options options = kit_options(kit);
    SSL_CTX *here = kit_server(kit, &options);
    SSL_CTX *there;

    options.domain = KIT_OTHER_DOMAIN;
    there = kit_server(kit, &options);
    for (enum rp_mechanism m = RP_MECHANISM_SESSION_ID; m < RP_N_MECHANISMS; m++) {
        SSL_SESSION *session = kit_full_for(kit, here, m);

        /* An ID's hint is that of a key of its own domain: elsewhere it is nobody's. */
        kit_expect(kit, there, session,
                   m == RP_MECHANISM_SESSION_ID ? RP_VERDICT_UNKNOWN_KEY : RP_VERDICT_WRONG_DOMAIN);
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(here);
    SSL_CTX_free(there);
}

static void another_policy_has_changed(void **state)
{
    struct kit *kit = *state;
    struct rp_attach_options options = kit_options(kit);
    SSL_CTX *before = kit_server(kit, &options);
    SSL_CTX *after;

    options.policy = "client certificates";
    options.policy_len = strlen(options.policy);
    after = kit_server(kit, &options);
    for (enum rp_mechanism m = RP_MECHANISM_SESSION_ID; m < RP_N_MECHANISMS; m++) {
        SSL_SESSION *session = kit_full_for(kit, before, m);

        kit_expect(kit, after, session, RP_VERDICT_POLICY_CHANGED);
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(before);
    SSL_CTX_free(after);
}

static void expect_under(struct kit *kit, SSL_CTX *server, SSL_SESSION *session, const char *name,
                         bool resumes)
{
    const struct kit_offer offer = {
        .version = SSL_SESSION_get_protocol_version(session),
        .name = name,
        .session = session,
        .prepare = SSL_SESSION_has_ticket(session) ? NULL : kit_no_tickets,
    };
    struct kit_outcome out;

    /* The session, too, remembers the name, and the client would send that. */
    assert_int_equal(SSL_SESSION_set1_hostname(session, name), 1);
    kit_connect(kit, server, &offer, &out);
    assert_true(out.done);
    assert_int_equal(out.resumed, resumes);
    if (!resumes) {
        assert_string_equal(rp_verdict_text(out.info.verdict), "wrong-sni");
    }
    SSL_SESSION_free(out.session);
}

static void another_name_is_wrong(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);

    for (enum rp_mechanism m = RP_MECHANISM_SESSION_ID; m < RP_N_MECHANISMS; m++) {
        SSL_SESSION *session = kit_full_for(kit, server, m);

        expect_under(kit, server, session, "wwx.shop.example", false);
        expect_under(kit, server, session, "shop.example", false);
        expect_under(kit, server, session, NULL, false);
        expect_under(kit, server, session, "WWW.Shop.Example", true);
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(server);
}

static void a_session_without_a_name_wants_none(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);
    const struct kit_offer offer = {.version = TLS1_3_VERSION};
    struct kit_outcome out;

    kit_connect(kit, server, &offer, &out);
    expect_under(kit, server, out.session, KIT_NAME, false);
    expect_under(kit, server, out.session, NULL, true);
    SSL_SESSION_free(out.session);
    SSL_CTX_free(server);
}

/* RFC 8446 4.6.1: neither is an error. */
static void another_version_is_wrong(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);
    SSL_SESSION *tls12 = kit_full(kit, server, TLS1_2_VERSION);
    SSL_SESSION *tls13 = kit_full(kit, server, TLS1_3_VERSION);
    struct forged as_psk = forged_of(tls12);
    struct forged as_ticket = forged_of(tls13);

    expect_forged(kit, server, TLS1_3_VERSION, &as_psk, RP_VERDICT_WRONG_VERSION);
    expect_forged(kit, server, TLS1_2_VERSION, &as_ticket, RP_VERDICT_WRONG_VERSION);
    SSL_SESSION_free(tls12);
    SSL_SESSION_free(tls13);
    SSL_CTX_free(server);
}

static void drop_ems(SSL *client, SSL *server, void *arg)
{
    (void)server, (void)arg;
    (void)SSL_set_options(client, SSL_OP_NO_EXTENDED_MASTER_SECRET);
}

static void drop_ems_and_tickets(SSL *client, SSL *server, void *arg)
{
    drop_ems(client, server, arg);
    kit_no_tickets(client, server, arg);
}

/* RFC 7627 section 5.3. */
static void a_dropped_master_secret_extension_is_wrong(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);

    for (enum rp_mechanism m = RP_MECHANISM_SESSION_ID; m <= RP_MECHANISM_TICKET; m++) {
        SSL_SESSION *session = kit_full_for(kit, server, m);
        const struct kit_offer offer = {
            .version = TLS1_2_VERSION,
            .name = KIT_NAME,
            .session = session,
            .prepare = m == RP_MECHANISM_SESSION_ID ? drop_ems_and_tickets : drop_ems,
        };
        struct kit_outcome out;

        kit_connect(kit, server, &offer, &out);
        assert_true(out.done && !out.resumed && !out.info.issued);
        assert_string_equal(rp_verdict_text(out.info.verdict), "wrong-ems");
        assert_int_equal(out.n_sessions, 0);
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(server);
}

/* So that there is never one to which the extension could be added. */
static void without_the_extension_nothing_is_issued(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);
    struct kit_offer offer = {.version = TLS1_2_VERSION};

    for (int i = 0; i < 2; i++) {
        struct kit_outcome out;

        offer.prepare = i == 0 ? drop_ems : drop_ems_and_tickets;
        kit_connect(kit, server, &offer, &out);
        assert_true(out.done && !out.info.issued);
        assert_int_equal(out.n_sessions, 0);
    }
    SSL_CTX_free(server);
}

static void only_psk_ke(struct hello_edit *h)
{
    size_t n = 0;
    uint8_t *modes = hello_edit_find(h, TLSEXT_TYPE_psk_kex_modes, &n);

    assert_non_null(modes);
    assert_int_equal(n, 2);
    assert_int_equal(modes[1], PSK_DHE_KE);
    modes[1] = PSK_KE;
}

static void psk_ke_alone_is_declined(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);
    SSL_SESSION *session = kit_full(kit, server, TLS1_3_VERSION);
    const struct kit_offer offer = {
        .version = TLS1_3_VERSION, .name = KIT_NAME, .session = session};
    struct hello_edit *h = malloc(sizeof *h);
    struct rp_ssl_info info;

    assert_non_null(h);
    hello_edit_make(kit, &offer, h);
    only_psk_ke(h);
    assert_true(hello_edit_offer(server, h, &info));
    assert_false(info.resumed);
    assert_int_equal(info.mechanism, RP_MECHANISM_PSK);
    assert_string_equal(rp_verdict_text(info.verdict), "declined");
    free(h);
    SSL_SESSION_free(session);
    SSL_CTX_free(server);
}

static void use_sha256(SSL *client, SSL *server, void *arg)
{
    (void)server, (void)arg;
    assert_int_equal(SSL_set_ciphersuites(client, "TLS_AES_128_GCM_SHA256"), 1);
}

/* RFC 8446 4.6.1: a PSK goes with its hash only. */
static void another_hash_is_declined_and_a_new_ticket_given(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);
    struct kit_offer offer = {.version = TLS1_3_VERSION, .name = KIT_NAME, .prepare = use_sha256};
    struct kit_outcome sha256;
    struct kit_outcome sha384;

    kit_connect(kit, server, &offer, &sha256);
    assert_true(sha256.done);
    assert_int_equal(SSL_CTX_set_ciphersuites(server, "TLS_AES_256_GCM_SHA384"), 1);
    offer.prepare = NULL;
    offer.session = sha256.session;
    kit_connect(kit, server, &offer, &sha384);
    assert_true(sha384.done && !sha384.resumed && sha384.info.issued);
    assert_string_equal(rp_verdict_text(sha384.info.verdict), "declined");
    SSL_SESSION_free(sha256.session);
    SSL_SESSION_free(sha384.session);
    SSL_CTX_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_key_and_forged_at_each_byte),
        cmocka_unit_test(a_cut_ticket_is_malformed_or_forged),
        cmocka_unit_test(a_session_id_not_ours_is_unknown),
        cmocka_unit_test(a_session_that_the_cache_has_not_is_not_cached),
        cmocka_unit_test(another_domain_is_wrong),
        cmocka_unit_test(another_policy_has_changed),
        cmocka_unit_test(another_name_is_wrong),
        cmocka_unit_test(a_session_without_a_name_wants_none),
        cmocka_unit_test(another_version_is_wrong),
        cmocka_unit_test(a_dropped_master_secret_extension_is_wrong),
        cmocka_unit_test(without_the_extension_nothing_is_issued),
        cmocka_unit_test(psk_ke_alone_is_declined),
        cmocka_unit_test(another_hash_is_declined_and_a_new_ticket_given),
    };

    return cmocka_run_group_tests(tests, kit_set_up, kit_tear_down);
}
