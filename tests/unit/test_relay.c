#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "memory.h"
#include "relay.h"
#include "selfsigned.h"

#define MB ((size_t)1024 * 1024)
#define CHUNK 20000 /* no divisor or multiple of a record */
#define TURNS_MAX 200000

/*
 * client (an SSL) <-> relay <-> backend (a socket), all in one process, the relay under
 * edge-triggered epoll as in a worker.
 */
struct kit {
    SSL_CTX *server_ctx;
    SSL_CTX *client_ctx;
    SSL *server;
    SSL *client;
    int client_fd;
    int backend_fd; /* the test's end */
    struct stream relay_client;
    struct stream relay_backend;
    BIO_METHOD *method;
    struct relay relay;
    enum relay_state state;
    unsigned n_runs;
    int epoll_fd;
    uint8_t scratch[RELAY_HELD];
};

/* One end of a transfer: what was sent so far, what was received, as a pattern of its seed. */
struct flow {
    size_t n;
    size_t at;
};

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

static void tcp_pair(int pair[2])
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

static void watch(struct kit *k, struct stream *s)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = s};

    assert_int_equal(epoll_ctl(k->epoll_fd, EPOLL_CTL_ADD, s->fd, &event), 0);
}

static unsigned take_events(struct kit *k)
{
    struct epoll_event events[4];
    const int n = epoll_wait(k->epoll_fd, events, 4, 0);

    for (int i = 0; i < n; i++) {
        stream_event(events[i].data.ptr, events[i].events);
    }
    return n > 0 ? (unsigned)n : 0;
}

/* What a worker does: run after events, or when the relay gave way. */
static void turn(struct kit *k)
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

static void handshake(struct kit *k)
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

static void kit_init(struct kit *k, int version, const int client[2], const int backend[2])
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

static void kit_unix(struct kit *k, int version)
{
    int client[2];
    int backend[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, client), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, backend),
                     0);
    kit_init(k, version, client, backend);
}

static void kit_tcp(struct kit *k, int version)
{
    int client[2];
    int backend[2];

    tcp_pair(client);
    tcp_pair(backend);
    kit_init(k, version, client, backend);
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
    *fd = -1;
}

static void kit_fini(struct kit *k)
{
    relay_fini(&k->relay);
    SSL_free(k->server);
    SSL_free(k->client);
    BIO_meth_free(k->method);
    SSL_CTX_free(k->server_ctx);
    SSL_CTX_free(k->client_ctx);
    close_fd(&k->client_fd);
    close_fd(&k->backend_fd);
    close_fd(&k->relay_client.fd);
    close_fd(&k->relay_backend.fd);
    close_fd(&k->epoll_fd);
    ERR_clear_error();
}

/* The ends. Each does what it can at once, and checks what it gets. */

static void client_send(struct kit *k, struct flow *f)
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

/* Returns SSL_get_error's code. */
static int client_receive(struct kit *k, struct flow *f)
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

static void backend_send(struct kit *k, struct flow *f)
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

/* Returns recv's result. */
static ssize_t backend_receive(struct kit *k, struct flow *f)
{
    uint8_t chunk[CHUNK];
    const ssize_t done = recv(k->backend_fd, chunk, sizeof chunk, 0);

    if (done > 0) {
        check(chunk, (size_t)done, f->at);
        f->at += (size_t)done;
    }
    return done;
}

static void both_ways(struct kit *k, size_t n)
{
    struct flow up = {n, 0};
    struct flow down = {n, 0};
    struct flow up_got = {n, 0};
    struct flow down_got = {n, 0};

    for (unsigned i = 0; i < TURNS_MAX && (up_got.at < n || down_got.at < n); i++) {
        client_send(k, &up);
        backend_send(k, &down);
        turn(k);
        (void)client_receive(k, &down_got);
        (void)backend_receive(k, &up_got);
    }
    assert_int_equal(up_got.at, n);
    assert_int_equal(down_got.at, n);
}

static void carries_both_ways_at_once(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct kit k;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        kit_unix(&k, versions[i]);
        both_ways(&k, 8 * MB);
        kit_fini(&k);
        kit_tcp(&k, versions[i]);
        both_ways(&k, 8 * MB);
        kit_fini(&k);
    }
}

/* The client ends; the backend goes on, and its end comes to the client as a close_notify. */
static void client_closes_first(void **state)
{
    struct flow up = {MB, 0};
    struct flow up_got = {MB, 0};
    struct flow down = {MB, 0};
    struct flow down_got = {MB, 0};
    int error = SSL_ERROR_NONE;
    ssize_t got = -1;
    struct kit k;

    (void)state;
    kit_tcp(&k, TLS1_3_VERSION);
    for (unsigned i = 0; i < TURNS_MAX && got != 0; i++) {
        client_send(&k, &up);
        if (up.at == up.n && (SSL_get_shutdown(k.client) & SSL_SENT_SHUTDOWN) == 0) {
            (void)SSL_shutdown(k.client);
        }
        turn(&k);
        got = backend_receive(&k, &up_got);
    }
    assert_int_equal(got, 0);
    assert_int_equal(up_got.at, MB);
    for (unsigned i = 0; i < TURNS_MAX && error != SSL_ERROR_ZERO_RETURN; i++) {
        backend_send(&k, &down);
        if (down.at == down.n) {
            (void)shutdown(k.backend_fd, SHUT_WR);
        }
        turn(&k);
        error = client_receive(&k, &down_got);
    }
    assert_int_equal(error, SSL_ERROR_ZERO_RETURN);
    assert_int_equal(down_got.at, MB);
    assert_int_equal(k.state, RELAY_FINISHED);
    kit_fini(&k);
}

/* The backend ends; the client goes on, and its end comes to the backend as a FIN. */
static void backend_closes_first(void **state)
{
    struct flow up = {MB, 0};
    struct flow up_got = {MB, 0};
    struct flow down = {MB, 0};
    struct flow down_got = {MB, 0};
    int error = SSL_ERROR_NONE;
    ssize_t got = -1;
    struct kit k;

    (void)state;
    kit_tcp(&k, TLS1_3_VERSION);
    for (unsigned i = 0; i < TURNS_MAX && error != SSL_ERROR_ZERO_RETURN; i++) {
        backend_send(&k, &down);
        if (down.at == down.n) {
            (void)shutdown(k.backend_fd, SHUT_WR);
        }
        turn(&k);
        error = client_receive(&k, &down_got);
    }
    assert_int_equal(error, SSL_ERROR_ZERO_RETURN);
    assert_int_equal(down_got.at, MB);
    for (unsigned i = 0; i < TURNS_MAX && k.state != RELAY_FINISHED; i++) {
        client_send(&k, &up);
        if (up.at == up.n && (SSL_get_shutdown(k.client) & SSL_SENT_SHUTDOWN) == 0) {
            (void)SSL_shutdown(k.client);
        }
        turn(&k);
        (void)backend_receive(&k, &up_got);
    }
    assert_int_equal(k.state, RELAY_FINISHED);
    close_fd(&k.relay_backend.fd);
    while ((got = backend_receive(&k, &up_got)) > 0) {
    }
    assert_int_equal(got, 0);
    assert_int_equal(up_got.at, MB);
    kit_fini(&k);
}

/* Nobody reads at the end: the relay holds one buffer, and is not run without an event. */
static void slow_client_holds_the_backend_back(void **state)
{
    struct flow down = {64 * MB, 0};
    struct flow down_got = {0, 0};
    unsigned n_runs;
    size_t before;
    struct kit k;

    (void)state;
    kit_unix(&k, TLS1_3_VERSION);
    do {
        before = down.at;
        for (unsigned i = 0; i < 100; i++) {
            backend_send(&k, &down);
            turn(&k);
        }
    } while (down.at != before);
    assert_true(down.at < 8 * MB);
    assert_non_null(k.relay.down.held);
    assert_true(k.relay.down.len <= RELAY_HELD);
    assert_int_equal(k.state, RELAY_WAITS);
    n_runs = k.n_runs;
    for (unsigned i = 0; i < 1000; i++) {
        turn(&k);
    }
    assert_int_equal(k.n_runs, n_runs);
    down_got.n = down.at;
    for (unsigned i = 0; i < TURNS_MAX && down_got.at < down_got.n; i++) {
        (void)client_receive(&k, &down_got);
        turn(&k);
    }
    assert_int_equal(down_got.at, down.at);
    assert_null(k.relay.down.held);
    both_ways(&k, MB);
    kit_fini(&k);
}

static void slow_backend_holds_the_client_back(void **state)
{
    struct flow up = {64 * MB, 0};
    struct flow up_got = {0, 0};
    unsigned n_runs;
    size_t before;
    struct kit k;

    (void)state;
    kit_unix(&k, TLS1_2_VERSION);
    do {
        before = up.at;
        for (unsigned i = 0; i < 100; i++) {
            client_send(&k, &up);
            turn(&k);
        }
    } while (up.at != before);
    assert_true(up.at < 8 * MB);
    assert_non_null(k.relay.up.held);
    n_runs = k.n_runs;
    for (unsigned i = 0; i < 1000; i++) {
        turn(&k);
    }
    assert_int_equal(k.n_runs, n_runs);
    for (unsigned i = 0; i < TURNS_MAX && up_got.at < up.at; i++) {
        (void)backend_receive(&k, &up_got);
        turn(&k);
    }
    assert_int_equal(up_got.at, up.at);
    kit_fini(&k);
}

static void truncation_is_no_end(void **state)
{
    struct flow up = {100, 0};
    struct kit k;

    (void)state;
    kit_tcp(&k, TLS1_3_VERSION);
    client_send(&k, &up);
    (void)shutdown(k.client_fd, SHUT_WR);
    for (unsigned i = 0; i < TURNS_MAX && k.state != RELAY_BROKEN; i++) {
        turn(&k);
    }
    assert_int_equal(k.state, RELAY_BROKEN);
    assert_true(k.relay_client.ended);
    kit_fini(&k);
}

static void damaged_record_breaks(void **state)
{
    static const uint8_t junk[] = {23, 3,  3,  0,  32, 1,  2,  3,  4,  5,  6,  7,  8,
                                   9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                   22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};
    struct kit k;

    (void)state;
    kit_unix(&k, TLS1_3_VERSION);
    assert_int_equal(send(k.client_fd, junk, sizeof junk, MSG_NOSIGNAL), (int)sizeof junk);
    turn(&k);
    assert_int_equal(k.state, RELAY_BROKEN);
    assert_int_equal(ERR_peek_error(), 0);
    kit_fini(&k);
}

static void reset_backend(struct kit *k)
{
    const struct linger at_once = {1, 0};

    assert_int_equal(setsockopt(k->backend_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close_fd(&k->backend_fd);
}

/* What the backend said before it broke off is passed on, but not as if it were whole. */
static void reset_is_no_end(void **state)
{
    struct flow down = {1000, 0};
    struct flow down_got = {1000, 0};
    int error = SSL_ERROR_NONE;
    struct kit k;

    (void)state;
    kit_tcp(&k, TLS1_3_VERSION);
    backend_send(&k, &down);
    turn(&k);
    reset_backend(&k);
    for (unsigned i = 0; i < 100 && k.state == RELAY_WAITS; i++) {
        turn(&k);
    }
    assert_int_equal(k.state, RELAY_LINGERS);
    while (error == SSL_ERROR_NONE || error == SSL_ERROR_WANT_READ) {
        error = client_receive(&k, &down_got);
    }
    assert_int_equal(down_got.at, 1000);
    assert_true(error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL);
    (void)SSL_shutdown(k.client);
    turn(&k);
    kit_fini(&k);
}

/* A backend that answers and closes without reading all: the answer still comes through. */
static void answer_survives_a_refusal(void **state)
{
    struct flow up = {4 * MB, 0};
    struct flow down = {1000, 0};
    struct flow down_got = {1000, 0};
    struct kit k;

    (void)state;
    kit_unix(&k, TLS1_3_VERSION);
    client_send(&k, &up);
    turn(&k);
    backend_send(&k, &down);
    close_fd(&k.backend_fd);
    for (unsigned i = 0; i < 2000 && down_got.at < 1000; i++) {
        client_send(&k, &up);
        turn(&k);
        (void)client_receive(&k, &down_got);
    }
    assert_int_equal(down_got.at, 1000);
    for (unsigned i = 0; i < 2000 && up.at < up.n; i++) {
        client_send(&k, &up);
        turn(&k);
    }
    assert_int_equal(up.at, up.n);
    (void)SSL_shutdown(k.client);
    turn(&k);
    assert_int_equal(k.state, RELAY_FINISHED);
    kit_fini(&k);
}

/* A port that nobody listens on. */
static int refused_socket(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof here;
    const int bound = socket(AF_INET, SOCK_STREAM, 0);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(bound, (const struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(getsockname(bound, (struct sockaddr *)&here, &len), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&here, sizeof here), -1);
    assert_int_equal(errno, EINPROGRESS);
    (void)close(bound);
    return fd;
}

static void unreachable_backend(bool client_speaks)
{
    struct flow up = {100, 0};
    struct flow none = {0, 0};
    int error = SSL_ERROR_NONE;
    int client[2];
    int backend[2] = {-1, -1};
    struct kit k;

    tcp_pair(client);
    backend[1] = refused_socket();
    kit_init(&k, TLS1_3_VERSION, client, backend);
    k.relay_backend.connecting = true;
    if (client_speaks) {
        client_send(&k, &up);
    }
    for (unsigned i = 0; i < TURNS_MAX && error != SSL_ERROR_ZERO_RETURN; i++) {
        turn(&k);
        error = client_receive(&k, &none);
    }
    assert_int_equal(error, SSL_ERROR_ZERO_RETURN);
    assert_int_equal(k.relay_backend.error, ECONNREFUSED);
    assert_true(k.relay_backend.connecting);
    (void)SSL_shutdown(k.client);
    for (unsigned i = 0; i < 100 && k.state != RELAY_FINISHED; i++) {
        turn(&k);
    }
    assert_int_equal(k.state, RELAY_FINISHED);
    kit_fini(&k);
}

static void unreachable_backend_is_a_clean_end(void **state)
{
    (void)state;
    unreachable_backend(false);
    unreachable_backend(true);
}

/* To a client that said goodbye and closed, nothing more is sent. */
static void gone_client_gets_no_answer(void **state)
{
    struct flow up_got = {0, 0};
    uint8_t byte;
    struct kit k;

    (void)state;
    kit_tcp(&k, TLS1_3_VERSION);
    (void)SSL_shutdown(k.client);
    (void)shutdown(k.client_fd, SHUT_WR);
    for (unsigned i = 0; i < TURNS_MAX && backend_receive(&k, &up_got) != 0; i++) {
        turn(&k);
    }
    turn(&k);
    (void)shutdown(k.backend_fd, SHUT_WR);
    for (unsigned i = 0; i < TURNS_MAX && k.state != RELAY_FINISHED; i++) {
        turn(&k);
    }
    assert_int_equal(k.state, RELAY_FINISHED);
    while (SSL_read(k.client, &byte, 1) > 0) {
    }
    assert_int_equal(SSL_get_shutdown(k.client) & SSL_RECEIVED_SHUTDOWN, 0);
    kit_fini(&k);
}

static void keys_are_updated_midway(void **state)
{
    struct kit k;

    (void)state;
    kit_unix(&k, TLS1_3_VERSION);
    for (unsigned i = 0; i < 4; i++) {
        both_ways(&k, MB / 4);
        assert_int_equal(SSL_key_update(k.client, SSL_KEY_UPDATE_REQUESTED), 1);
        both_ways(&k, MB / 4);
    }
    kit_fini(&k);
}

static void renegotiation_is_refused(void **state)
{
    struct flow none = {0, 0};
    int error = SSL_ERROR_NONE;
    struct kit k;

    (void)state;
    kit_unix(&k, TLS1_2_VERSION);
    both_ways(&k, 1000);
    assert_int_equal(SSL_renegotiate(k.client), 1);
    for (unsigned i = 0; i < 100 && error != SSL_ERROR_SSL; i++) {
        error = client_receive(&k, &none);
        turn(&k);
    }
    assert_int_equal(error, SSL_ERROR_SSL);
    kit_fini(&k);
}

static void no_memory_breaks(void **state)
{
    struct flow down = {64 * MB, 0};
    struct kit k;

    (void)state;
    kit_unix(&k, TLS1_3_VERSION);
    memory_fail_after(0);
    for (unsigned i = 0; i < TURNS_MAX && k.state != RELAY_BROKEN; i++) {
        backend_send(&k, &down);
        turn(&k);
    }
    memory_fail_after(-1);
    assert_int_equal(k.state, RELAY_BROKEN);
    kit_fini(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_both_ways_at_once),
        cmocka_unit_test(client_closes_first),
        cmocka_unit_test(backend_closes_first),
        cmocka_unit_test(slow_client_holds_the_backend_back),
        cmocka_unit_test(slow_backend_holds_the_client_back),
        cmocka_unit_test(truncation_is_no_end),
        cmocka_unit_test(damaged_record_breaks),
        cmocka_unit_test(reset_is_no_end),
        cmocka_unit_test(answer_survives_a_refusal),
        cmocka_unit_test(unreachable_backend_is_a_clean_end),
        cmocka_unit_test(gone_client_gets_no_answer),
        cmocka_unit_test(keys_are_updated_midway),
        cmocka_unit_test(renegotiation_is_refused),
        cmocka_unit_test(no_memory_breaks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
