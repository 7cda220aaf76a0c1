#include "raw_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <cmocka.h>

#define EARLY_MAX 16384

static void give_certificate(SSL_CTX *ctx)
{
    EVP_PKEY *const key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    X509 *const cert = X509_new();

    assert_non_null(key);
    assert_non_null(cert);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    (void)X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    assert_int_equal(SSL_CTX_use_certificate(ctx, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static int make_cookie(SSL *ssl, unsigned char *cookie, size_t *n)
{
    (void)ssl;
    memset(cookie, 'c', 40);
    *n = 40;
    return 1;
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, size_t n)
{
    (void)ssl;
    return n == 40 && cookie[0] == 'c' && cookie[39] == 'c';
}

void raw_kit_init(struct raw_kit *k)
{
    *k = (struct raw_kit){.now_us = 1000000};
    k->ctx = SSL_CTX_new(TLS_server_method());
    assert_non_null(k->ctx);
    assert_int_equal(SSL_CTX_set_session_id_context(k->ctx, (const uint8_t *)"kit", 3), 1);
    SSL_CTX_set_stateless_cookie_generate_cb(k->ctx, make_cookie);
    SSL_CTX_set_stateless_cookie_verify_cb(k->ctx, check_cookie);
    give_certificate(k->ctx);
}

static void drop(struct raw_kit *k)
{
    if (k->ssl != NULL) {
        SSL_set_shutdown(k->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    SSL_free(k->ssl);
    k->ssl = NULL;
    raw_client_free(&k->client);
    OPENSSL_free(k->recorded);
    k->recorded = NULL;
    k->n_recorded = 0;
}

void raw_kit_fini(struct raw_kit *k)
{
    drop(k);
    SSL_CTX_free(k->ctx);
    *k = (struct raw_kit){0};
}

int raw_kit_set_up(void **state)
{
    static struct raw_kit kit;

    raw_kit_init(&kit);
    *state = &kit;
    return 0;
}

int raw_kit_tear_down(void **state)
{
    raw_kit_fini(*state);
    return 0;
}

void raw_kit_connect(struct raw_kit *k, const struct raw_config *config)
{
    drop(k);
    memset(k->early, 0, sizeof k->early);
    k->cookie_right = false;
    k->ssl = SSL_new(k->ctx);
    k->to_server = BIO_new(BIO_s_mem());
    k->from_server = BIO_new(BIO_s_mem());
    assert_non_null(k->ssl);
    assert_non_null(k->to_server);
    assert_non_null(k->from_server);
    (void)BIO_set_mem_eof_return(k->to_server, -1);
    SSL_set_bio(k->ssl, k->to_server, k->from_server); /* transferred */
    SSL_set_accept_state(k->ssl);
    assert_int_equal(raw_client_new(config, &k->client), RP_OK);
}

static bool client_to_server(struct raw_kit *k)
{
    size_t n;
    const uint8_t *const p = raw_client_output(k->client, &n);

    if (n == 0) {
        return false;
    }
    assert_int_equal(BIO_write(k->to_server, p, (int)n), (int)n);
    raw_client_sent(k->client, n, k->now_us);
    return true;
}

static void serve(struct raw_kit *k)
{
    char bytes[EARLY_MAX];
    size_t n;

    if (k->stateless && !k->cookie_right) {
        k->cookie_right = SSL_stateless(k->ssl) == 1;
        if (!k->cookie_right) {
            return;
        }
    }
    if (SSL_get_max_early_data(k->ssl) != 0 && !SSL_is_init_finished(k->ssl)) {
        while (SSL_read_early_data(k->ssl, bytes, sizeof bytes, &n) ==
               SSL_READ_EARLY_DATA_SUCCESS) {
            memcpy(k->early, bytes, n < sizeof k->early ? n : sizeof k->early - 1);
        }
    }
    if (SSL_do_handshake(k->ssl) == 1) {
        const int got = SSL_read(k->ssl, bytes, sizeof bytes);

        if (got > 0) {
            (void)SSL_write(k->ssl, bytes, got); /* an echo */
        }
    }
}

static void record(struct raw_kit *k, const char *p, size_t n)
{
    uint8_t *const grown = OPENSSL_realloc(k->recorded, k->n_recorded + n);

    assert_non_null(grown);
    memcpy(grown + k->n_recorded, p, n);
    k->recorded = grown;
    k->n_recorded += n;
}

static bool server_to_client(struct raw_kit *k)
{
    char *p;
    const size_t n = (size_t)BIO_get_mem_data(k->from_server, &p);
    const size_t piece = k->piece != 0 ? k->piece : n;

    if (n == 0) {
        return false;
    }
    record(k, p, n);
    for (size_t at = 0; at < n; at += piece) {
        raw_client_feed(k->client, (const uint8_t *)p + at, n - at < piece ? n - at : piece,
                        k->now_us);
    }
    (void)BIO_reset(k->from_server);
    return true;
}

void raw_kit_run(struct raw_kit *k)
{
    bool moved;

    do {
        moved = client_to_server(k);
        k->now_us += 1000;
        serve(k);
        moved = server_to_client(k) || moved;
    } while (moved);
}

const struct raw_result *raw_kit_result(const struct raw_kit *k)
{
    return raw_client_result(k->client);
}

struct raw_session *raw_kit_session(const struct raw_kit *k)
{
    const size_t n = raw_kit_result(k)->n_sessions;
    struct raw_session *s = NULL;

    if (n != 0) {
        assert_int_equal(raw_client_session(k->client, n - 1, &s), RP_OK);
    }
    return s;
}
