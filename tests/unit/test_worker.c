#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>

#include "text.h"
#include "worker_kit.h"

#define MB ((size_t)1024 * 1024)

static json_t *fetch(struct worker_kit *f, SSL_SESSION **session)
{
    static const char request[] = "GET /session.json HTTP/1.1\r\nHost: a.example\r\n\r\n";
    char answer[4096];
    struct text t = text_of(answer, sizeof answer);
    SSL *ssl = worker_kit_client(f, *session);
    json_t *object;
    char c;
    int n;

    assert_int_equal(SSL_write(ssl, request, sizeof request - 1), sizeof request - 1);
    while ((n = SSL_read(ssl, &c, 1)) == 1) {
        text_add_char(&t, c);
    }
    assert_int_equal(SSL_get_error(ssl, n), SSL_ERROR_ZERO_RETURN);
    SSL_SESSION_free(*session);
    *session = SSL_get1_session(ssl);
    assert_non_null(strstr(answer, "\r\n\r\n"));
    object = json_loads(strstr(answer, "\r\n\r\n") + 4, 0, NULL);
    assert_non_null(object);
    worker_kit_client_free(ssl);
    return object;
}

static void page_tells_of_its_connection(void **state)
{
    struct worker_kit *f = *state;
    SSL_SESSION *session = NULL;
    json_t *first;
    json_t *second;
    json_t *line;

    worker_kit_start(f, WORKER_KIT_PAGE, 0);
    first = fetch(f, &session);
    assert_string_equal(worker_kit_string(first, "session"), "New");
    assert_int_equal(json_integer_value(json_object_get(first, "worker")), 5);
    second = fetch(f, &session);
    assert_string_equal(worker_kit_string(second, "session"), "Reused");
    assert_string_equal(worker_kit_string(second, "mechanism"), "psk");
    assert_string_equal(worker_kit_string(second, "key_name"),
                        worker_kit_string(first, "issued_key_name"));
    assert_string_equal(worker_kit_string(second, "server_name"), "a.example");
    line = worker_kit_log_line(f, "connection");
    assert_string_equal(worker_kit_string(line, "session"), "New");
    assert_string_equal(worker_kit_string(line, "sni"), "a.example");
    assert_true(json_is_null(json_object_get(line, "key")));
    assert_true(json_is_null(json_object_get(line, "sealed_ms")));
    assert_string_equal(worker_kit_string(line, "issued"),
                        worker_kit_string(first, "issued_key_name"));
    assert_string_equal(worker_kit_string(line, "version"), "TLSv1.3");
    assert_int_equal(json_integer_value(json_object_get(line, "worker")), 5);
    json_decref(line);
    json_decref(first);
    json_decref(second);
    SSL_SESSION_free(session);
}

static void relays_to_tcp(void **state)
{
    struct worker_kit *f = *state;
    SSL *ssl;
    int backend;
    char c;

    worker_kit_start_tcp(f, 0);
    ssl = worker_kit_client(f, NULL);
    backend = worker_kit_accept(f);
    worker_kit_exchange(ssl, backend);
    (void)SSL_shutdown(ssl);
    assert_int_equal(recv(backend, &c, 1, 0), 0);
    assert_int_equal(send(backend, "late", 4, MSG_NOSIGNAL), 4);
    (void)close(backend);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(SSL_read(ssl, &c, 1), 1);
        assert_int_equal(c, "late"[i]);
    }
    assert_int_equal(SSL_get_error(ssl, SSL_read(ssl, &c, 1)), SSL_ERROR_ZERO_RETURN);
    worker_kit_client_free(ssl);
}

static void relays_to_unix(void **state)
{
    struct worker_kit *f = *state;
    struct address backend;
    char yaml[512];
    char name[64];
    struct text n = text_of(name, sizeof name);
    struct text t = text_of(yaml, sizeof yaml);
    int fd;
    SSL *ssl;

    text_addf(&n, "unix:%s/s", f->kit.folder);
    assert_true(address_parse_backend(name, &backend));
    f->backend_fd = worker_kit_listen(&backend);
    text_addf(&t, "listen:\n  - address: 127.0.0.1:0\n    backend: %s\n" WORKER_KIT_SITES, name);
    worker_kit_start(f, yaml, 0);
    ssl = worker_kit_client(f, NULL);
    fd = worker_kit_accept(f);
    worker_kit_exchange(ssl, fd);
    (void)close(fd);
    worker_kit_client_free(ssl);
    (void)unlink(name + 5);
}

/* More connections wait at the backend than its queue takes; all are served in the end. */
static void busy_unix_backend_is_waited_for(void **state)
{
    struct worker_kit *f = *state;
    struct address backend;
    char yaml[512];
    char name[64];
    struct text n = text_of(name, sizeof name);
    struct text t = text_of(yaml, sizeof yaml);
    SSL *ssl[6];

    text_addf(&n, "unix:%s/s", f->kit.folder);
    assert_true(address_parse_backend(name, &backend));
    f->backend_fd = worker_kit_listen(&backend);
    assert_int_equal(listen(f->backend_fd, 1), 0);
    text_addf(&t, "listen:\n  - address: 127.0.0.1:0\n    backend: %s\n" WORKER_KIT_SITES, name);
    worker_kit_start(f, yaml, 0);
    for (unsigned i = 0; i < 6; i++) {
        ssl[i] = worker_kit_client(f, NULL);
    }
    for (unsigned i = 0; i < 6; i++) {
        const int fd = worker_kit_accept(f);

        assert_int_equal(send(fd, "hello", 5, MSG_NOSIGNAL), 5);
        (void)close(fd);
    }
    for (unsigned i = 0; i < 6; i++) {
        char got[5];

        assert_int_equal(SSL_read(ssl[i], got, 5), 5);
        worker_kit_client_free(ssl[i]);
    }
    (void)unlink(name + 5);
}

static void unreachable_backend_is_told_once(void **state)
{
    struct worker_kit *f = *state;
    json_t *line;
    SSL *ssl;
    char c;

    worker_kit_start_tcp(f, 0);
    (void)close(f->backend_fd);
    f->backend_fd = -1;
    ssl = worker_kit_client(f, NULL);
    (void)SSL_write(ssl, "ping", 4);
    assert_int_equal(SSL_get_error(ssl, SSL_read(ssl, &c, 1)), SSL_ERROR_ZERO_RETURN);
    worker_kit_client_free(ssl);
    line = worker_kit_log_line(f, "backend unreachable");
    assert_string_equal(worker_kit_string(line, "reason"), "Connection refused");
    assert_string_equal(worker_kit_string(line, "backend"), f->kit.config->listen[0].backend);
    json_decref(line);
    assert_int_equal(worker_kit_count(f, "backend unreachable"), 1);
}

static void truncation_resets_the_backend(void **state)
{
    struct worker_kit *f = *state;
    SSL *ssl;
    int backend;
    char c;

    worker_kit_start_tcp(f, 0);
    ssl = worker_kit_client(f, NULL);
    backend = worker_kit_accept(f);
    worker_kit_exchange(ssl, backend);
    (void)shutdown(SSL_get_fd(ssl), SHUT_WR); /* and no close_notify */
    assert_int_equal(recv(backend, &c, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    (void)close(backend);
    worker_kit_client_free(ssl);
}

static void failed_handshakes_do_not_flood(void **state)
{
    struct worker_kit *f = *state;
    json_t *line;

    worker_kit_start(f, WORKER_KIT_PAGE, 0);
    for (unsigned i = 0; i < 40; i++) {
        const int fd = worker_kit_connect(&f->address);
        char c[64];

        assert_int_equal(send(fd, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL), 18);
        while (recv(fd, c, sizeof c, 0) > 0) {
        }
        (void)close(fd);
    }
    line = worker_kit_log_line(f, "handshake failed");
    assert_string_equal(worker_kit_string(line, "reason"), "http request");
    assert_int_equal(strncmp(worker_kit_string(line, "peer"), "127.0.0.1:", 10), 0);
    json_decref(line);
    line = worker_kit_log_line(f, "lines withheld");
    assert_true(json_integer_value(json_object_get(line, "count")) >= 10);
    json_decref(line);
}

static void refused_names_are_told(void **state)
{
    struct worker_kit *f = *state;
    json_t *line;
    SSL *ssl;

    worker_kit_start(f, WORKER_KIT_PAGE "    strict_sni: on\n", 0);
    ssl = SSL_new(f->client_ctx);
    assert_int_equal(SSL_set_fd(ssl, worker_kit_connect(&f->address)), 1);
    assert_int_equal(SSL_set_tlsext_host_name(ssl, "c.example"), 1);
    assert_int_not_equal(SSL_connect(ssl), 1);
    worker_kit_client_free(ssl);
    line = worker_kit_log_line(f, "handshake failed");
    assert_string_equal(worker_kit_string(line, "sni"), "c.example");
    assert_string_equal(worker_kit_string(line, "reason"), "no site of this name");
    json_decref(line);
}

static void drains(void **state)
{
    struct worker_kit *f = *state;
    SSL *ssl;
    int backend;

    worker_kit_start_tcp(f, 0);
    ssl = worker_kit_client(f, NULL);
    backend = worker_kit_accept(f);
    worker_kit_exchange(ssl, backend);
    worker_kit_drain(f);
    worker_kit_exchange(ssl, backend);
    worker_kit_exchange(ssl, backend);
    (void)close(backend);
    (void)SSL_shutdown(ssl);
    worker_kit_client_free(ssl);
    assert_int_equal(worker_kit_exit_status(f), 0);
}

static void idle_worker_drains_at_once(void **state)
{
    struct worker_kit *f = *state;

    worker_kit_start(f, WORKER_KIT_PAGE, 0);
    worker_kit_drain(f);
    assert_int_equal(worker_kit_exit_status(f), 0);
}

/* What a client sends and its end come together, and no request in it. */
static void page_sees_the_end_after_data(void **state)
{
    struct worker_kit *f = *state;
    const int on = 1;
    SSL *ssl;
    char c;
    int n;

    worker_kit_start(f, WORKER_KIT_PAGE, 0);
    ssl = worker_kit_client(f, NULL);
    assert_int_equal(setsockopt(SSL_get_fd(ssl), IPPROTO_TCP, TCP_CORK, &on, sizeof on), 0);
    assert_int_equal(SSL_write(ssl, "\n", 1), 1);
    (void)SSL_shutdown(ssl);
    (void)shutdown(SSL_get_fd(ssl), SHUT_WR);
    n = SSL_read(ssl, &c, 1); /* blocks until the worker is through with us */
    assert_true(n <= 0);
    assert_int_not_equal(SSL_get_error(ssl, n), SSL_ERROR_WANT_READ);
    worker_kit_client_free(ssl);
    worker_kit_drain(f);
    assert_int_equal(worker_kit_exit_status(f), 0);
}

static void worker_goes_with_its_channel(void **state)
{
    struct worker_kit *f = *state;
    SSL *ssl;

    worker_kit_start_tcp(f, 0);
    ssl = worker_kit_client(f, NULL);
    channel_free(&f->channel);
    assert_int_equal(worker_kit_exit_status(f), 0);
    worker_kit_client_free(ssl);
}

static void out_of_descriptors_waits(void **state)
{
    struct worker_kit *f = *state;
    int fds[64];
    SSL *ssl;
    int backend;

    worker_kit_start_tcp(f, 48);
    for (unsigned i = 0; i < 64; i++) {
        fds[i] = worker_kit_connect(&f->address);
    }
    worker_kit_wait_for_log(f, "accepting paused");
    for (unsigned i = 0; i < 64; i++) {
        (void)close(fds[i]);
    }
    ssl = worker_kit_client(f, NULL);
    backend = worker_kit_accept(f);
    worker_kit_exchange(ssl, backend);
    (void)close(backend);
    worker_kit_client_free(ssl);
}

/* A client that only sends and one that only talks: both get on. */
static void big_talker_leaves_turns_to_others(void **state)
{
    static uint8_t block[65536];
    struct worker_kit *f = *state;
    SSL *talker;
    SSL *other;
    int talker_backend;
    int other_backend;
    size_t sent = 0;

    worker_kit_start_tcp(f, 0);
    talker = worker_kit_client(f, NULL);
    talker_backend = worker_kit_accept(f);
    other = worker_kit_client(f, NULL);
    other_backend = worker_kit_accept(f);
    while (sent < 8 * MB) {
        size_t got = 0;

        assert_int_equal(SSL_write(talker, block, 32768), 32768);
        worker_kit_exchange(other, other_backend);
        while (got < 32768) {
            const ssize_t n = recv(talker_backend, block, 32768 - got, 0);

            assert_true(n > 0);
            got += (size_t)n;
        }
        sent += got;
    }
    (void)close(talker_backend);
    (void)close(other_backend);
    worker_kit_client_free(talker);
    worker_kit_client_free(other);
}

/* A hello of the greatest length, a byte a record, takes several turns, and is read to its end. */
static void crumbled_hello_is_read(void **state)
{
    enum { RECORDS = 30000 };
    static uint8_t hello[RECORDS][6];
    static const uint8_t head[] = {1, 1, 0, 0, 3, 3};
    struct worker_kit *f = *state;
    char c[64];
    json_t *line;
    int fd;

    worker_kit_start(f, WORKER_KIT_PAGE, 0);
    for (size_t i = 0; i < RECORDS; i++) {
        memcpy(hello[i], (const uint8_t[]){22, 3, 1, 0, 1, i < sizeof head ? head[i] : 0}, 6);
    }
    hello[RECORDS - 1][0] = 99; /* no type of record */
    fd = worker_kit_connect(&f->address);
    assert_int_equal(send(fd, hello, sizeof hello, MSG_NOSIGNAL), (ssize_t)sizeof hello);
    while (recv(fd, c, sizeof c, 0) > 0) {
    }
    (void)close(fd);
    line = worker_kit_log_line(f, "handshake failed");
    assert_string_equal(worker_kit_string(line, "reason"), "unexpected message");
    json_decref(line);
}

/* Who sends nothing but KeyUpdates is turned away; another of the same worker goes on. */
static void flood_is_broken_off(void **state)
{
    struct worker_kit *f = *state;
    json_t *line;
    SSL *flooder;
    SSL *other;
    int backends[2];
    char c;

    worker_kit_start_tcp(f, 0);
    flooder = worker_kit_client(f, NULL);
    backends[0] = worker_kit_accept(f);
    other = worker_kit_client(f, NULL);
    backends[1] = worker_kit_accept(f);
    worker_kit_exchange(flooder, backends[0]);
    for (unsigned i = 0; i < 1000; i++) {
        if (SSL_key_update(flooder, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 ||
            SSL_do_handshake(flooder) != 1) {
            break;
        }
    }
    worker_kit_exchange(other, backends[1]);
    assert_true(recv(backends[0], &c, 1, 0) < 0);
    assert_int_equal(errno, ECONNRESET);
    line = worker_kit_log_line(f, "flood broken off");
    assert_string_equal(worker_kit_string(line, "sni"), "a.example");
    json_decref(line);
    worker_kit_exchange(other, backends[1]);
    (void)close(backends[0]);
    (void)close(backends[1]);
    worker_kit_client_free(flooder);
    worker_kit_client_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_WORKER(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, worker_kit_setup, worker_kit_teardown)
        WITH_WORKER(page_tells_of_its_connection),
        WITH_WORKER(relays_to_tcp),
        WITH_WORKER(relays_to_unix),
        WITH_WORKER(busy_unix_backend_is_waited_for),
        WITH_WORKER(unreachable_backend_is_told_once),
        WITH_WORKER(truncation_resets_the_backend),
        WITH_WORKER(failed_handshakes_do_not_flood),
        WITH_WORKER(refused_names_are_told),
        WITH_WORKER(drains),
        WITH_WORKER(idle_worker_drains_at_once),
        WITH_WORKER(page_sees_the_end_after_data),
        WITH_WORKER(worker_goes_with_its_channel),
        WITH_WORKER(out_of_descriptors_waits),
        WITH_WORKER(big_talker_leaves_turns_to_others),
        WITH_WORKER(crumbled_hello_is_read),
        WITH_WORKER(flood_is_broken_off),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
