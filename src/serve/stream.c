#include "stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

void stream_init(struct stream *s, int fd)
{
    *s = (struct stream){.fd = fd, .writable = true, .allowance = SIZE_MAX};
}

void stream_event(struct stream *s, uint32_t events)
{
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        s->readable = true;
        s->ending = true;
    }
    if ((events & EPOLLPRI) != 0) {
        s->readable = true;
        s->urgent = true;
    }
    if ((events & EPOLLIN) != 0) {
        s->readable = true;
    }
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
        s->writable = true;
    }
}

bool stream_connected(struct stream *s)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof peer;

    if (s->connecting) {
        s->connecting = getpeername(s->fd, (struct sockaddr *)&peer, &len) != 0;
        s->writable = s->writable && !s->connecting;
    }
    return !s->connecting;
}

static bool would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK;
}

/* After a recv that failed. */
static enum stream_result nothing_read(struct stream *s)
{
    if (would_block(errno)) {
        s->readable = false;
        return STREAM_BLOCKED;
    }
    s->error = errno;
    return STREAM_FAILED;
}

static enum stream_result read_some(struct stream *s, void *p, size_t n, size_t *done)
{
    ssize_t got;

    do {
        got = recv(s->fd, p, n, 0);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        *done = (size_t)got;
        s->connecting = false;
        /* Less than was asked for: the queue is empty, and what comes later raises an event. */
        s->readable = s->ending || s->urgent || *done == n;
        return STREAM_OK;
    }
    if (got == 0) {
        s->connecting = false;
        s->ended = true;
        return STREAM_ENDED;
    }
    return nothing_read(s);
}

enum stream_result stream_read(struct stream *s, void *p, size_t n, size_t *done)
{
    *done = 0;
    if (s->ended) {
        return STREAM_ENDED;
    }
    if (!s->readable) {
        return STREAM_BLOCKED;
    }
    return read_some(s, p, n, done);
}

enum stream_result stream_peek(struct stream *s, void *p, size_t n, size_t *done)
{
    ssize_t got;

    *done = 0;
    if (!s->readable) {
        return STREAM_BLOCKED;
    }
    do {
        got = recv(s->fd, p, n, MSG_PEEK);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
        *done = (size_t)got;
        return STREAM_OK;
    }
    if (got == 0) {
        return STREAM_ENDED;
    }
    return nothing_read(s);
}

enum stream_result stream_write(struct stream *s, const void *p, size_t n, size_t *done)
{
    ssize_t put;

    *done = 0;
    if (!s->writable) {
        return STREAM_BLOCKED;
    }
    do {
        put = send(s->fd, p, n, MSG_NOSIGNAL | (s->more ? MSG_MORE : 0));
    } while (put < 0 && errno == EINTR);
    if (put >= 0) {
        *done = (size_t)put;
        s->connecting = false;
        s->writable = *done == n;
        s->held = s->more;
        return STREAM_OK;
    }
    if (would_block(errno)) {
        s->writable = false;
        return STREAM_BLOCKED;
    }
    s->error = errno;
    return STREAM_FAILED;
}

void stream_push(struct stream *s)
{
    const int on = 1;

    /* Setting it sends what waits, though it was set before. */
    if (s->held) {
        (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        s->held = false;
    }
}

/* The BIO. */

static int bio_read(BIO *bio, char *p, size_t n, size_t *done)
{
    struct stream *s = BIO_get_data(bio);
    enum stream_result result = STREAM_BLOCKED;

    BIO_clear_retry_flags(bio);
    *done = 0;
    if (s->allowance != 0) {
        result = stream_read(s, p, n, done);
        s->allowance -= *done < s->allowance ? *done : s->allowance;
    }
    if (result == STREAM_BLOCKED) {
        BIO_set_retry_read(bio);
    }
    return result == STREAM_OK ? 1 : 0;
}

static int bio_write(BIO *bio, const char *p, size_t n, size_t *done)
{
    enum stream_result result;

    BIO_clear_retry_flags(bio);
    result = stream_write(BIO_get_data(bio), p, n, done);
    if (result == STREAM_BLOCKED) {
        BIO_set_retry_write(bio);
    }
    return result == STREAM_OK ? 1 : 0;
}

/*
 * Nothing is buffered, so there is nothing to flush. The end of the stream is not told: libssl
 * would send an alert to a peer that is gone; whoever asks finds it in the stream.
 */
static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD *stream_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");

    if (method != NULL && (BIO_meth_set_read_ex(method, bio_read) != 1 ||
                           BIO_meth_set_write_ex(method, bio_write) != 1 ||
                           BIO_meth_set_ctrl(method, bio_control) != 1)) {
        BIO_meth_free(method);
        method = NULL;
    }
    return method;
}

BIO *stream_bio(const BIO_METHOD *method, struct stream *s)
{
    BIO *bio = BIO_new(method);

    if (bio != NULL) {
        BIO_set_data(bio, s);
        BIO_set_init(bio, 1);
    }
    return bio;
}
