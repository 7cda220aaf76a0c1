/* What resumption checks again of a client's certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/x509.h>

#include "attach_kit.h"

static void show_certificate(SSL *client, SSL *server, void *arg)
{
    const struct kit *kit = arg;

    (void)server;
    assert_int_equal(SSL_use_certificate(client, kit->certificate), 1);
    assert_int_equal(SSL_use_PrivateKey(client, kit->key), 1);
}

static SSL_CTX *server_with_client_ca(struct kit *kit, int mode)
{
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *server = kit_server(kit, &options);

    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(server), kit->certificate), 1);
    SSL_CTX_set_verify(server, mode, NULL);
    return server;
}

static void expect_with_certificate(struct kit *kit, SSL_CTX *server, SSL_SESSION *session,
                                    enum rp_verdict verdict)
{
    const struct kit_offer offer = {
        .version = SSL_SESSION_get_protocol_version(session),
        .name = KIT_NAME,
        .session = session,
        .prepare = show_certificate,
        .arg = kit,
    };
    struct kit_outcome out;

    kit_connect(kit, server, &offer, &out);
    assert_string_equal(rp_verdict_text(out.info.verdict), rp_verdict_text(verdict));
    assert_int_equal(out.resumed, verdict == RP_VERDICT_ACCEPTED || verdict == RP_VERDICT_RENEWED);
    SSL_SESSION_free(out.session);
}

static SSL_SESSION *full_with_certificate(struct kit *kit, SSL_CTX *server, int version)
{
    const struct kit_offer offer = {
        .version = version, .name = KIT_NAME, .prepare = show_certificate, .arg = kit};
    struct kit_outcome out;

    kit_connect(kit, server, &offer, &out);
    assert_true(out.done && out.info.issued);
    return out.session;
}

static void a_certificate_that_has_expired_is_no_longer_good(void **state)
{
    struct kit *kit = *state;
    SSL_CTX *server = server_with_client_ca(kit, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);

    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_SESSION *session = full_with_certificate(kit, server, version);

        expect_with_certificate(kit, server, session,
                                version == TLS1_3_VERSION ? RP_VERDICT_RENEWED
                                                          : RP_VERDICT_ACCEPTED);
        kit->wall_offset_s = 3600 * 24; /* the certificate is good for an hour */
        expect_with_certificate(kit, server, session, RP_VERDICT_CERTIFICATE);
        kit->wall_offset_s = -3600 * 24;
        expect_with_certificate(kit, server, session, RP_VERDICT_CERTIFICATE);
        kit->wall_offset_s = 0;
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(server);
}

/* To libcrypto all lists that were never parsed are the same one. */
static void add_parsed(X509_STORE *store, X509_CRL *list)
{
    unsigned char *der = NULL;
    const int n = i2d_X509_CRL(list, &der);
    const unsigned char *p = der;
    X509_CRL *parsed = d2i_X509_CRL(NULL, &p, n);

    assert_non_null(parsed);
    assert_int_equal(X509_STORE_add_crl(store, parsed), 1);
    X509_CRL_free(parsed);
    OPENSSL_free(der);
}

/* A list of the certificate's issuer, which is itself; due: its nextUpdate, from now. */
static void add_list(struct kit *kit, SSL_CTX *server, bool revokes, long due_s)
{
    X509_CRL *list = X509_CRL_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, -7200);
    ASN1_TIME *due = X509_gmtime_adj(NULL, due_s);

    assert_true(list != NULL && entry != NULL && now != NULL && due != NULL);
    assert_int_equal(X509_CRL_set_version(list, X509_CRL_VERSION_2), 1);
    assert_int_equal(X509_CRL_set_issuer_name(list, X509_get_subject_name(kit->certificate)), 1);
    assert_int_equal(X509_CRL_set1_lastUpdate(list, now), 1);
    assert_int_equal(X509_CRL_set1_nextUpdate(list, due), 1);
    assert_int_equal(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(kit->certificate)),
                     1);
    assert_int_equal(X509_REVOKED_set_revocationDate(entry, now), 1);
    if (revokes) {
        assert_int_equal(X509_CRL_add0_revoked(list, entry), 1);
        entry = NULL; /* transferred */
    }
    assert_int_not_equal(X509_CRL_sign(list, kit->key, EVP_sha256()), 0);
    add_parsed(SSL_CTX_get_cert_store(server), list);
    X509_REVOKED_free(entry);
    X509_CRL_free(list);
    ASN1_TIME_free(now);
    ASN1_TIME_free(due);
}

static void check_lists(SSL_CTX *server)
{
    assert_int_equal(X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(server), X509_V_FLAG_CRL_CHECK),
                     1);
}

static void a_certificate_that_was_revoked_is_no_longer_good(void **state)
{
    struct kit *kit = *state;
    SSL_CTX *server = server_with_client_ca(kit, SSL_VERIFY_PEER);
    SSL_SESSION *session = full_with_certificate(kit, server, TLS1_3_VERSION);

    expect_with_certificate(kit, server, session, RP_VERDICT_RENEWED);
    add_list(kit, server, true, 3600);
    expect_with_certificate(kit, server, session, RP_VERDICT_RENEWED); /* CRLs are not checked */
    check_lists(server);
    expect_with_certificate(kit, server, session, RP_VERDICT_CERTIFICATE);
    SSL_SESSION_free(session);
    SSL_CTX_free(server);
}

/* As a full handshake would say: unable to get certificate CRL. */
static void without_a_list_nobody_knows(void **state)
{
    struct kit *kit = *state;
    SSL_CTX *server = server_with_client_ca(kit, SSL_VERIFY_PEER);

    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_SESSION *session = full_with_certificate(kit, server, version);

        check_lists(server);
        expect_with_certificate(kit, server, session, RP_VERDICT_CERTIFICATE);
        assert_int_equal(
            X509_VERIFY_PARAM_clear_flags(SSL_CTX_get0_param(server), X509_V_FLAG_CRL_CHECK), 1);
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(server);
}

static void a_list_that_is_out_of_date_does_not_count(void **state)
{
    struct kit *kit = *state;
    SSL_CTX *server = server_with_client_ca(kit, SSL_VERIFY_PEER);
    SSL_SESSION *session = full_with_certificate(kit, server, TLS1_3_VERSION);

    check_lists(server);
    add_list(kit, server, false, -60);
    expect_with_certificate(kit, server, session, RP_VERDICT_CERTIFICATE);
    add_list(kit, server, false, 1800);
    expect_with_certificate(kit, server, session, RP_VERDICT_RENEWED);
    kit->wall_offset_s = 2400; /* the certificate is good for an hour, the list for half of it */
    expect_with_certificate(kit, server, session, RP_VERDICT_CERTIFICATE);
    kit->wall_offset_s = 0;
    SSL_SESSION_free(session);
    SSL_CTX_free(server);
}

/* CVE-2025-23419: even where one domain and policy are given for both. */
static void a_required_certificate_cannot_be_resumed_around(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *open = kit_server(kit, &options);
    SSL_CTX *strict = server_with_client_ca(kit, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);

    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_SESSION *session = kit_full(kit, open, version);

        expect_with_certificate(kit, strict, session, RP_VERDICT_POLICY_CHANGED);
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(open);
    SSL_CTX_free(strict);
}

/* The store of today counts, whatever the session's own said. */
static void a_ca_that_is_no_longer_trusted_vouches_for_nobody(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *before = server_with_client_ca(kit, SSL_VERIFY_PEER);
    SSL_CTX *after = kit_server(kit, &options);

    SSL_CTX_set_verify(after, SSL_VERIFY_PEER, NULL);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_SESSION *session = full_with_certificate(kit, before, version);
        struct kit_outcome out;
        const struct kit_offer offer = {.version = version, .name = KIT_NAME, .session = session};

        kit_connect(kit, after, &offer, &out); /* the client has none to show this time */
        assert_true(out.done && !out.resumed);
        assert_int_equal(out.info.verdict, RP_VERDICT_CERTIFICATE);
        SSL_SESSION_free(out.session);
        SSL_SESSION_free(session);
    }
    SSL_CTX_free(before);
    SSL_CTX_free(after);
}

static int pass_over(int good, X509_STORE_CTX *ctx)
{
    (void)good;
    assert_non_null(X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx()));
    return 1;
}

static int refuse_all(int good, X509_STORE_CTX *ctx)
{
    (void)good;
    X509_STORE_CTX_set_error(ctx, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

/* A session would keep the result of its own day, so an error passed over is not taken again. */
static void the_callback_has_its_say(void **state)
{
    struct kit *kit = *state;
    const struct rp_attach_options options = kit_options(kit);
    SSL_CTX *trusting = server_with_client_ca(kit, SSL_VERIFY_PEER);
    SSL_CTX *lenient = kit_server(kit, &options);
    SSL_SESSION *session;

    SSL_CTX_set_verify(trusting, SSL_VERIFY_PEER, pass_over);
    session = full_with_certificate(kit, trusting, TLS1_3_VERSION);
    expect_with_certificate(kit, trusting, session, RP_VERDICT_RENEWED);
    SSL_CTX_set_verify(lenient, SSL_VERIFY_PEER, pass_over);
    expect_with_certificate(kit, lenient, session, RP_VERDICT_CERTIFICATE);
    SSL_CTX_set_verify(trusting, SSL_VERIFY_PEER, refuse_all);
    {
        const struct kit_offer offer = {
            .version = TLS1_3_VERSION, .name = KIT_NAME, .session = session};
        struct kit_outcome out;

        kit_connect(kit, trusting, &offer, &out);
        assert_false(out.resumed);
        assert_int_equal(out.info.verdict, RP_VERDICT_CERTIFICATE);
        SSL_SESSION_free(out.session);
    }
    SSL_SESSION_free(session);
    SSL_CTX_free(trusting);
    SSL_CTX_free(lenient);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_that_has_expired_is_no_longer_good),
        cmocka_unit_test(a_certificate_that_was_revoked_is_no_longer_good),
        cmocka_unit_test(without_a_list_nobody_knows),
        cmocka_unit_test(a_list_that_is_out_of_date_does_not_count),
        cmocka_unit_test(a_required_certificate_cannot_be_resumed_around),
        cmocka_unit_test(a_ca_that_is_no_longer_trusted_vouches_for_nobody),
        cmocka_unit_test(the_callback_has_its_say),
    };

    return cmocka_run_group_tests(tests, kit_set_up, kit_tear_down);
}
