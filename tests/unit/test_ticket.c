/* The ticket envelope, against itself, against forgers, and against libssl under the same keys. */
#include "key_files.h"
#include "keyring_fixture.h"

#include <stdio.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <reprise/ticket.h>

#define HOUR INT64_C(3600000)
#define PLAIN_LEN 100
#define TICKET_MAX (PLAIN_LEN + RP_TICKET_OVERHEAD)

struct fixture {
    struct rp_keyring *keyring;
    uint8_t plain[PLAIN_LEN];
    uint8_t ticket[TICKET_MAX];
    size_t ticket_len;
};

static struct fixture *fixture_of(struct rp_keyring *keyring)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    f->keyring = keyring;
    for (size_t i = 0; i < PLAIN_LEN; i++) {
        f->plain[i] = (uint8_t)(i + 1);
    }
    assert_int_equal(
        rp_ticket_seal(f->keyring, "0", GENESIS, f->plain, PLAIN_LEN, f->ticket, &f->ticket_len),
        RP_OK);
    return f;
}

static int set_up(void **state)
{
    *state = fixture_of(keyring_make_kept(HOUR, HOUR, 2));
    return 0;
}

/* The same with a file of n bytes for a key. */
static int set_up_static(void **state, size_t n)
{
    struct rp_keyring *keyring = keyring_make_kept(HOUR, HOUR, 2);
    struct key_files files;
    uint8_t key[80];

    assert_int_equal(RAND_bytes(key, sizeof key), 1);
    key_files_init(&files);
    key_files_write(&files, 0, key, n);
    assert_int_equal(rp_keyring_load_files(keyring, files.list, 1, NULL), RP_OK);
    key_files_fini(&files);
    *state = fixture_of(keyring);
    return 0;
}

static int set_up_short(void **state)
{
    return set_up_static(state, 48);
}

static int set_up_long(void **state)
{
    return set_up_static(state, 80);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    rp_keyring_free(&f->keyring);
    free(f);
    return 0;
}

/* In blocks of their exact size; what is not accepted must leave nothing behind. */
static enum rp_verdict open_at(const struct fixture *f, const char *domain, int64_t boot_ms,
                               const uint8_t *ticket, size_t n)
{
    uint8_t *copy = malloc(n != 0 ? n : 1);
    uint8_t *out = calloc(1, n != 0 ? n : 1);
    enum rp_verdict verdict;
    size_t out_len = 12345;

    assert_non_null(copy);
    assert_non_null(out);
    memcpy(copy, ticket, n);
    assert_int_equal(rp_ticket_open(f->keyring, domain, boot_ms, copy, n, &verdict, out, &out_len),
                     RP_OK);
    if (verdict == RP_VERDICT_ACCEPTED) {
        assert_int_equal(out_len, PLAIN_LEN);
        assert_memory_equal(out, f->plain, PLAIN_LEN);
    } else {
        assert_int_equal(out_len, 0);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(out[i], 0);
        }
    }
    assert_int_equal(ERR_peek_error(), 0);
    free(copy);
    free(out);
    return verdict;
}

static void opens_what_it_sealed(void **state)
{
    const struct fixture *f = *state;

    assert_int_equal(f->ticket_len, 16 + 16 + 112 + 32);
    assert_int_equal(open_at(f, "0", GENESIS, f->ticket, f->ticket_len), RP_VERDICT_ACCEPTED);
}

static void every_flipped_bit_is_refused(void **state)
{
    const struct fixture *f = *state;

    for (size_t bit = 0; bit < f->ticket_len * 8; bit++) {
        uint8_t ticket[TICKET_MAX];

        memcpy(ticket, f->ticket, f->ticket_len);
        ticket[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(open_at(f, "0", GENESIS, ticket, f->ticket_len),
                         bit < 128 ? RP_VERDICT_UNKNOWN_KEY : RP_VERDICT_FORGED);
    }
}

static void every_other_length_is_refused(void **state)
{
    const struct fixture *f = *state;
    uint8_t longer[TICKET_MAX + 64] = {0};

    memcpy(longer, f->ticket, f->ticket_len);
    for (size_t n = 0; n < f->ticket_len + 64; n++) {
        enum rp_verdict expected = RP_VERDICT_MALFORMED;

        if (n == f->ticket_len) {
            continue;
        }
        if (n >= RP_TICKET_OVERHEAD && n % 16 == 0) {
            expected = RP_VERDICT_FORGED;
        }
        assert_int_equal(open_at(f, "0", GENESIS, longer, n), expected);
    }
}

static void sizes_have_their_limits(void **state)
{
    const struct fixture *f = *state;
    const size_t most = RP_TICKET_MAX - RP_TICKET_OVERHEAD;
    uint8_t *plain = calloc(1, most + 1);
    uint8_t *ticket = malloc(RP_TICKET_MAX + 1);
    uint8_t *out = malloc(RP_TICKET_MAX);
    enum rp_verdict verdict;
    size_t n;
    size_t out_len;

    assert_true(plain != NULL && ticket != NULL && out != NULL);
    for (size_t len = 0; len <= most; len = len < 40 ? len + 1 : len + most - 40) {
        assert_int_equal(rp_ticket_seal(f->keyring, "0", GENESIS, plain, len, ticket, &n), RP_OK);
        assert_true(n <= RP_TICKET_MAX);
        assert_int_equal(
            rp_ticket_open(f->keyring, "0", GENESIS, ticket, n, &verdict, out, &out_len), RP_OK);
        assert_int_equal(verdict, RP_VERDICT_ACCEPTED);
        assert_int_equal(out_len, len);
        assert_memory_equal(out, plain, len);
    }
    assert_int_equal(rp_ticket_seal(f->keyring, "0", GENESIS, plain, most + 1, ticket, &n),
                     RP_INVALID);
    assert_int_equal(n, 0);
    memset(ticket, 0, RP_TICKET_MAX + 1);
    assert_int_equal(rp_ticket_open(f->keyring, "0", GENESIS, ticket, RP_TICKET_MAX + 1, &verdict,
                                    out, &out_len),
                     RP_OK);
    assert_int_equal(verdict, RP_VERDICT_MALFORMED);
    free(plain);
    free(ticket);
    free(out);
}

static void no_two_tickets_are_alike(void **state)
{
    const struct fixture *f = *state;
    uint8_t again[TICKET_MAX];
    size_t n;

    assert_int_equal(rp_ticket_seal(f->keyring, "0", GENESIS, f->plain, PLAIN_LEN, again, &n),
                     RP_OK);
    assert_int_equal(n, f->ticket_len);
    assert_memory_equal(again, f->ticket, 16);
    for (size_t at = 16; at + 16 <= n; at += 16) {
        assert_memory_not_equal(again + at, f->ticket + at, 16);
    }
}

static void domains_keep_apart(void **state)
{
    const struct fixture *f = *state;
    enum rp_verdict verdict;
    uint8_t out[TICKET_MAX];
    size_t n;

    assert_int_equal(open_at(f, "1", GENESIS, f->ticket, f->ticket_len), RP_VERDICT_WRONG_DOMAIN);
    assert_int_equal(
        rp_ticket_open(f->keyring, "none", GENESIS, f->ticket, f->ticket_len, &verdict, out, &n),
        RP_NOT_FOUND);
    assert_int_not_equal(verdict, RP_VERDICT_ACCEPTED);
    assert_int_equal(rp_ticket_seal(f->keyring, "none", GENESIS, f->plain, PLAIN_LEN, out, &n),
                     RP_NOT_FOUND);
    assert_int_equal(n, 0);
}

static void lasts_as_long_as_its_key(void **state)
{
    const struct fixture *f = *state;
    const int64_t end_ms = GENESIS + 2 * HOUR; /* of the epoch, and then accept */

    (void)keyring_step(f->keyring, GENESIS + HOUR);
    assert_int_equal(open_at(f, "0", end_ms - 1, f->ticket, f->ticket_len), RP_VERDICT_ACCEPTED);
    assert_int_equal(open_at(f, "0", end_ms, f->ticket, f->ticket_len), RP_VERDICT_EXPIRED);
    (void)keyring_step(f->keyring, end_ms);
    assert_int_equal(open_at(f, "0", end_ms, f->ticket, f->ticket_len), RP_VERDICT_UNKNOWN_KEY);
}

static void a_keyring_without_keys_seals_nothing(void **state)
{
    struct rp_keyring *keyring = keyring_make(HOUR, HOUR, 1);
    uint8_t out[TICKET_MAX] = {0};
    size_t n;

    (void)state;
    assert_int_equal(rp_ticket_seal(keyring, "0", GENESIS, out, 1, out + 1, &n), RP_NOT_FOUND);
    rp_keyring_free(&keyring);
}

/* Padding that only a holder of the key can have made wrong; to a forger all of it is FORGED. */
static void wrong_padding_under_a_right_mac_is_malformed(void **state)
{
    const struct fixture *f = *state;
    struct window_key key;
    uint8_t ticket[TICKET_MAX];
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int len;

    assert_non_null(cipher);
    assert_true(window_sealing(f->keyring, 0, GENESIS, &key));
    memcpy(ticket, f->ticket, 32);
    assert_int_equal(
        EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), key.keys.stek.aes, ticket + 16, NULL), 1);
    assert_int_equal(EVP_CIPHER_CTX_set_padding(cipher, 0), 1);
    assert_int_equal(EVP_EncryptUpdate(cipher, ticket + 32, &len, f->plain, 96), 1);
    assert_int_equal(len, 96);
    assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key.keys.stek.hmac, 32, ticket,
                              128, ticket + 128, 32, NULL));
    assert_int_equal(open_at(f, "0", GENESIS, ticket, 160), RP_VERDICT_MALFORMED);
    EVP_CIPHER_CTX_free(cipher);
    window_key_wipe(&key);
}

/* A TLS 1.2 connection over memory BIOs; returns the client's session, owned. */
static SSL_SESSION *connect_once(SSL_CTX *server_ctx, SSL_CTX *client_ctx, SSL_SESSION *offer,
                                 bool *reused)
{
    SSL *server = SSL_new(server_ctx);
    SSL *client = SSL_new(client_ctx);
    BIO *client_end;
    BIO *server_end;
    SSL_SESSION *session;
    bool done = false;

    assert_true(server != NULL && client != NULL);
    assert_int_equal(BIO_new_bio_pair(&client_end, 0, &server_end, 0), 1);
    SSL_set_bio(client, client_end, client_end);
    SSL_set_bio(server, server_end, server_end);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    if (offer != NULL) {
        assert_int_equal(SSL_set_session(client, offer), 1);
    }
    for (unsigned i = 0; i < 10 && !done; i++) {
        const int at_client = SSL_do_handshake(client);
        const int at_server = SSL_do_handshake(server);

        done = at_client == 1 && at_server == 1;
    }
    assert_true(done);
    *reused = SSL_session_reused(server) == 1;
    assert_int_equal(SSL_session_reused(client), SSL_session_reused(server));
    session = SSL_get1_session(client);
    assert_non_null(session);
    SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_set_shutdown(server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(client);
    SSL_free(server);
    ERR_clear_error();
    return session;
}

static SSL_CTX *new_client(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    assert_non_null(ctx);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    assert_int_equal(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
    return ctx;
}

static SSL_CTX *new_server(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();

    assert_true(ctx != NULL && key != NULL && cert != NULL);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    assert_int_equal(SSL_CTX_use_certificate(ctx, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
    assert_int_equal(SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"t", 1), 1);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    X509_free(cert);
    EVP_PKEY_free(key);
    return ctx;
}

/* libssl under our key, in the order of SSL_CTX_set_tlsext_ticket_keys: name, HMAC, AES. */
static void give_keys(const struct fixture *f, SSL_CTX *ctx)
{
    struct window_key key;
    uint8_t bytes[80];

    assert_true(window_sealing(f->keyring, 0, GENESIS, &key));
    assert_int_equal(key_file_nginx_encode(&key.keys.stek, bytes), sizeof bytes);
    assert_int_equal(SSL_CTX_set_tlsext_ticket_keys(ctx, bytes, sizeof bytes), 1);
    window_key_wipe(&key);
}

/*
 * libssl with a 48-byte key, by a callback as servers write it and with nothing of ours in it. The
 * key is found where SSL_CTX_set_app_data has put it.
 */
static int short_key(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int seal)
{
    const struct stek *key = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                 OSSL_PARAM_construct_end()};

    if (seal == 1) {
        memcpy(name, key->name, 16);
        if (RAND_bytes(iv, 16) != 1) {
            return -1;
        }
    } else if (memcmp(name, key->name, 16) != 0) {
        return 0;
    }
    return EVP_CipherInit_ex(cipher, EVP_aes_128_cbc(), NULL, key->aes, iv, seal) == 1 &&
                   EVP_MAC_init(mac, key->hmac, 16, params) == 1
               ? 1
               : -1;
}

/* The client's session with another ticket of the same length. */
static SSL_SESSION *with_ticket(const SSL_SESSION *session, const uint8_t *ticket, size_t n)
{
    const unsigned char *old;
    unsigned char *der = NULL;
    const unsigned char *at;
    SSL_SESSION *result;
    size_t old_len;
    uint8_t *place;
    int der_len;

    SSL_SESSION_get0_ticket(session, &old, &old_len);
    assert_int_equal(n, old_len);
    der_len = i2d_SSL_SESSION(session, &der);
    assert_true(der_len > 0);
    place = memmem(der, (size_t)der_len, old, old_len);
    assert_non_null(place);
    memcpy(place, ticket, n);
    at = der;
    result = d2i_SSL_SESSION(NULL, &at, der_len);
    assert_non_null(result);
    OPENSSL_free(der);
    return result;
}

/* libssl's ticket opens here, ours opens there, and there is a session in both. */
static void exchange(const struct fixture *f, SSL_CTX *server)
{
    SSL_CTX *client = new_client();
    uint8_t plain[4096];
    uint8_t ours[4096];
    enum rp_verdict verdict;
    const unsigned char *ticket;
    const unsigned char *at = plain;
    SSL_SESSION *first;
    SSL_SESSION *offered;
    SSL_SESSION *last;
    size_t plain_len;
    size_t n;
    bool reused;

    first = connect_once(server, client, NULL, &reused);
    assert_false(reused);
    SSL_SESSION_get0_ticket(first, &ticket, &n);
    assert_true(n <= sizeof plain);
    assert_int_equal(
        rp_ticket_open(f->keyring, "0", GENESIS, ticket, n, &verdict, plain, &plain_len), RP_OK);
    assert_int_equal(verdict, RP_VERDICT_ACCEPTED);
    offered = d2i_SSL_SESSION(NULL, &at, (long)plain_len);
    assert_non_null(offered);
    SSL_SESSION_free(offered);

    assert_int_equal(rp_ticket_seal(f->keyring, "0", GENESIS, plain, plain_len, ours, &n), RP_OK);
    offered = with_ticket(first, ours, n);
    last = connect_once(server, client, offered, &reused);
    assert_true(reused);
    SSL_SESSION_free(last);
    SSL_SESSION_free(offered);

    ours[40] ^= 1;
    offered = with_ticket(first, ours, n);
    last = connect_once(server, client, offered, &reused);
    assert_false(reused);
    SSL_SESSION_free(last);
    SSL_SESSION_free(offered);
    SSL_SESSION_free(first);
    SSL_CTX_free(client);
}

static void exchanges_tickets_with_libssl(void **state)
{
    const struct fixture *f = *state;
    SSL_CTX *server = new_server();

    give_keys(f, server);
    exchange(f, server);
    SSL_CTX_free(server);
}

static void exchanges_short_tickets_with_libssl(void **state)
{
    const struct fixture *f = *state;
    SSL_CTX *server = new_server();
    struct window_key key;

    assert_true(window_sealing(f->keyring, 0, GENESIS, &key));
    assert_int_equal(key.keys.stek.key_len, 16);
    SSL_CTX_set_app_data(server, &key.keys.stek);
    assert_int_equal(SSL_CTX_set_tlsext_ticket_key_evp_cb(server, short_key), 1);
    exchange(f, server);
    SSL_CTX_free(server);
    window_key_wipe(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(opens_what_it_sealed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_flipped_bit_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_flipped_bit_is_refused, set_up_short, tear_down),
        cmocka_unit_test_setup_teardown(every_other_length_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_other_length_is_refused, set_up_short, tear_down),
        cmocka_unit_test_setup_teardown(sizes_have_their_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_two_tickets_are_alike, set_up, tear_down),
        cmocka_unit_test_setup_teardown(domains_keep_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lasts_as_long_as_its_key, set_up, tear_down),
        cmocka_unit_test(a_keyring_without_keys_seals_nothing),
        cmocka_unit_test_setup_teardown(wrong_padding_under_a_right_mac_is_malformed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(exchanges_tickets_with_libssl, set_up, tear_down),
        cmocka_unit_test_setup_teardown(exchanges_tickets_with_libssl, set_up_long, tear_down),
        cmocka_unit_test_setup_teardown(exchanges_short_tickets_with_libssl, set_up_short,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
