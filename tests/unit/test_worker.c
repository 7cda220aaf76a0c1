#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "address.h"
#include "channel.h"
#include "message.h"
#include "serve_kit.h"
#include "text.h"
#include "worker.h"

#define WAIT_MS 20000
#define LINES_SIZE 65536
#define MB ((size_t)1024 * 1024)

/* A worker as a child, and all that a parent has of it. */
struct fixture {
    struct serve_kit kit;
    struct loop *loop;
    struct channel *channel;
    pid_t pid;
    int listen_fd;
    int log_fd;
    int backend_fd; /* listens */
    struct address address;
    SSL_CTX *client_ctx;
    char lines[LINES_SIZE]; /* of the log, so far */
    size_t n_lines;
};

/* Set up and torn down for each test. */

static void message(void *cookie, enum channel_type type, const uint8_t *body, size_t n)
{
    const struct fixture *f = cookie;

    (void)body;
    (void)n;
    assert_int_equal(type, CHANNEL_READY);
    loop_stop(f->loop);
}

static void closed(void *cookie, const char *why)
{
    const struct fixture *f = cookie;

    (void)why;
    loop_stop(f->loop);
}

static int listen_on(struct address *address)
{
    const int fd =
        socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&address->storage, address->len), 0);
    assert_int_equal(listen(fd, 64), 0);
    address->len = sizeof address->storage;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address->storage, &address->len), 0);
    return fd;
}

static int run_child(struct fixture *f, int channel_fd, int log_fd, unsigned max_fds)
{
    const struct rlimit limit = {max_fds, max_fds};
    const struct worker_start start = {
        .config = f->kit.config,
        .sites = f->kit.sites,
        .keyring = f->kit.keyring,
        .cache = f->kit.cache,
        .listen_fds = &f->listen_fd,
        .channel_fd = channel_fd,
        .index = 5,
        .log = {.fd = log_fd, .json = true, .least = LOG_LEVEL_DEBUG, .role = "worker 5"},
    };

    (void)close(f->backend_fd);
    if (max_fds != 0 && setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 77;
    }
    rp_keyring_read_only(f->kit.keyring);
    return worker_run(&start);
}

static void start(struct fixture *f, const char *yaml, unsigned max_fds)
{
    const struct channel_peer peer = {message_rules_for_worker, 1, message, closed, f};
    int channel[2];
    int log[2];

    assert_int_equal(serve_kit_configure(&f->kit, yaml), RP_OK);
    assert_true(address_parse("127.0.0.1:0", &f->address));
    f->listen_fd = listen_on(&f->address);
    assert_true(channel_pair(channel));
    assert_int_equal(pipe(log), 0);
    f->pid = fork();
    assert_true(f->pid >= 0);
    if (f->pid == 0) {
        (void)close(channel[0]);
        _exit(run_child(f, channel[1], log[1], max_fds));
    }
    (void)close(channel[1]);
    (void)close(log[1]);
    f->log_fd = log[0];
    assert_int_equal(channel_new(f->loop, channel[0], &peer, &f->channel), RP_OK);
    loop_run(f->loop); /* until it is ready */
}

static int setup(void **state)
{
    static struct fixture f;

    memset(&f, 0, sizeof f);
    f.listen_fd = f.log_fd = f.backend_fd = -1;
    serve_kit_init(&f.kit);
    assert_int_equal(loop_new(&f.loop), RP_OK);
    f.client_ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(f.client_ctx);
    (void)SSL_CTX_set_mode(f.client_ctx, SSL_MODE_AUTO_RETRY);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    if (f->pid > 0) {
        (void)kill(f->pid, SIGKILL);
        (void)waitpid(f->pid, NULL, 0);
    }
    channel_free(&f->channel);
    loop_free(&f->loop);
    SSL_CTX_free(f->client_ctx);
    (void)close(f->listen_fd);
    (void)close(f->log_fd);
    (void)close(f->backend_fd);
    serve_kit_fini(&f->kit);
    return 0;
}

/* Waiting, never longer than WAIT_MS. */

static void wait_readable(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};

    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
}

static int exit_status(struct fixture *f)
{
    int status;

    assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
    f->pid = 0;
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void read_log(struct fixture *f)
{
    ssize_t n;

    wait_readable(f->log_fd);
    n = read(f->log_fd, f->lines + f->n_lines, sizeof f->lines - 1 - f->n_lines);
    assert_true(n > 0);
    f->n_lines += (size_t)n;
    f->lines[f->n_lines] = '\0';
}

static unsigned count(const struct fixture *f, const char *words)
{
    const char *at = f->lines;
    unsigned n = 0;

    while ((at = strstr(at, words)) != NULL) {
        at++;
        n++;
    }
    return n;
}

static void wait_for_log(struct fixture *f, const char *words)
{
    while (count(f, words) == 0) {
        read_log(f);
    }
}

/* The first line with this message. */
static json_t *log_line_of(struct fixture *f, const char *text)
{
    char words[64];
    struct text t = text_of(words, sizeof words);
    const char *line;
    json_t *object;

    text_addf(&t, "\"message\":\"%s\"", text);
    wait_for_log(f, words);
    line = strstr(f->lines, words);
    while (line > f->lines && line[-1] != '\n') {
        line--;
    }
    while (strchr(line, '\n') == NULL) {
        read_log(f);
    }
    object = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(object);
    return object;
}

static const char *string_of(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s != NULL ? s : "";
}

/* Clients and backends, blocking. */

static int connect_tcp(const struct address *to)
{
    const struct timeval patience = {WAIT_MS / 1000, 0};
    const int fd = socket(to->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&to->storage, to->len), 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return fd;
}

static SSL *client_new(struct fixture *f, SSL_SESSION *session)
{
    SSL *ssl = SSL_new(f->client_ctx);

    assert_int_equal(SSL_set_fd(ssl, connect_tcp(&f->address)), 1);
    assert_int_equal(SSL_set_tlsext_host_name(ssl, "a.example"), 1);
    if (session != NULL) {
        assert_int_equal(SSL_set_session(ssl, session), 1);
    }
    assert_int_equal(SSL_connect(ssl), 1);
    return ssl;
}

static void client_free(SSL *ssl)
{
    const int fd = SSL_get_fd(ssl);

    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* or its session is lost */
    SSL_free(ssl);
    (void)close(fd);
    ERR_clear_error();
}

static int backend_accept(const struct fixture *f)
{
    const struct timeval patience = {WAIT_MS / 1000, 0};
    int fd;

    wait_readable(f->backend_fd);
    fd = accept4(f->backend_fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

#define SITE                                                                                       \
    "    sites:\n"                                                                                 \
    "      - { name: a.example, certificate: ec.pem, key: ec.key }\n"                              \
    "      - { name: b.example, certificate: ec.pem, key: ec.key }\n"
#define PAGE "listen:\n  - address: 127.0.0.1:0\n" SITE

static void start_tcp(struct fixture *f, unsigned max_fds)
{
    char yaml[512];
    char name[ADDRESS_TEXT_SIZE];
    struct text t = text_of(yaml, sizeof yaml);
    struct address backend;

    assert_true(address_parse("127.0.0.1:0", &backend));
    f->backend_fd = listen_on(&backend);
    address_text(&backend, name);
    text_addf(&t, "listen:\n  - address: 127.0.0.1:0\n    backend: %s\n" SITE, name);
    start(f, yaml, max_fds);
}

static void exchange(SSL *ssl, int backend)
{
    char got[8] = "";

    assert_int_equal(SSL_write(ssl, "ping", 4), 4);
    assert_int_equal(recv(backend, got, 4, MSG_WAITALL), 4);
    assert_string_equal(got, "ping");
    assert_int_equal(send(backend, "pong", 4, MSG_NOSIGNAL), 4);
    assert_int_equal(SSL_read(ssl, got, 4), 4);
    assert_string_equal(got, "pong");
}

/* Tests. */

static json_t *fetch(struct fixture *f, SSL_SESSION **session)
{
    static const char request[] = "GET /session.json HTTP/1.1\r\nHost: a.example\r\n\r\n";
    char answer[4096];
    struct text t = text_of(answer, sizeof answer);
    SSL *ssl = client_new(f, *session);
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
    client_free(ssl);
    return object;
}

static void page_tells_of_its_connection(void **state)
{
    struct fixture *f = *state;
    SSL_SESSION *session = NULL;
    json_t *first;
    json_t *second;
    json_t *line;

    start(f, PAGE, 0);
    first = fetch(f, &session);
    assert_string_equal(string_of(first, "session"), "New");
    assert_int_equal(json_integer_value(json_object_get(first, "worker")), 5);
    second = fetch(f, &session);
    assert_string_equal(string_of(second, "session"), "Reused");
    assert_string_equal(string_of(second, "mechanism"), "psk");
    assert_string_equal(string_of(second, "key_name"), string_of(first, "issued_key_name"));
    assert_string_equal(string_of(second, "server_name"), "a.example");
    line = log_line_of(f, "connection");
    assert_string_equal(string_of(line, "session"), "New");
    assert_string_equal(string_of(line, "sni"), "a.example");
    assert_string_equal(string_of(line, "key"), string_of(first, "issued_key_name"));
    assert_string_equal(string_of(line, "version"), "TLSv1.3");
    assert_int_equal(json_integer_value(json_object_get(line, "worker")), 5);
    json_decref(line);
    json_decref(first);
    json_decref(second);
    SSL_SESSION_free(session);
}

static void relays_to_tcp(void **state)
{
    struct fixture *f = *state;
    SSL *ssl;
    int backend;
    char c;

    start_tcp(f, 0);
    ssl = client_new(f, NULL);
    backend = backend_accept(f);
    exchange(ssl, backend);
    (void)SSL_shutdown(ssl);
    assert_int_equal(recv(backend, &c, 1, 0), 0);
    assert_int_equal(send(backend, "late", 4, MSG_NOSIGNAL), 4);
    (void)close(backend);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(SSL_read(ssl, &c, 1), 1);
        assert_int_equal(c, "late"[i]);
    }
    assert_int_equal(SSL_get_error(ssl, SSL_read(ssl, &c, 1)), SSL_ERROR_ZERO_RETURN);
    client_free(ssl);
}

static void relays_to_unix(void **state)
{
    struct fixture *f = *state;
    struct address backend;
    char yaml[512];
    char name[64];
    struct text n = text_of(name, sizeof name);
    struct text t = text_of(yaml, sizeof yaml);
    int fd;
    SSL *ssl;

    text_addf(&n, "unix:%s/s", f->kit.folder);
    assert_true(address_parse_backend(name, &backend));
    f->backend_fd = listen_on(&backend);
    text_addf(&t, "listen:\n  - address: 127.0.0.1:0\n    backend: %s\n" SITE, name);
    start(f, yaml, 0);
    ssl = client_new(f, NULL);
    fd = backend_accept(f);
    exchange(ssl, fd);
    (void)close(fd);
    client_free(ssl);
    (void)unlink(name + 5);
}

/* More connections wait at the backend than its queue takes; all are served in the end. */
static void busy_unix_backend_is_waited_for(void **state)
{
    struct fixture *f = *state;
    struct address backend;
    char yaml[512];
    char name[64];
    struct text n = text_of(name, sizeof name);
    struct text t = text_of(yaml, sizeof yaml);
    SSL *ssl[6];

    text_addf(&n, "unix:%s/s", f->kit.folder);
    assert_true(address_parse_backend(name, &backend));
    f->backend_fd = listen_on(&backend);
    assert_int_equal(listen(f->backend_fd, 1), 0);
    text_addf(&t, "listen:\n  - address: 127.0.0.1:0\n    backend: %s\n" SITE, name);
    start(f, yaml, 0);
    for (unsigned i = 0; i < 6; i++) {
        ssl[i] = client_new(f, NULL);
    }
    for (unsigned i = 0; i < 6; i++) {
        const int fd = backend_accept(f);

        assert_int_equal(send(fd, "hello", 5, MSG_NOSIGNAL), 5);
        (void)close(fd);
    }
    for (unsigned i = 0; i < 6; i++) {
        char got[5];

        assert_int_equal(SSL_read(ssl[i], got, 5), 5);
        client_free(ssl[i]);
    }
    (void)unlink(name + 5);
}

static void unreachable_backend_is_told_once(void **state)
{
    struct fixture *f = *state;
    json_t *line;
    SSL *ssl;
    char c;

    start_tcp(f, 0);
    (void)close(f->backend_fd);
    f->backend_fd = -1;
    ssl = client_new(f, NULL);
    (void)SSL_write(ssl, "ping", 4);
    assert_int_equal(SSL_get_error(ssl, SSL_read(ssl, &c, 1)), SSL_ERROR_ZERO_RETURN);
    client_free(ssl);
    line = log_line_of(f, "backend unreachable");
    assert_string_equal(string_of(line, "reason"), "Connection refused");
    assert_string_equal(string_of(line, "backend"), f->kit.config->listen[0].backend);
    json_decref(line);
    assert_int_equal(count(f, "backend unreachable"), 1);
}

static void truncation_resets_the_backend(void **state)
{
    struct fixture *f = *state;
    SSL *ssl;
    int backend;
    char c;

    start_tcp(f, 0);
    ssl = client_new(f, NULL);
    backend = backend_accept(f);
    exchange(ssl, backend);
    (void)shutdown(SSL_get_fd(ssl), SHUT_WR); /* and no close_notify */
    assert_int_equal(recv(backend, &c, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    (void)close(backend);
    client_free(ssl);
}

static void failed_handshakes_do_not_flood(void **state)
{
    struct fixture *f = *state;
    json_t *line;

    start(f, PAGE, 0);
    for (unsigned i = 0; i < 40; i++) {
        const int fd = connect_tcp(&f->address);
        char c[64];

        assert_int_equal(send(fd, "GET / HTTP/1.0\r\n\r\n", 18, MSG_NOSIGNAL), 18);
        while (recv(fd, c, sizeof c, 0) > 0) {
        }
        (void)close(fd);
    }
    line = log_line_of(f, "handshake failed");
    assert_string_equal(string_of(line, "reason"), "http request");
    assert_int_equal(strncmp(string_of(line, "peer"), "127.0.0.1:", 10), 0);
    json_decref(line);
    line = log_line_of(f, "lines withheld");
    assert_true(json_integer_value(json_object_get(line, "count")) >= 10);
    json_decref(line);
}

static void drains(void **state)
{
    struct fixture *f = *state;
    SSL *ssl;
    int backend;

    start_tcp(f, 0);
    ssl = client_new(f, NULL);
    backend = backend_accept(f);
    exchange(ssl, backend);
    assert_true(channel_send(f->channel, CHANNEL_DRAIN, NULL, 0));
    exchange(ssl, backend);
    exchange(ssl, backend);
    (void)close(backend);
    (void)SSL_shutdown(ssl);
    client_free(ssl);
    assert_int_equal(exit_status(f), 0);
}

static void idle_worker_drains_at_once(void **state)
{
    struct fixture *f = *state;

    start(f, PAGE, 0);
    assert_true(channel_send(f->channel, CHANNEL_DRAIN, NULL, 0));
    assert_int_equal(exit_status(f), 0);
}

static void worker_goes_with_its_channel(void **state)
{
    struct fixture *f = *state;
    SSL *ssl;

    start_tcp(f, 0);
    ssl = client_new(f, NULL);
    channel_free(&f->channel);
    assert_int_equal(exit_status(f), 0);
    client_free(ssl);
}

static void out_of_descriptors_waits(void **state)
{
    struct fixture *f = *state;
    int fds[64];
    SSL *ssl;
    int backend;

    start_tcp(f, 48);
    for (unsigned i = 0; i < 64; i++) {
        fds[i] = connect_tcp(&f->address);
    }
    wait_for_log(f, "accepting paused");
    for (unsigned i = 0; i < 64; i++) {
        (void)close(fds[i]);
    }
    ssl = client_new(f, NULL);
    backend = backend_accept(f);
    exchange(ssl, backend);
    (void)close(backend);
    client_free(ssl);
}

/* A client that only sends and one that only talks: both get on. */
static void big_talker_leaves_turns_to_others(void **state)
{
    static uint8_t block[65536];
    struct fixture *f = *state;
    SSL *talker;
    SSL *other;
    int talker_backend;
    int other_backend;
    size_t sent = 0;

    start_tcp(f, 0);
    talker = client_new(f, NULL);
    talker_backend = backend_accept(f);
    other = client_new(f, NULL);
    other_backend = backend_accept(f);
    while (sent < 8 * MB) {
        size_t got = 0;

        assert_int_equal(SSL_write(talker, block, 32768), 32768);
        exchange(other, other_backend);
        while (got < 32768) {
            const ssize_t n = recv(talker_backend, block, 32768 - got, 0);

            assert_true(n > 0);
            got += (size_t)n;
        }
        sent += got;
    }
    (void)close(talker_backend);
    (void)close(other_backend);
    client_free(talker);
    client_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_WORKER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        WITH_WORKER(page_tells_of_its_connection),
        WITH_WORKER(relays_to_tcp),
        WITH_WORKER(relays_to_unix),
        WITH_WORKER(busy_unix_backend_is_waited_for),
        WITH_WORKER(unreachable_backend_is_told_once),
        WITH_WORKER(truncation_resets_the_backend),
        WITH_WORKER(failed_handshakes_do_not_flood),
        WITH_WORKER(drains),
        WITH_WORKER(idle_worker_drains_at_once),
        WITH_WORKER(worker_goes_with_its_channel),
        WITH_WORKER(out_of_descriptors_waits),
        WITH_WORKER(big_talker_leaves_turns_to_others),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
