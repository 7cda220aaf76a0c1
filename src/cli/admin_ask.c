#include "admin_ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <reprise/clock.h>

#include "address.h"
#include "error.h"
#include "http_reply.h"
#include "memory.h"
#include "text.h"

#define PATIENCE_MS 5000 /* for all of it */
#define FIRST_ROOM 4096
#define REQUEST_SIZE 256

struct question {
    const char *address;
    int fd;
    int64_t until_ms;
    char *bytes; /* of the answer, and a NUL */
    size_t n;
    size_t room;
};

static enum rp_status complain(const struct question *q, struct rp_error *err)
{
    const int why = errno;

    if (why == ECONNREFUSED || why == ENOENT) {
        error_set(err,
                  "%s: nobody is there: is reprised running, and does its configuration have an "
                  "admin socket (admin: { listen: " ADMIN_ASK_DEFAULT " })? --admin says where "
                  "another one is",
                  q->address);
    } else {
        error_set(err, "%s: %s", q->address, strerror(why));
    }
    return RP_SYSTEM;
}

/* False: errno says why not. */
static bool wait_for(const struct question *q, short events)
{
    const int64_t left_ms = q->until_ms - rp_clock_boot_ms(NULL);
    struct pollfd watch = {.fd = q->fd, .events = events};
    int n = 0;

    if (left_ms > 0) {
        n = poll(&watch, 1, (int)left_ms);
    }
    if (n == 0) {
        errno = ETIMEDOUT;
    }
    return n > 0 || (n < 0 && errno == EINTR);
}

static bool begin(struct question *q, const struct address *address)
{
    int error = 0;
    socklen_t n = sizeof error;

    q->fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (q->fd < 0) {
        return false;
    }
    if (connect(q->fd, (const struct sockaddr *)&address->storage, address->len) == 0) {
        return true;
    }
    if (errno != EINPROGRESS || !wait_for(q, POLLOUT) ||
        getsockopt(q->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0) {
        return false;
    }
    errno = error;
    return error == 0;
}

static bool send_all(const struct question *q, const char *p, size_t n)
{
    while (n != 0) {
        const ssize_t sent = send(q->fd, p, n, MSG_NOSIGNAL);

        if (sent < 0 && errno != EINTR && (errno != EAGAIN || !wait_for(q, POLLOUT))) {
            return false;
        }
        p += sent > 0 ? sent : 0;
        n -= sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

static bool make_room(struct question *q)
{
    const size_t room = q->room == 0 ? FIRST_ROOM : q->room * 2;
    char *grown;

    if (q->n + 1 < q->room) {
        return true;
    }
    grown = memory_resize(q->bytes, q->room, room, 1);
    if (grown == NULL) {
        errno = ENOMEM;
        return false;
    }
    q->bytes = grown;
    q->room = room;
    return true;
}

/* To the end of the reply, or of the connection. */
static bool take_reply(struct question *q, struct http_reply *reply)
{
    while (reply->state <= HTTP_REPLY_UNTIL_CLOSE) {
        ssize_t got;

        if (q->n > ADMIN_ASK_MAX) {
            errno = EMSGSIZE;
            return false;
        }
        if (!make_room(q)) {
            return false;
        }
        got = recv(q->fd, q->bytes + q->n, q->room - q->n - 1, 0);
        if (got == 0) {
            return true;
        }
        if (got < 0 && errno != EINTR && (errno != EAGAIN || !wait_for(q, POLLIN))) {
            return false;
        }
        if (got > 0) {
            (void)http_reply_feed(reply, q->bytes + q->n, (size_t)got);
            q->n += (size_t)got;
        }
    }
    return true;
}

static enum rp_status judge(const struct question *q, const struct http_reply *reply,
                            const char *path, struct rp_error *err)
{
    if (!http_reply_whole_at_end(reply) || reply->chunked ||
        (reply->status != 200 && reply->status != 404)) {
        error_set(err, "%s: what answers there is not the admin socket of reprised", q->address);
        return RP_FORMAT;
    }
    if (reply->status == 404) {
        error_set(err, "%s: there is no %s: an older reprised, or something else", q->address,
                  path);
        return RP_NOT_FOUND;
    }
    return RP_OK;
}

static enum rp_status ask(struct question *q, const struct address *address, const char *path,
                          struct http_reply *reply, struct rp_error *err)
{
    char request[REQUEST_SIZE];
    struct text t = text_of(request, sizeof request);

    text_addf(&t, "GET %s HTTP/1.1\r\nHost: reprised\r\nConnection: close\r\n\r\n", path);
    if (t.cut || !begin(q, address) || !send_all(q, request, t.len) || !take_reply(q, reply)) {
        return complain(q, err);
    }
    return judge(q, reply, path, err);
}

enum rp_status admin_ask(const char *address, const char *path, char **body, size_t *n,
                         struct rp_error *err)
{
    struct question q = {
        .address = address, .fd = -1, .until_ms = rp_clock_boot_ms(NULL) + PATIENCE_MS};
    struct http_reply reply = {0};
    struct address parsed;
    enum rp_status status;

    *body = NULL;
    *n = 0;
    if (!address_parse_backend(address, &parsed)) {
        error_set(err,
                  "\"%.200s\" is no admin address: a number and a port, such as " ADMIN_ASK_DEFAULT
                  ", or unix:/path",
                  address);
        return RP_INVALID;
    }
    status = ask(&q, &parsed, path, &reply, err);
    if (status == RP_OK) {
        *n = q.n - reply.header_len;
        memmove(q.bytes, q.bytes + reply.header_len, *n);
        q.bytes[*n] = '\0';
        *body = q.bytes;
        q.bytes = NULL;
    }
    if (q.fd >= 0) {
        (void)close(q.fd);
    }
    memory_free(q.bytes);
    return status;
}
