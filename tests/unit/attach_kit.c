#include "attach_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "text.h"

#define TICKET_REQUEST 58
#define START_MS 1000000 /* since boot */

struct run { /* one connection, as the client's callbacks see it */
    const struct kit_offer *offer;
    struct kit_outcome *out;
};

static int64_t boot_ms(void *cookie)
{
    return ((const struct kit *)cookie)->now_ms;
}

static int64_t wall_s(void *cookie)
{
    return rp_clock_wall_s(NULL) + ((const struct kit *)cookie)->wall_offset_s;
}

static int add_request(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
                       size_t *n, X509 *x, size_t chain_index, int *al, void *arg)
{
    const struct run *run = SSL_get_app_data(ssl);

    (void)type, (void)context, (void)x, (void)chain_index, (void)al, (void)arg;
    if (run == NULL || run->offer->asked == NULL) {
        return 0;
    }
    *out = run->offer->asked;
    *n = 2;
    return 1;
}

static int read_hint(SSL *ssl, unsigned type, unsigned context, const unsigned char *in, size_t n,
                     X509 *x, size_t chain_index, int *al, void *arg)
{
    const struct run *run = SSL_get_app_data(ssl);

    (void)type, (void)context, (void)x, (void)chain_index, (void)al, (void)arg;
    assert_int_equal(n, 1);
    run->out->hint = in[0];
    return 1;
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    const struct run *run = SSL_get_app_data(ssl);

    SSL_SESSION_free(run->out->session);
    run->out->session = session;
    run->out->n_sessions++;
    return 1;
}

static void note_alert(const SSL *ssl, int where, int value)
{
    const struct run *run = SSL_get_app_data(ssl);

    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && (value & 0xff) != 0) {
        run->out->alert = value & 0xff;
    }
}

static void make_certificate(struct kit *kit)
{
    kit->key = EVP_EC_gen("P-256");
    kit->certificate = X509_new();
    assert_non_null(kit->key);
    assert_non_null(kit->certificate);
    assert_int_equal(X509_set_version(kit->certificate, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(kit->certificate), 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(kit->certificate), -60));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(kit->certificate), 3600));
    assert_int_equal(X509_set_pubkey(kit->certificate, kit->key), 1);
    assert_int_not_equal(X509_sign(kit->certificate, kit->key, EVP_sha256()), 0);
}

static void make_client(struct kit *kit)
{
    kit->client = SSL_CTX_new(TLS_client_method());
    assert_non_null(kit->client);
    (void)SSL_CTX_set_session_cache_mode(kit->client,
                                         SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(kit->client, keep_session);
    SSL_CTX_set_info_callback(kit->client, note_alert);
    assert_int_equal(SSL_CTX_add_custom_ext(kit->client, TICKET_REQUEST,
                                            SSL_EXT_TLS1_3_ONLY | SSL_EXT_CLIENT_HELLO |
                                                SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS,
                                            add_request, NULL, NULL, read_hint, NULL),
                     1);
}

void kit_init(struct kit *kit, const struct rp_keyring_options *options)
{
    const struct rp_keyring_options none = {0};
    struct rp_error err;
    bool resumed = true;

    *kit = (struct kit){0};
    kit->now_ms = START_MS;
    if (rp_keyring_new(options != NULL ? options : &none, &kit->keyring, &err) != RP_OK) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(rp_keyring_keep(kit->keyring, kit->now_ms, &resumed, &err), RP_OK);
    assert_int_equal(rp_keyring_domain_add(kit->keyring, KIT_DOMAIN), RP_OK);
    assert_int_equal(rp_keyring_domain_add(kit->keyring, KIT_OTHER_DOMAIN), RP_OK);
    assert_int_equal(rp_cache_new(1 << 20, &kit->cache, &err), RP_OK);
    make_certificate(kit);
    make_client(kit);
}

void kit_fini(struct kit *kit)
{
    SSL_CTX_free(kit->client);
    X509_free(kit->certificate);
    EVP_PKEY_free(kit->key);
    rp_cache_free(&kit->cache);
    rp_keyring_free(&kit->keyring);
}

int kit_set_up(void **state)
{
    static struct kit kit;

    kit_init(&kit, NULL);
    *state = &kit;
    return 0;
}

int kit_tear_down(void **state)
{
    kit_fini(*state);
    return 0;
}

void kit_wait(struct kit *kit, int64_t ms)
{
    int64_t next_ms = 0;

    kit->now_ms += ms;
    assert_int_equal(rp_keyring_advance(kit->keyring, kit->now_ms, &next_ms), RP_OK);
}

struct rp_attach_options kit_options(struct kit *kit)
{
    return (struct rp_attach_options){
        .keyring = kit->keyring,
        .cache = kit->cache,
        .clock = {boot_ms, wall_s, kit},
        .domain = KIT_DOMAIN,
    };
}

SSL_CTX *kit_plain_server(struct kit *kit)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    assert_non_null(ctx);
    assert_int_equal(SSL_CTX_use_certificate(ctx, kit->certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, kit->key), 1);
    return ctx;
}

SSL_CTX *kit_server(struct kit *kit, const struct rp_attach_options *options)
{
    SSL_CTX *ctx = kit_plain_server(kit);
    struct rp_error err;

    if (rp_attach(ctx, options, &err) != RP_OK) {
        fail_msg("%s", err.text);
    }
    return ctx;
}

SSL *kit_client(struct kit *kit, const struct kit_offer *offer)
{
    SSL *client = SSL_new(kit->client);

    assert_non_null(client);
    SSL_set_connect_state(client);
    assert_int_equal(SSL_set_min_proto_version(client, offer->version), 1);
    assert_int_equal(SSL_set_max_proto_version(client, offer->version), 1);
    if (offer->name != NULL) {
        assert_int_equal(SSL_set_tlsext_host_name(client, offer->name), 1);
    }
    if (offer->session != NULL) {
        /* libssl marks a session that was used as not resumable. */
        SSL_SESSION *copy = SSL_SESSION_dup(offer->session);

        assert_non_null(copy);
        assert_int_equal(SSL_set_session(client, copy), 1);
        SSL_SESSION_free(copy);
    }
    return client;
}

/* Until both are done, or neither gets any further. */
static bool shake_hands(SSL *client, SSL *server)
{
    for (int i = 0; i < 8; i++) {
        const int c = SSL_do_handshake(client);
        const int s = SSL_do_handshake(server);

        if (c == 1 && s == 1) {
            return true;
        }
        if ((c != 1 && SSL_get_error(client, c) != SSL_ERROR_WANT_READ) ||
            (s != 1 && SSL_get_error(server, s) != SSL_ERROR_WANT_READ)) {
            break;
        }
    }
    (void)SSL_do_handshake(client); /* reads the alert */
    return false;
}

/* All tickets come before the byte. */
static bool send_byte(SSL *client, SSL *server)
{
    char byte = 'x';

    rp_ssl_established(server);
    return SSL_write(server, &byte, 1) == 1 && SSL_read(client, &byte, 1) == 1;
}

/* Else libssl takes the connection for broken and its sessions with it. */
static void end(SSL *ssl)
{
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
}

void kit_connect(struct kit *kit, SSL_CTX *server_ctx, const struct kit_offer *offer,
                 struct kit_outcome *out)
{
    struct run run = {offer, out};
    struct text name = text_of(out->name, sizeof out->name);
    const char *seen = NULL;
    BIO *client_bio = NULL;
    BIO *server_bio = NULL;
    SSL *client;
    SSL *server;

    *out = (struct kit_outcome){.alert = -1, .hint = -1};
    assert_int_equal(BIO_new_bio_pair(&client_bio, 1 << 17, &server_bio, 1 << 17), 1);
    client = kit_client(kit, offer);
    assert_int_equal(SSL_set_app_data(client, &run), 1);
    SSL_set_bio(client, client_bio, client_bio);
    server = SSL_new(server_ctx);
    assert_non_null(server);
    SSL_set_bio(server, server_bio, server_bio);
    SSL_set_accept_state(server);
    if (offer->prepare != NULL) {
        offer->prepare(client, server, offer->arg);
    }
    out->done = shake_hands(client, server) && send_byte(client, server);
    ERR_clear_error();
    if (out->done) {
        assert_int_equal(SSL_session_reused(client), SSL_session_reused(server));
        seen = SSL_get_servername(server, TLSEXT_NAMETYPE_host_name);
        text_add(&name, seen != NULL ? seen : "");
    }
    rp_ssl_info(server, &out->info);
    out->resumed = out->done && out->info.resumed;
    end(client);
    end(server);
}

void kit_connect_to(struct kit *kit, int fd, const struct kit_offer *offer, struct kit_outcome *out)
{
    struct run run = {offer, out};
    SSL *client = kit_client(kit, offer);
    char byte;

    *out = (struct kit_outcome){.alert = -1, .hint = -1};
    assert_int_equal(SSL_set_app_data(client, &run), 1);
    assert_int_equal(SSL_set_fd(client, fd), 1);
    if (offer->prepare != NULL) {
        offer->prepare(client, NULL, offer->arg);
    }
    out->done = SSL_do_handshake(client) == 1 && SSL_read(client, &byte, 1) == 1;
    out->resumed = out->done && SSL_session_reused(client) == 1;
    out->info.resumed = out->resumed;
    end(client);
    assert_int_equal(close(fd), 0);
}

bool kit_serve(SSL_CTX *server, int fd)
{
    SSL *ssl = SSL_new(server);
    bool served;

    assert_non_null(ssl);
    assert_int_equal(SSL_set_fd(ssl, fd), 1);
    served = SSL_accept(ssl) == 1 && SSL_write(ssl, "x", 1) == 1;
    end(ssl);
    return close(fd) == 0 && served;
}

void kit_no_tickets(SSL *client, SSL *server, void *arg)
{
    (void)server, (void)arg;
    (void)SSL_set_options(client, SSL_OP_NO_TICKET);
}

static SSL_SESSION *full(struct kit *kit, SSL_CTX *server, const struct kit_offer *offer)
{
    struct kit_outcome out;

    kit_connect(kit, server, offer, &out);
    assert_true(out.done);
    assert_false(out.resumed);
    assert_non_null(out.session);
    return out.session;
}

SSL_SESSION *kit_full(struct kit *kit, SSL_CTX *server, int version)
{
    const struct kit_offer offer = {.version = version, .name = KIT_NAME};
    SSL_SESSION *session = full(kit, server, &offer);

    assert_true(SSL_SESSION_has_ticket(session));
    return session;
}

SSL_SESSION *kit_full_by_id(struct kit *kit, SSL_CTX *server)
{
    const struct kit_offer offer = {
        .version = TLS1_2_VERSION, .name = KIT_NAME, .prepare = kit_no_tickets};
    SSL_SESSION *session = full(kit, server, &offer);

    assert_false(SSL_SESSION_has_ticket(session));
    return session;
}

SSL_SESSION *kit_full_for(struct kit *kit, SSL_CTX *server, enum rp_mechanism mechanism)
{
    if (mechanism == RP_MECHANISM_SESSION_ID) {
        return kit_full_by_id(kit, server);
    }
    return kit_full(kit, server, mechanism == RP_MECHANISM_PSK ? TLS1_3_VERSION : TLS1_2_VERSION);
}

void kit_expect(struct kit *kit, SSL_CTX *server, SSL_SESSION *session, enum rp_verdict verdict)
{
    const struct kit_offer offer = {
        .version = SSL_SESSION_get_protocol_version(session),
        .name = KIT_NAME,
        .session = session,
        .prepare = SSL_SESSION_has_ticket(session) ? NULL : kit_no_tickets,
    };
    struct kit_outcome out;

    kit_connect(kit, server, &offer, &out);
    assert_true(out.done);
    assert_string_equal(rp_verdict_text(out.info.verdict), rp_verdict_text(verdict));
    assert_int_equal(out.resumed, verdict == RP_VERDICT_ACCEPTED || verdict == RP_VERDICT_RENEWED);
    assert_string_equal(out.name, KIT_NAME);
    SSL_SESSION_free(out.session);
}

void kit_expect_new(struct kit *kit, SSL_CTX *server, int version, enum rp_verdict verdict)
{
    SSL_SESSION *session = kit_full(kit, server, version);

    kit_expect(kit, server, session, verdict);
    SSL_SESSION_free(session);
}
