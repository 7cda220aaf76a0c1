/*
 * What attach costs the server in a handshake: an attached SSL_CTX beside a plain one of libssl,
 * over memory BIOs. Only the server's calls are timed. Plain and attached take turns, connection by
 * connection, and the medians are compared, so what else the machine does disturbs both alike.
 *
 * For session IDs there are two to compare with: an external cache that keeps encoded sessions in
 * the clear, as every shared cache must at least; and, without a goal, libssl's internal one, which
 * no other process sees, and where a session is neither looked up in shared memory nor opened.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/ec.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <reprise/reprise.h>

#define N_ROUNDS 1500
#define NAME "www.example.com"
#define GOAL 1.03

enum mode { FULL_12, FULL_13, ID_INTERNAL, ID_EXTERNAL, TICKET, PSK, N_MODES };

static const char *const mode_names[N_MODES] = {
    "full, TLS 1.2",
    "full, TLS 1.3",
    "session ID, beside libssl's internal cache",
    "session ID, beside an external cache",
    "ticket, TLS 1.2",
    "PSK, TLS 1.3",
};

struct result {
    double plain_us;
    double attached_us;
};

struct external { /* a cache of one session, encoded */
    unsigned char der[4096];
    int n;
};

static void require(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "micro_attach: %s\n", what);
        exit(1);
    }
}

static double now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int external_new(SSL *ssl, SSL_SESSION *session)
{
    struct external *cache = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    unsigned char *p = cache->der;

    if (i2d_SSL_SESSION(session, NULL) <= (int)sizeof cache->der) {
        cache->n = i2d_SSL_SESSION(session, &p);
    }
    return 0;
}

static SSL_SESSION *external_get(SSL *ssl, const unsigned char *id, int n, int *copy)
{
    const struct external *cache = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const unsigned char *p = cache->der;

    (void)id, (void)n;
    *copy = 0;
    return d2i_SSL_SESSION(NULL, &p, cache->n);
}

static SSL_CTX *new_server(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();

    require(ctx != NULL && key != NULL && x != NULL, "no memory");
    require(X509_set_version(x, X509_VERSION_3) == 1 &&
                ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
                X509_gmtime_adj(X509_getm_notBefore(x), 0) != NULL &&
                X509_gmtime_adj(X509_getm_notAfter(x), 86400) != NULL &&
                X509_set_pubkey(x, key) == 1 && X509_sign(x, key, EVP_sha256()) != 0 &&
                SSL_CTX_use_certificate(ctx, x) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1,
            "no certificate");
    EVP_PKEY_free(key);
    X509_free(x);
    return ctx;
}

static SSL_CTX *new_plain(enum mode mode, struct external *cache)
{
    SSL_CTX *ctx = new_server();

    require(SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"bench", 5) == 1, "context");
    if (mode == ID_EXTERNAL) {
        (void)SSL_CTX_set_app_data(ctx, cache);
        (void)SSL_CTX_set_session_cache_mode(ctx,
                                             SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(ctx, external_new);
        SSL_CTX_sess_set_get_cb(ctx, external_get);
    }
    return ctx;
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION **kept = SSL_get_app_data(ssl);

    SSL_SESSION_free(*kept);
    *kept = session;
    return 1;
}

static SSL_CTX *new_client(enum mode mode)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    const int version = mode == FULL_13 || mode == PSK ? TLS1_3_VERSION : TLS1_2_VERSION;

    require(ctx != NULL && SSL_CTX_set_min_proto_version(ctx, version) == 1 &&
                SSL_CTX_set_max_proto_version(ctx, version) == 1,
            "no client");
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    if (mode == ID_INTERNAL || mode == ID_EXTERNAL) {
        (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    }
    return ctx;
}

static SSL *new_offer(SSL_CTX *ctx, SSL_SESSION *offered, SSL_SESSION **kept)
{
    SSL *client = SSL_new(ctx);
    SSL_SESSION *copy = offered != NULL ? SSL_SESSION_dup(offered) : NULL;

    require(client != NULL && (offered == NULL || copy != NULL), "no memory");
    require(SSL_set_tlsext_host_name(client, NAME) == 1 && SSL_set_app_data(client, kept) == 1 &&
                (copy == NULL || SSL_set_session(client, copy) == 1),
            "no offer");
    SSL_SESSION_free(copy);
    SSL_set_connect_state(client);
    return client;
}

static void end(SSL *ssl)
{
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
}

/* Microseconds of the server's own calls, from SSL_new to SSL_free. */
static double connect_once(SSL_CTX *server_ctx, SSL_CTX *client_ctx, SSL_SESSION *offered,
                           SSL_SESSION **kept)
{
    BIO *to_server = BIO_new(BIO_s_mem());
    BIO *to_client = BIO_new(BIO_s_mem());
    SSL *client = new_offer(client_ctx, offered, kept);
    double spent = -now_us();
    SSL *server = SSL_new(server_ctx);
    bool done = false;
    char byte = 'x';

    require(server != NULL && to_server != NULL && to_client != NULL, "no memory");
    (void)BIO_up_ref(to_server);
    (void)BIO_up_ref(to_client);
    SSL_set_bio(server, to_server, to_client);
    SSL_set_accept_state(server);
    spent += now_us();
    SSL_set_bio(client, to_client, to_server);
    for (int i = 0; i < 4 && !done; i++) {
        (void)SSL_do_handshake(client);
        spent -= now_us();
        done = SSL_do_handshake(server) == 1;
        spent += now_us();
    }
    spent -= now_us();
    require(done && SSL_write(server, &byte, 1) == 1, "a handshake failed");
    spent += now_us();
    require(SSL_do_handshake(client) == 1 && SSL_read(client, &byte, 1) == 1,
            "a client's handshake failed");
    require((SSL_session_reused(server) == 1) == (offered != NULL), "resumed, or not, amiss");
    spent -= now_us();
    end(server);
    spent += now_us();
    end(client);
    return spent;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *samples)
{
    qsort(samples, N_ROUNDS, sizeof samples[0], by_size);
    return samples[N_ROUNDS / 2];
}

static struct result compare(enum mode mode, SSL_CTX *attached)
{
    static double samples[2][N_ROUNDS];
    struct external cache = {.n = 0};
    SSL_CTX *const servers[2] = {new_plain(mode, &cache), attached};
    SSL_CTX *client = new_client(mode);
    SSL_SESSION *offered[2] = {NULL, NULL};
    SSL_SESSION *ignored = NULL;

    for (int i = 0; i < 2 && mode > FULL_13; i++) {
        (void)connect_once(servers[i], client, NULL, &offered[i]);
    }
    for (int i = -50; i < N_ROUNDS; i++) {
        for (int j = 0; j < 2; j++) {
            const int which = (i + j) & 1;
            const double us = connect_once(servers[which], client, offered[which], &ignored);

            samples[which][i < 0 ? 0 : i] = us;
        }
    }
    for (int i = 0; i < 2; i++) {
        SSL_SESSION_free(offered[i]);
    }
    SSL_SESSION_free(ignored);
    SSL_CTX_free(servers[0]);
    SSL_CTX_free(client);
    return (struct result){median(samples[0]), median(samples[1])};
}

static const char *judgement(enum mode mode, double ratio)
{
    if (mode == ID_INTERNAL) {
        return "no goal";
    }
    return ratio <= GOAL ? "met" : "missed";
}

static void print_table(const struct result *results)
{
    (void)printf("attach, server's microseconds a handshake (goal: ratio at most %.2f)\n", GOAL);
    (void)printf("  %-44s %9s %9s %7s\n", "", "plain", "attached", "ratio");
    for (enum mode i = 0; i < N_MODES; i++) {
        const double ratio = results[i].attached_us / results[i].plain_us;

        (void)printf("  %-44s %9.2f %9.2f %7.3f  %s\n", mode_names[i], results[i].plain_us,
                     results[i].attached_us, ratio, judgement(i, ratio));
    }
}

static void print_json(const struct result *results)
{
    (void)printf("{\"benchmark\": \"attach\", \"goal\": %.2f, \"rows\": [", GOAL);
    for (int i = 0; i < N_MODES; i++) {
        (void)printf("%s\n  {\"name\": \"%s\", \"plain_us\": %.3f, \"attached_us\": %.3f, "
                     "\"ratio\": %.4f}",
                     i == 0 ? "" : ",", mode_names[i], results[i].plain_us, results[i].attached_us,
                     results[i].attached_us / results[i].plain_us);
    }
    (void)printf("\n]}\n");
}

int main(int argc, char **argv)
{
    const struct rp_keyring_options ring = {0};
    struct rp_attach_options options = {.clock = rp_clock_system(), .domain = "bench"};
    struct result results[N_MODES];
    SSL_CTX *attached = new_server();
    struct rp_error err;

    if (argc != 1 && (argc != 2 || strcmp(argv[1], "--json") != 0)) {
        (void)fprintf(stderr, "usage: %s [--json]\n", argv[0]);
        return 2;
    }
    require(rp_keyring_new(&ring, &options.keyring, &err) == RP_OK &&
                rp_keyring_keep(options.keyring, rp_clock_boot_ms(NULL), NULL, &err) == RP_OK &&
                rp_keyring_domain_add(options.keyring, "bench") == RP_OK &&
                rp_cache_new(1 << 20, &options.cache, &err) == RP_OK &&
                rp_attach(attached, &options, &err) == RP_OK,
            "cannot attach");
    for (enum mode mode = FULL_12; mode < N_MODES; mode++) {
        results[mode] = compare(mode, attached);
    }
    (argc == 2 ? print_json : print_table)(results);
    SSL_CTX_free(attached);
    rp_cache_free(&options.cache);
    rp_keyring_free(&options.keyring);
    return 0;
}
