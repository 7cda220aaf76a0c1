#include "raw_conn.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"

#define READ_SIZE 16384
#define ALERT_WARNING 1
#define ALERT_CLOSE_NOTIFY 0

/* A poll never waits longer at once, whatever the deadline: between two it looks whether it is
 * still to go on. */
#define WAIT_MAX_MS 100

struct raw_conn {
    struct raw_client *client;
    int fd; /* -1: closed */
    int64_t deadline_us;
    const atomic_bool *cancel;
    bool unwritable; /* the server takes no more; it may still have something to say */
};

int64_t raw_now_us(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void close_fd(struct raw_conn *c)
{
    if (c->fd >= 0) {
        (void)close(c->fd);
        c->fd = -1;
    }
}

static bool is_open(const struct raw_conn *c)
{
    return c->fd >= 0 && raw_client_result(c->client)->end == RAW_END_OPEN;
}

static void end(struct raw_conn *c, enum raw_end how, const char *why)
{
    raw_client_end(c->client, how, why);
}

static bool is_cancelled(const struct raw_conn *c)
{
    return c->cancel != NULL && atomic_load(c->cancel);
}

/* False once until_us has passed; an error shows when the socket is used. */
static bool wait_for(const struct raw_conn *c, short events, int64_t until_us)
{
    struct pollfd p = {.fd = c->fd, .events = events, .revents = 0};

    while (!is_cancelled(c)) {
        const int64_t left_us = until_us - raw_now_us();
        const int64_t left_ms = (left_us + 999) / 1000;

        if (left_us <= 0) {
            return false;
        }
        if (poll(&p, 1, (int)(left_ms < WAIT_MAX_MS ? left_ms : WAIT_MAX_MS)) != 0) {
            return true;
        }
    }
    return false;
}

/* Sends what the socket takes at once. */
static void send_some(struct raw_conn *c)
{
    size_t n;
    const uint8_t *p = raw_client_output(c->client, &n);

    while (n != 0 && !c->unwritable) {
        /* Before the call: its return may come after the answer. */
        const int64_t now_us = raw_now_us();
        const ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);

        if (sent >= 0) {
            raw_client_sent(c->client, (size_t)sent, now_us);
            p = raw_client_output(c->client, &n);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (errno != EINTR) {
            c->unwritable = true;
        }
    }
}

/* Takes what is there; false if nothing is. */
static bool receive_some(struct raw_conn *c)
{
    uint8_t bytes[READ_SIZE];
    ssize_t n;

    do {
        n = recv(c->fd, bytes, sizeof bytes, 0);
    } while (n < 0 && errno == EINTR);
    if (n > 0) {
        raw_client_feed(c->client, bytes, (size_t)n, raw_now_us());
        return true;
    }
    if (n == 0) {
        end(c, RAW_END_CLOSED, NULL);
    } else if (errno == ECONNRESET || errno == EPIPE) {
        end(c, RAW_END_RESET, NULL);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
        end(c, RAW_END_LOCAL, strerror(errno));
    }
    return n == 0;
}

/* Sends and receives once; false once until_us has passed and nothing came. */
static bool turn(struct raw_conn *c, int64_t until_us)
{
    size_t left;
    short events = POLLIN;

    send_some(c);
    (void)raw_client_output(c->client, &left);
    if (left != 0 && !c->unwritable) {
        events |= POLLOUT;
    }
    if (!wait_for(c, events, until_us)) {
        return false;
    }
    (void)receive_some(c);
    return true;
}

static enum rp_status conn_new(const struct raw_config *config, int64_t deadline_us,
                               struct raw_conn **out)
{
    struct raw_conn *c = memory_new(1, sizeof *c);
    enum rp_status status;

    *out = NULL;
    if (c == NULL) {
        return RP_NO_MEMORY;
    }
    c->fd = -1;
    c->deadline_us = deadline_us;
    c->cancel = config->cancel;
    status = raw_client_new(config, &c->client);
    if (status != RP_OK) {
        memory_free(c);
        return status;
    }
    *out = c;
    return RP_OK;
}

static void set_no_delay(int fd)
{
    const int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* The error of a connection that was being made; 0: none. */
static int await_connection(const struct raw_conn *c)
{
    int failure = 0;
    socklen_t len = sizeof failure;

    if (!wait_for(c, POLLOUT, c->deadline_us)) {
        return ETIMEDOUT;
    }
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &failure, &len) != 0) {
        return errno;
    }
    return failure;
}

static void connect_to(struct raw_conn *c, const struct sockaddr *sa, socklen_t sa_len)
{
    int failure = 0;

    c->fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) {
        end(c, RAW_END_LOCAL, strerror(errno));
        return;
    }
    if (connect(c->fd, sa, sa_len) != 0) {
        failure = errno == EINPROGRESS || errno == EINTR ? await_connection(c) : errno;
    }
    if (failure != 0) {
        end(c, RAW_END_UNREACHABLE, strerror(failure));
        close_fd(c);
        return;
    }
    set_no_delay(c->fd);
}

enum rp_status raw_conn_open(const struct raw_config *config, const struct sockaddr *sa,
                             socklen_t sa_len, int64_t deadline_us, struct raw_conn **out)
{
    const enum rp_status status = conn_new(config, deadline_us, out);
    const int64_t start_us = raw_now_us();

    if (status == RP_OK) {
        connect_to(*out, sa, sa_len);
        raw_client_connected((*out)->client, (uint64_t)(raw_now_us() - start_us));
    }
    return status;
}

enum rp_status raw_conn_adopt(const struct raw_config *config, int fd, int64_t deadline_us,
                              struct raw_conn **out)
{
    const int flags = fcntl(fd, F_GETFL);
    enum rp_status status = RP_SYSTEM;

    *out = NULL;
    if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0) {
        status = conn_new(config, deadline_us, out);
    }
    if (status != RP_OK) {
        (void)close(fd);
        return status;
    }
    set_no_delay(fd);
    (*out)->fd = fd;
    return RP_OK;
}

void raw_conn_deadline(struct raw_conn *c, int64_t deadline_us)
{
    c->deadline_us = deadline_us;
}

bool raw_conn_flush(struct raw_conn *c)
{
    size_t left;

    if (c->fd < 0) {
        return false;
    }
    for (;;) {
        send_some(c);
        (void)raw_client_output(c->client, &left);
        if (left == 0) {
            return true;
        }
        if (c->unwritable || !wait_for(c, POLLOUT, c->deadline_us)) {
            return false;
        }
    }
}

bool raw_conn_handshake(struct raw_conn *c)
{
    const struct raw_result *const r = raw_client_result(c->client);

    while (is_open(c) && !r->established) {
        if (!turn(c, c->deadline_us)) {
            end(c, RAW_END_TIMEOUT, NULL);
        }
    }
    if (is_open(c)) {
        send_some(c); /* our Finished */
    }
    return r->established;
}

static bool came(const struct raw_conn *c, enum raw_until until, size_t n_before)
{
    const struct raw_result *const r = raw_client_result(c->client);

    switch (until) {
    case RAW_UNTIL_END:
        return r->end != RAW_END_OPEN;
    case RAW_UNTIL_SESSION:
        return r->n_sessions != 0;
    case RAW_UNTIL_DATA:
        return r->n_application_bytes > n_before;
    case RAW_UNTIL_ANSWER:
        return r->renegotiation == RAW_RENEGOTIATION_REFUSED ||
               r->renegotiation == RAW_RENEGOTIATION_BEGUN;
    }
    return false;
}

bool raw_conn_read(struct raw_conn *c, enum raw_until until, int quiet_ms)
{
    const bool established = raw_client_result(c->client)->established;
    const size_t n_before = raw_client_result(c->client)->n_application_bytes;

    while (is_open(c) && !came(c, until, n_before)) {
        const int64_t quiet_us = raw_now_us() + (int64_t)quiet_ms * 1000;
        const bool quiet_first = quiet_ms > 0 && quiet_us < c->deadline_us;

        if (!turn(c, quiet_first ? quiet_us : c->deadline_us)) {
            if (!quiet_first && !established) {
                end(c, RAW_END_TIMEOUT, NULL);
            }
            break;
        }
    }
    return came(c, until, n_before);
}

bool raw_conn_request(struct raw_conn *c, const void *p, size_t n, enum raw_until until,
                      int quiet_ms)
{
    return raw_client_send(c->client, p, n) == RP_OK && raw_conn_read(c, until, quiet_ms);
}

struct raw_client *raw_conn_client(struct raw_conn *c)
{
    return c->client;
}

const struct raw_result *raw_conn_result(const struct raw_conn *c)
{
    return raw_client_result(c->client);
}

void raw_conn_close(struct raw_conn **conn)
{
    struct raw_conn *const c = *conn;

    if (c == NULL) {
        return;
    }
    if (is_open(c) && raw_client_result(c->client)->established &&
        raw_client_send_alert(c->client, ALERT_WARNING, ALERT_CLOSE_NOTIFY) == RP_OK) {
        send_some(c);
    }
    close_fd(c);
    raw_client_free(&c->client);
    memory_free(c);
    *conn = NULL;
}

void raw_conn_abort(struct raw_conn **conn)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    if (*conn != NULL && (*conn)->fd >= 0) {
        (void)setsockopt((*conn)->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close_fd(*conn);
    }
    raw_conn_close(conn);
}
