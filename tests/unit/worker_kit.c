#include "worker_kit.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "message.h"
#include "text.h"
#include "worker.h"

#define WAIT_MS 20000

/* Set up and torn down for each test. */

static void message(void *cookie, enum channel_type type, const uint8_t *body, size_t n)
{
    const struct worker_kit *f = cookie;

    (void)body;
    (void)n;
    assert_int_equal(type, CHANNEL_READY);
    loop_stop(f->loop);
}

static void closed(void *cookie, const char *why)
{
    const struct worker_kit *f = cookie;

    (void)why;
    loop_stop(f->loop);
}

int worker_kit_listen(struct address *address)
{
    const int fd =
        socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&address->storage, address->len), 0);
    assert_int_equal(listen(fd, 64), 0);
    address->len = sizeof address->storage;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address->storage, &address->len), 0);
    return fd;
}

static int run_child(struct worker_kit *f, int channel_fd, int log_fd, unsigned max_fds)
{
    struct rlimit limit;
    const struct worker_queue queue = {.fd = f->listen_fd};
    const struct worker_start start = {
        .config = f->kit.config,
        .sites = f->kit.sites,
        .queues = &queue,
        .n_queues = 1,
        .channel_fd = channel_fd,
        .index = 5,
        .log = {.fd = log_fd, .json = true, .least = LOG_LEVEL_DEBUG, .role = "worker 5"},
    };

    (void)close(f->backend_fd);
    if (max_fds != 0) {
        (void)getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = max_fds;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    rp_keyring_read_only(f->kit.keyring);
    return worker_run(&start);
}

void worker_kit_start(struct worker_kit *f, const char *yaml, unsigned max_fds)
{
    const struct channel_peer peer = {message_rules_for_worker, 1, message, closed, f, 0};
    int channel[2];
    int log[2];

    assert_int_equal(serve_kit_configure(&f->kit, yaml), RP_OK);
    assert_true(address_parse("127.0.0.1:0", &f->address));
    f->listen_fd = worker_kit_listen(&f->address);
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
    (void)channel_send(f->channel, CHANNEL_ACCEPT, NULL, 0);
}

int worker_kit_setup(void **state)
{
    static struct worker_kit f;

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

int worker_kit_teardown(void **state)
{
    struct worker_kit *f = *state;

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

void worker_kit_drain(const struct worker_kit *f)
{
    uint8_t body[MESSAGE_DRAIN_LEN];

    message_drain_encode(WAIT_MS, body);
    assert_true(channel_send(f->channel, CHANNEL_DRAIN, body, sizeof body));
}

int worker_kit_exit_status(struct worker_kit *f)
{
    int status;

    assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
    f->pid = 0;
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void read_log(struct worker_kit *f)
{
    ssize_t n;

    wait_readable(f->log_fd);
    n = read(f->log_fd, f->lines + f->n_lines, sizeof f->lines - 1 - f->n_lines);
    assert_true(n > 0);
    f->n_lines += (size_t)n;
    f->lines[f->n_lines] = '\0';
}

unsigned worker_kit_count(const struct worker_kit *f, const char *words)
{
    const char *at = f->lines;
    unsigned n = 0;

    while ((at = strstr(at, words)) != NULL) {
        at++;
        n++;
    }
    return n;
}

void worker_kit_wait_for_log(struct worker_kit *f, const char *words)
{
    while (worker_kit_count(f, words) == 0) {
        read_log(f);
    }
}

json_t *worker_kit_log_line(struct worker_kit *f, const char *text)
{
    char words[64];
    struct text t = text_of(words, sizeof words);
    const char *line;
    json_t *object;

    text_addf(&t, "\"message\":\"%s\"", text);
    worker_kit_wait_for_log(f, words);
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

const char *worker_kit_string(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s != NULL ? s : "";
}

/* Clients and backends, blocking. */

int worker_kit_connect(const struct address *to)
{
    const struct timeval patience = {WAIT_MS / 1000, 0};
    const int fd = socket(to->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&to->storage, to->len), 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return fd;
}

SSL *worker_kit_client(struct worker_kit *f, SSL_SESSION *session)
{
    SSL *ssl = SSL_new(f->client_ctx);

    assert_int_equal(SSL_set_fd(ssl, worker_kit_connect(&f->address)), 1);
    assert_int_equal(SSL_set_tlsext_host_name(ssl, "a.example"), 1);
    if (session != NULL) {
        assert_int_equal(SSL_set_session(ssl, session), 1);
    }
    assert_int_equal(SSL_connect(ssl), 1);
    return ssl;
}

void worker_kit_client_free(SSL *ssl)
{
    const int fd = SSL_get_fd(ssl);

    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* or its session is lost */
    SSL_free(ssl);
    (void)close(fd);
    ERR_clear_error();
}

int worker_kit_accept(const struct worker_kit *f)
{
    const struct timeval patience = {WAIT_MS / 1000, 0};
    int fd;

    wait_readable(f->backend_fd);
    fd = accept4(f->backend_fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

void worker_kit_start_tcp(struct worker_kit *f, unsigned max_fds)
{
    char yaml[512];
    char name[ADDRESS_TEXT_SIZE];
    struct text t = text_of(yaml, sizeof yaml);
    struct address backend;

    assert_true(address_parse("127.0.0.1:0", &backend));
    f->backend_fd = worker_kit_listen(&backend);
    address_text(&backend, name);
    text_addf(&t, "listen:\n  - address: 127.0.0.1:0\n    backend: %s\n" WORKER_KIT_SITES, name);
    worker_kit_start(f, yaml, max_fds);
}

void worker_kit_exchange(SSL *ssl, int backend)
{
    char got[8] = "";

    assert_int_equal(SSL_write(ssl, "ping", 4), 4);
    assert_int_equal(recv(backend, got, 4, MSG_WAITALL), 4);
    assert_string_equal(got, "ping");
    assert_int_equal(send(backend, "pong", 4, MSG_NOSIGNAL), 4);
    assert_int_equal(SSL_read(ssl, got, 4), 4);
    assert_string_equal(got, "pong");
}
