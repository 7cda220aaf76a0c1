#include "backend.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* A unix socket's queue is full, or we are short of something that others will give back. */
static enum backend_result result_of(int error)
{
    switch (error) {
    case EAGAIN:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
        return BACKEND_BUSY;
    default:
        return BACKEND_DOWN;
    }
}

static enum backend_result give_up(int fd)
{
    const int why = errno;

    (void)close(fd);
    errno = why;
    return result_of(why);
}

enum backend_result backend_connect(const struct address *to, struct stream *out)
{
    const int family = to->storage.ss_family;
    const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    int code;

    if (fd < 0) {
        return result_of(errno);
    }
    if (family != AF_UNIX) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    code = connect(fd, (const struct sockaddr *)&to->storage, to->len);
    if (code != 0 && errno != EINPROGRESS) {
        return give_up(fd);
    }
    stream_init(out, fd);
    out->connecting = code != 0;
    return BACKEND_BEGUN;
}
