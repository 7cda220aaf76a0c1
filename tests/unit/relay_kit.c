#include "relay_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "selfsigned.h"

#define CHUNK 20000 /* no divisor or multiple of a record */

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 2654435761u >> 13);
}

static void fill(uint8_t *p, size_t n, size_t from)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = pattern(from + i);
    }
}

static void check(const uint8_t *p, size_t n, size_t from)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(p[i], pattern(from + i));
    }
}

void relay_kit_tcp_pair(int pair[static 2])
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof here;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(listener, (const struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&here, &len), 0);
    pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(pair[0], (const struct sockaddr *)&here, sizeof here), -1);
    assert_int_equal(errno, EINPROGRESS);
    pair[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC); /* blocks until it is there */
    assert_true(pair[1] >= 0);
    assert_int_equal(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
    (void)close(listener);
}

static void watch(struct relay_kit *k, struct stream *s)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = s};

    assert_int_equal(epoll_ctl(k->epoll_fd, EPOLL_CTL_ADD, s->fd, &event), 0);
}

static unsigned take_events(struct relay_kit *k)
{
    struct epoll_event events[4];
    const int n = epoll_wait(k->epoll_fd, events, 4, 0);

    for (int i = 0; i < n; i++) {
        stream_event(events[i].data.ptr, events[i].events);
    }
    return n > 0 ? (unsigned)n : 0;
}

void relay_kit_turn(struct relay_kit *k)
{
    const unsigned n = take_events(k);

    if (k->state == RELAY_FINISHED || k->state == RELAY_BROKEN) {
        return;
    }
    if (n != 0 || k->state == RELAY_GOES_ON) {
        k->state = relay_run(&k->relay, k->scratch);
        k->n_runs++;
    }
}

static void handshake(struct relay_kit *k)
{
    bool server_done = false;
    bool client_done = false;

    for (unsigned i = 0; i < 100 && !(server_done && client_done); i++) {
        client_done = SSL_do_handshake(k->client) == 1;
        (void)take_events(k);
        server_done = SSL_do_handshake(k->server) == 1;
        ERR_clear_error();
    }
    assert_true(server_done && client_done);
}

static SSL_CTX *server_ctx_new(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    X509 *x;
    EVP_PKEY *key;

    assert_non_null(ctx);
    assert_int_equal(selfsigned_new(NULL, (int64_t)time(NULL), &x, &key), RP_OK);
    assert_int_equal(SSL_CTX_use_certificate(ctx, x), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
    (void)SSL_CTX_set_mode(ctx,
                           SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_read_ahead(ctx, 1);
    X509_free(x);
    EVP_PKEY_free(key);
    return ctx;
}

void relay_kit_init(struct relay_kit *k, int version, const int client[static 2],
                    const int backend[static 2])
{
    BIO *bio;

    memset(k, 0, sizeof *k);
    k->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    k->server_ctx = server_ctx_new();
    k->client_ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(k->client_ctx);
    (void)SSL_CTX_set_min_proto_version(k->client_ctx, version);
    (void)SSL_CTX_set_max_proto_version(k->client_ctx, version);
    (void)SSL_CTX_set_mode(k->client_ctx,
                           SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    k->client_fd = client[0];
    k->backend_fd = backend[0];
    stream_init(&k->relay_client, client[1]);
    stream_init(&k->relay_backend, backend[1]);
    k->method = stream_bio_method();
    bio = stream_bio(k->method, &k->relay_client);
    k->server = SSL_new(k->server_ctx);
    SSL_set_bio(k->server, bio, bio);
    SSL_set_accept_state(k->server);
    k->client = SSL_new(k->client_ctx);
    assert_int_equal(SSL_set_fd(k->client, k->client_fd), 1);
    SSL_set_connect_state(k->client);
    watch(k, &k->relay_client);
    handshake(k);
    relay_init(&k->relay, k->server, &k->relay_client, &k->relay_backend);
    watch(k, &k->relay_backend);
    k->state = relay_run(&k->relay, k->scratch);
}

void relay_kit_unix(struct relay_kit *k, int version)
{
    int client[2];
    int backend[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, client), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, backend),
                     0);
    relay_kit_init(k, version, client, backend);
}

void relay_kit_tcp(struct relay_kit *k, int version)
{
    int client[2];
    int backend[2];

    relay_kit_tcp_pair(client);
    relay_kit_tcp_pair(backend);
    relay_kit_init(k, version, client, backend);
}

void relay_kit_close(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
    *fd = -1;
}

void relay_kit_fini(struct relay_kit *k)
{
    relay_fini(&k->relay);
    SSL_free(k->server);
    SSL_free(k->client);
    BIO_meth_free(k->method);
    SSL_CTX_free(k->server_ctx);
    SSL_CTX_free(k->client_ctx);
    relay_kit_close(&k->client_fd);
    relay_kit_close(&k->backend_fd);
    relay_kit_close(&k->relay_client.fd);
    relay_kit_close(&k->relay_backend.fd);
    relay_kit_close(&k->epoll_fd);
    ERR_clear_error();
}

/* The ends. */

void relay_kit_client_send(struct relay_kit *k, struct relay_flow *f)
{
    uint8_t chunk[CHUNK];
    size_t n = f->n - f->at < sizeof chunk ? f->n - f->at : sizeof chunk;
    size_t done = 0;

    if (n != 0) {
        fill(chunk, n, f->at);
        if (SSL_write_ex(k->client, chunk, n, &done) == 1) {
            f->at += done;
        }
        ERR_clear_error();
    }
}

int relay_kit_client_receive(struct relay_kit *k, struct relay_flow *f)
{
    uint8_t chunk[CHUNK];
    size_t done = 0;
    const int code = SSL_read_ex(k->client, chunk, sizeof chunk, &done);
    const int error = SSL_get_error(k->client, code);

    check(chunk, done, f->at);
    f->at += done;
    ERR_clear_error();
    return error;
}

void relay_kit_backend_send(struct relay_kit *k, struct relay_flow *f)
{
    uint8_t chunk[CHUNK];
    const size_t n = f->n - f->at < sizeof chunk ? f->n - f->at : sizeof chunk;
    ssize_t done;

    if (n != 0) {
        fill(chunk, n, f->at);
        done = send(k->backend_fd, chunk, n, MSG_NOSIGNAL);
        f->at += done > 0 ? (size_t)done : 0;
    }
}

ssize_t relay_kit_backend_receive(struct relay_kit *k, struct relay_flow *f)
{
    uint8_t chunk[CHUNK];
    const ssize_t done = recv(k->backend_fd, chunk, sizeof chunk, 0);

    if (done > 0) {
        check(chunk, (size_t)done, f->at);
        f->at += (size_t)done;
    }
    return done;
}
