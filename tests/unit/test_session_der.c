/*
 * Against libssl itself: what it reads out of our encoding, what it makes of it when it writes it
 * again, and whether it resumes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "session_der.h"

static const uint8_t session_id[32] = {0x1d, 2, 3};
static const uint8_t id_context[16] = {0xc0, 2, 3};

static struct session_record example(void)
{
    struct session_record r = {
        .meta = {.version = 0x0303, .ems = true}, .lifetime_s = 86400, .cipher = 0xc02f};

    memset(r.master, 0x77, sizeof r.master);
    return r;
}

static struct session_der place(void)
{
    const struct session_der d = {.session_id = session_id,
                                  .session_id_len = sizeof session_id,
                                  .id_context = id_context,
                                  .id_context_len = sizeof id_context,
                                  .time_s = 1700000000};

    return d;
}

/* What libssl reads; NULL if it does not. It must read every byte. */
static SSL_SESSION *read_back(const struct session_record *r, const struct session_der *d)
{
    static uint8_t der[SESSION_DER_MAX];
    const size_t n = session_der_encode(r, d, der, sizeof der);
    const uint8_t *p = der;
    SSL_SESSION *session;

    assert_int_not_equal(n, 0);
    session = d2i_SSL_SESSION(NULL, &p, (long)n);
    if (session != NULL) {
        assert_ptr_equal(p, der + n);
    }
    return session;
}

static X509 *new_certificate(EVP_PKEY **key)
{
    X509 *x = X509_new();
    X509_NAME *name;

    *key = EVP_EC_gen("P-256");
    assert_non_null(x);
    assert_non_null(*key);
    name = X509_get_subject_name(x);
    assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), -60));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
    assert_int_equal(
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"example", -1, -1, 0),
        1);
    assert_int_equal(X509_set_issuer_name(x, name), 1);
    assert_int_equal(X509_set_pubkey(x, *key), 1);
    assert_int_not_equal(X509_sign(x, *key, EVP_sha256()), 0);
    return x;
}

static void expect_fields(SSL_SESSION *session, const struct session_record *r,
                          const struct session_der *d)
{
    uint8_t master[64];
    unsigned n = 0;

    assert_non_null(session);
    assert_int_equal(SSL_SESSION_get_protocol_version(session), TLS1_2_VERSION);
    assert_int_equal(SSL_CIPHER_get_protocol_id(SSL_SESSION_get0_cipher(session)), r->cipher);
    assert_int_equal(SSL_SESSION_get_master_key(session, master, sizeof master), 48);
    assert_memory_equal(master, r->master, 48);
    assert_memory_equal(SSL_SESSION_get_id(session, &n), d->session_id, d->session_id_len);
    assert_int_equal(n, d->session_id_len);
    assert_memory_equal(SSL_SESSION_get0_id_context(session, &n), d->id_context, d->id_context_len);
    assert_int_equal(n, d->id_context_len);
    assert_true(SSL_SESSION_get_time(session) == d->time_s);
    assert_true(SSL_SESSION_get_timeout(session) == (long)r->lifetime_s);
    assert_int_equal(SSL_SESSION_get_compress_id(session), 0);
    assert_int_equal(SSL_SESSION_get_max_early_data(session), 0);
    assert_int_equal(SSL_SESSION_has_ticket(session), 0);
    assert_int_equal(SSL_SESSION_is_resumable(session), d->session_id_len != 0);
}

static void libssl_reads_every_field(void **state)
{
    const struct session_record r = example();
    const struct session_der d = place();
    SSL_SESSION *session = read_back(&r, &d);

    (void)state;
    expect_fields(session, &r, &d);
    assert_null(SSL_SESSION_get0_peer(session));
    SSL_SESSION_free(session);
}

static void libssl_reads_integers_of_every_width(void **state)
{
    static const int64_t times[] = {1,          0x7f,       0x80,        0xff,         0x7fff,
                                    0x8000,     0x7fffffff, 0x80000000,  0xffffffff,   0x7fffffffff,
                                    0xffffffff, 1700000000, 0x100000000, 253402300799, INT64_MAX};
    static const uint32_t lifetimes[] = {1, 127, 128, 255, 256, 32768, 604800, UINT32_MAX};
    struct session_record r = example();
    struct session_der d = place();

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        SSL_SESSION *session;

        d.time_s = times[i];
        r.lifetime_s = lifetimes[i % (sizeof lifetimes / sizeof lifetimes[0])];
        session = read_back(&r, &d);
        expect_fields(session, &r, &d);
        SSL_SESSION_free(session);
    }
}

static void libssl_reads_ids_of_every_length(void **state)
{
    const struct session_record r = example();
    struct session_der d = place();

    (void)state;
    for (size_t n = 0; n <= 32; n++) {
        SSL_SESSION *session;

        d.session_id_len = n;
        d.id_context_len = d.session_id_len <= sizeof id_context ? d.session_id_len : 0;
        session = read_back(&r, &d);
        expect_fields(session, &r, &d);
        SSL_SESSION_free(session);
    }
}

static void libssl_reads_the_clients_certificate(void **state)
{
    struct session_record r = example();
    struct session_der d = place();
    EVP_PKEY *key;
    X509 *x = new_certificate(&key);
    uint8_t *der = NULL;
    const int n = i2d_X509(x, &der);
    SSL_SESSION *session;

    (void)state;
    assert_true(n > 0);
    r.peer = der;
    r.peer_len = (size_t)n;
    r.verify_result = X509_V_ERR_CERT_HAS_EXPIRED;
    session = read_back(&r, &d);
    expect_fields(session, &r, &d);
    assert_int_equal(X509_cmp(SSL_SESSION_get0_peer(session), x), 0);
    SSL_SESSION_free(session);
    OPENSSL_free(der);
    X509_free(x);
    EVP_PKEY_free(key);
}

/* Strict DER, in libssl's own order: it writes the same bytes again, but for what it adds at the
 * end. */
static void libssl_writes_the_same_again(void **state)
{
    static uint8_t ours[SESSION_DER_MAX];
    struct session_record r = example();
    struct session_der d = place();

    (void)state;
    r.verify_result = X509_V_ERR_CERT_HAS_EXPIRED;
    for (int ems = 0; ems < 2; ems++) {
        uint8_t *theirs = NULL;
        SSL_SESSION *session;
        size_t n;
        int n_theirs;

        r.meta.ems = ems != 0;
        n = session_der_encode(&r, &d, ours, sizeof ours);
        session = read_back(&r, &d);
        n_theirs = i2d_SSL_SESSION(session, &theirs);
        assert_true(n_theirs > 0 && (size_t)n_theirs >= n);
        assert_int_equal(ours[0], 0x30);
        assert_int_equal(ours[1], 0x81);
        assert_memory_equal(theirs + 3, ours + 3, n - 3);
        OPENSSL_free(theirs);
        SSL_SESSION_free(session);
    }
}

static void libssl_refuses_an_unknown_cipher(void **state)
{
    struct session_record r = example();
    const struct session_der d = place();

    (void)state;
    r.cipher = 0xfafa;
    assert_null(read_back(&r, &d));
}

static void refuses_what_is_out_of_range(void **state)
{
    static uint8_t out[SESSION_DER_MAX + 64];
    static uint8_t peer[SESSION_PEER_MAX + 1];
    struct session_record r[5];
    struct session_der d[5];

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        r[i] = example();
        d[i] = place();
    }
    r[0].meta.version = 0x0304;
    r[1].lifetime_s = 0;
    r[2].verify_result = UINT32_C(0x80000000);
    r[3].peer = peer;
    r[3].peer_len = sizeof peer;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(session_der_encode(&r[i], &d[4], out, sizeof out), 0);
    }
    d[0].time_s = 0;
    d[1].session_id_len = 33;
    d[2].id_context_len = 33;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(session_der_encode(&r[4], &d[i], out, sizeof out), 0);
    }
    assert_int_not_equal(session_der_encode(&r[4], &d[4], out, sizeof out), 0);
}

static void the_largest_fits_its_bound_and_no_less_room(void **state)
{
    static uint8_t peer[SESSION_PEER_MAX];
    uint8_t context[32] = {0};
    struct session_record r = example();
    struct session_der d = place();
    uint8_t *out = malloc(SESSION_DER_MAX);
    size_t n;

    (void)state;
    assert_non_null(out);
    r.peer = peer;
    r.peer_len = sizeof peer;
    r.lifetime_s = UINT32_MAX;
    r.verify_result = INT32_MAX;
    d.id_context = context;
    d.id_context_len = sizeof context;
    d.time_s = INT64_MAX;
    n = session_der_encode(&r, &d, out, SESSION_DER_MAX);
    assert_int_not_equal(n, 0);
    free(out);
    for (size_t less = 1; less <= n; less += less < 700 ? 1 : 499) {
        out = malloc(n - less + 1);
        assert_non_null(out);
        assert_int_equal(session_der_encode(&r, &d, out, n - less), 0);
        free(out);
    }
}

/* The end-to-end case: two servers that share nothing but a record. */
struct host {
    SSL_CTX *ctx;
    const struct session_record *cached; /* what its get_session callback hands out */
    struct session_der place;
    unsigned n_asked;
};

struct pair {
    SSL *client;
    SSL *server;
};

static int accept_any(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    (void)store;
    return 1;
}

static SSL_SESSION *look_up(SSL *ssl, const unsigned char *id, int n, int *copy)
{
    struct host *host = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    host->n_asked++;
    host->place.session_id = id;
    host->place.session_id_len = (size_t)n;
    *copy = 0;
    return host->cached != NULL ? read_back(host->cached, &host->place) : NULL;
}

static void host_init(struct host *host, X509 *x, EVP_PKEY *key)
{
    *host = (struct host){.ctx = SSL_CTX_new(TLS_server_method()), .place = place()};
    assert_non_null(host->ctx);
    assert_int_equal(SSL_CTX_use_certificate(host->ctx, x), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(host->ctx, key), 1);
    assert_int_equal(SSL_CTX_set_session_id_context(host->ctx, id_context, sizeof id_context), 1);
    (void)SSL_CTX_set_options(host->ctx, SSL_OP_NO_TICKET);
    (void)SSL_CTX_set_max_proto_version(host->ctx, TLS1_2_VERSION);
    (void)SSL_CTX_set_session_cache_mode(host->ctx,
                                         SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_get_cb(host->ctx, look_up);
    SSL_CTX_set_verify(host->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
    SSL_CTX_set_app_data(host->ctx, host);
}

/* True when both sides came to the end of the handshake. */
static bool connect_pair(struct pair *pair, struct host *host, SSL_CTX *client,
                         SSL_SESSION *session)
{
    BIO *a;
    BIO *b;
    int client_done = 0;
    int server_done = 0;

    pair->client = SSL_new(client);
    pair->server = SSL_new(host->ctx);
    assert_int_equal(BIO_new_bio_pair(&a, 0, &b, 0), 1);
    SSL_set_bio(pair->client, a, a);
    SSL_set_bio(pair->server, b, b);
    SSL_set_connect_state(pair->client);
    SSL_set_accept_state(pair->server);
    if (session != NULL) {
        assert_int_equal(SSL_set_session(pair->client, session), 1);
    }
    for (int i = 0; i < 20 && (client_done != 1 || server_done != 1); i++) {
        client_done = SSL_do_handshake(pair->client);
        server_done = SSL_do_handshake(pair->server);
    }
    return client_done == 1 && server_done == 1;
}

static void pair_free(struct pair *pair)
{
    SSL_free(pair->client);
    SSL_free(pair->server);
}

/* From libssl's getters, as a server would; peer to be freed. */
static struct session_record record_of(SSL *ssl, uint8_t **peer)
{
    SSL_SESSION *session = SSL_get0_session(ssl);
    struct session_record r = {.meta = {.version = 0x0303, .ems = SSL_get_extms_support(ssl) == 1},
                               .lifetime_s = 300,
                               .cipher =
                                   SSL_CIPHER_get_protocol_id(SSL_SESSION_get0_cipher(session)),
                               .verify_result = (uint32_t)SSL_get_verify_result(ssl)};
    const int n = i2d_X509(SSL_SESSION_get0_peer(session), peer);

    assert_true(n > 0);
    r.peer = *peer;
    r.peer_len = (size_t)n;
    assert_int_equal(SSL_SESSION_get_master_key(session, r.master, sizeof r.master), 48);
    return r;
}

struct stage {
    struct host first;
    struct host second;
    SSL_CTX *client;
    X509 *x;
    EVP_PKEY *key;
    SSL_SESSION *session;         /* the client's */
    struct session_record record; /* the first server's */
    uint8_t *peer;
};

static int set_stage(void **state)
{
    static struct stage stage;
    struct stage *s = &stage;
    struct pair pair;

    *s = (struct stage){.client = SSL_CTX_new(TLS_client_method())};
    s->x = new_certificate(&s->key);
    host_init(&s->first, s->x, s->key);
    host_init(&s->second, s->x, s->key);
    assert_int_equal(SSL_CTX_use_certificate(s->client, s->x), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(s->client, s->key), 1);
    assert_true(connect_pair(&pair, &s->first, s->client, NULL));
    assert_int_equal(SSL_session_reused(pair.server), 0);
    s->record = record_of(pair.server, &s->peer);
    s->session = SSL_get1_session(pair.client);
    (void)SSL_shutdown(pair.client); /* or the session would not be resumable */
    pair_free(&pair);
    s->second.cached = &s->record;
    s->second.place.time_s = SSL_SESSION_get_time(s->session);
    *state = s;
    return 0;
}

static int clear_stage(void **state)
{
    struct stage *s = *state;

    SSL_SESSION_free(s->session);
    OPENSSL_free(s->peer);
    SSL_CTX_free(s->client);
    SSL_CTX_free(s->first.ctx);
    SSL_CTX_free(s->second.ctx);
    X509_free(s->x);
    EVP_PKEY_free(s->key);
    return 0;
}

static void another_server_resumes_from_the_record(void **state)
{
    struct stage *s = *state;
    struct pair pair;
    X509 *peer;
    char text[6] = {0};

    assert_true(connect_pair(&pair, &s->second, s->client, s->session));
    assert_int_equal(s->second.n_asked, 1);
    assert_int_equal(SSL_session_reused(pair.server), 1);
    assert_int_equal(SSL_session_reused(pair.client), 1);
    assert_int_equal(SSL_get_extms_support(pair.server), 1);
    assert_int_equal(SSL_get_verify_result(pair.server), (long)s->record.verify_result);
    assert_int_not_equal(s->record.verify_result, X509_V_OK);
    peer = SSL_get1_peer_certificate(pair.server);
    assert_int_equal(X509_cmp(peer, s->x), 0);
    X509_free(peer);
    assert_int_equal(SSL_write(pair.client, "hello", 5), 5);
    assert_int_equal(SSL_read(pair.server, text, 5), 5);
    assert_string_equal(text, "hello");
    pair_free(&pair);
}

static void without_the_flag_of_extended_master_secret_it_does_not(void **state)
{
    struct stage *s = *state;
    struct pair pair;

    assert_true(s->record.meta.ems);
    s->record.meta.ems = false;
    if (connect_pair(&pair, &s->second, s->client, s->session)) {
        assert_int_equal(SSL_session_reused(pair.server), 0);
    }
    assert_int_equal(s->second.n_asked, 1);
    pair_free(&pair);
}

static void under_another_context_it_does_not(void **state)
{
    static const uint8_t other[4] = {1};
    struct stage *s = *state;
    struct pair pair;

    s->second.place.id_context = other;
    s->second.place.id_context_len = sizeof other;
    assert_true(connect_pair(&pair, &s->second, s->client, s->session));
    assert_int_equal(SSL_session_reused(pair.server), 0);
    pair_free(&pair);
}

static void past_its_lifetime_it_does_not(void **state)
{
    struct stage *s = *state;
    struct pair pair;

    s->second.place.time_s -= s->record.lifetime_s + 10;
    assert_true(connect_pair(&pair, &s->second, s->client, s->session));
    assert_int_equal(SSL_session_reused(pair.server), 0);
    pair_free(&pair);
}

#define ON_STAGE(f) cmocka_unit_test_setup_teardown(f, set_stage, clear_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libssl_reads_every_field),
        cmocka_unit_test(libssl_reads_integers_of_every_width),
        cmocka_unit_test(libssl_reads_ids_of_every_length),
        cmocka_unit_test(libssl_reads_the_clients_certificate),
        cmocka_unit_test(libssl_writes_the_same_again),
        cmocka_unit_test(libssl_refuses_an_unknown_cipher),
        cmocka_unit_test(refuses_what_is_out_of_range),
        cmocka_unit_test(the_largest_fits_its_bound_and_no_less_room),
        ON_STAGE(another_server_resumes_from_the_record),
        ON_STAGE(without_the_flag_of_extended_master_secret_it_does_not),
        ON_STAGE(under_another_context_it_does_not),
        ON_STAGE(past_its_lifetime_it_does_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
