/*
 * The backend behind every server of `make bench`: one epoll loop, as little work as possible, so
 * that what is measured is the terminator. Answers over TCP on the loopback and over a unix socket.
 *
 *   GET /N    an answer of N bytes, at most 2^48
 *   POST /N   takes N bytes, then answers with none
 *
 * With "Connection: close" it closes after the answer, else the connection waits for the next
 * request. A request comes in one piece, as this benchmark's clients send it; the body may follow
 * in any pieces. Prints its TCP port and a newline, and runs until it is killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "number.h"
#include "text.h"

#define BUFFER_SIZE 65536
#define HEAD_SIZE 256
#define BATCH 64
#define BACKLOG 4096
#define LENGTH_MAX ((uint64_t)1 << 48)

struct peer {
    int fd;
    bool is_listener;
    bool is_tcp;
    bool closes;      /* after the answer */
    bool answering;   /* the head, and then to_send bytes */
    uint64_t to_take; /* of the request's body */
    uint64_t to_send;
    size_t head_at;
    size_t head_len;
    char head[HEAD_SIZE];
};

struct backend {
    int epoll_fd;
    char buffer[BUFFER_SIZE + 1]; /* what is read; a NUL ends a request */
    char zeroes[BUFFER_SIZE];
};

static void require(bool condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "peer_backend: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static void watch(const struct backend *b, struct peer *p, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events};

    event.data.ptr = p;
    require(epoll_ctl(b->epoll_fd, operation, p->fd, &event) == 0, "epoll_ctl");
}

static struct peer *new_peer(int fd, bool is_tcp)
{
    struct peer *p = calloc(1, sizeof *p);

    require(p != NULL, "no memory");
    p->fd = fd;
    p->is_tcp = is_tcp;
    return p;
}

static void accept_all(struct backend *b, const struct peer *listener)
{
    const int on = 1;

    for (;;) {
        const int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            return;
        }
        if (listener->is_tcp) {
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        }
        watch(b, new_peer(fd, listener->is_tcp), EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT | EPOLLET);
    }
}

/* The number in "GET /N HTTP/1.1"; none is 0. */
static bool parse_length(const char *request, uint64_t *out)
{
    const char *slash = strchr(request, '/');
    const size_t n = slash != NULL ? strcspn(slash + 1, " \r\n") : 0;
    char digits[24] = "";
    struct text t = text_of(digits, sizeof digits);

    *out = 0;
    if (n == 0) {
        return slash != NULL;
    }
    text_add_n(&t, slash + 1, n);
    return !t.cut && number_parse(digits, LENGTH_MAX, out);
}

/* False: this is no request of ours. n bytes of it are in the buffer. */
static bool begin(struct backend *b, struct peer *p, size_t n)
{
    struct text head = text_of(p->head, sizeof p->head);
    const char *end;
    uint64_t length;
    size_t body;

    b->buffer[n] = '\0';
    end = strstr(b->buffer, "\r\n\r\n");
    if (end == NULL || !parse_length(b->buffer, &length)) {
        return false;
    }
    body = n - (size_t)(end + 4 - b->buffer);
    p->closes = strstr(b->buffer, "\r\nConnection: close\r\n") != NULL;
    p->to_take = b->buffer[0] == 'P' ? length : 0;
    p->to_send = b->buffer[0] == 'P' ? 0 : length;
    if (body > p->to_take) {
        return false;
    }
    p->to_take -= body;
    p->answering = true;
    text_addf(&head, "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n%s\r\n",
              (unsigned long long)p->to_send, p->closes ? "Connection: close\r\n" : "");
    p->head_at = 0;
    p->head_len = head.len;
    return true;
}

/* False: the connection is over. */
static bool take(struct backend *b, struct peer *p)
{
    for (;;) {
        const ssize_t n = read(p->fd, b->buffer, BUFFER_SIZE);

        if (n < 0) {
            return errno == EAGAIN;
        }
        if (n == 0) {
            return p->answering && p->to_take == 0;
        }
        if (!p->answering) {
            if (!begin(b, p, (size_t)n)) {
                return false;
            }
        } else if ((uint64_t)n <= p->to_take) {
            p->to_take -= (uint64_t)n;
        } else {
            return false;
        }
        if (n < BUFFER_SIZE) {
            return true;
        }
    }
}

/* False: the connection is over. */
static bool give(const struct backend *b, struct peer *p)
{
    while (p->answering && p->to_take == 0) {
        const bool in_head = p->head_at < p->head_len;
        const char *from = in_head ? p->head + p->head_at : b->zeroes;
        const size_t left = in_head ? p->head_len - p->head_at : BUFFER_SIZE;
        const size_t want = in_head || p->to_send > left ? left : (size_t)p->to_send;
        const ssize_t n = want != 0 ? send(p->fd, from, want, MSG_NOSIGNAL) : 0;

        if (n < 0) {
            return errno == EAGAIN;
        }
        if (in_head) {
            p->head_at += (size_t)n;
        } else {
            p->to_send -= (uint64_t)n;
        }
        p->answering = p->head_at < p->head_len || p->to_send != 0;
        if (!p->answering && p->closes) {
            return false;
        }
    }
    return true;
}

static void serve(struct backend *b, struct peer *p)
{
    if (!take(b, p) || !give(b, p)) {
        (void)close(p->fd);
        free(p);
    }
}

static int listen_tcp(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    require(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
                listen(fd, BACKLOG) == 0 && getsockname(fd, (struct sockaddr *)&at, &len) == 0,
            "cannot listen on the loopback");
    require(printf("%u\n", (unsigned)ntohs(at.sin_port)) > 0 && fflush(stdout) == 0, "stdout");
    return fd;
}

static int listen_unix(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct text t = text_of(at.sun_path, sizeof at.sun_path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    text_add(&t, path);
    require(!t.cut && fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
                listen(fd, BACKLOG) == 0,
            path);
    return fd;
}

static void add_listener(struct backend *b, int fd, bool is_tcp)
{
    struct peer *p = new_peer(fd, is_tcp);

    p->is_listener = true;
    watch(b, p, EPOLL_CTL_ADD, EPOLLIN);
}

static void raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    static struct backend b; /* large */

    if (argc != 2) {
        (void)fprintf(stderr, "usage: peer_backend SOCKET\n");
        return 2;
    }
    raise_limit();
    b.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    require(b.epoll_fd >= 0, "epoll_create1");
    add_listener(&b, listen_unix(argv[1]), false);
    add_listener(&b, listen_tcp(), true);
    for (;;) {
        struct epoll_event found[BATCH];
        const int n = epoll_wait(b.epoll_fd, found, BATCH, -1);

        for (int i = 0; i < n; i++) {
            struct peer *p = found[i].data.ptr;

            if (p->is_listener) {
                accept_all(&b, p);
            } else {
                serve(&b, p);
            }
        }
    }
}
