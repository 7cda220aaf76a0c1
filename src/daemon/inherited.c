#include "inherited.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "number.h"

#define FIRST 3

/* How many there are for us; 0 also if what is said makes no sense. */
static size_t count(const char *pid, const char *fds)
{
    uint64_t number;
    uint64_t n;

    if (pid == NULL || fds == NULL || !number_parse(pid, INT32_MAX, &number) ||
        (pid_t)number != getpid() || !number_parse(fds, INHERITED_MAX, &n)) {
        return 0;
    }
    return (size_t)n;
}

static size_t count_names(const char *names)
{
    size_t n = 1;

    for (const char *p = names; *p != '\0'; p++) {
        n += *p == ':';
    }
    return n;
}

static bool is_name(const char *name, size_t len, const char *wanted)
{
    return len == strlen(wanted) && memcmp(name, wanted, len) == 0;
}

/* Where a descriptor of this name goes; NULL: it is to be a listening socket. */
static int *place_of(struct inherited *out, const char *name, size_t len)
{
    if (is_name(name, len, INHERITED_WINDOW)) {
        return &out->window_fd;
    }
    if (is_name(name, len, INHERITED_CHAIN)) {
        return &out->chain_fd;
    }
    if (is_name(name, len, INHERITED_CACHE)) {
        return &out->cache_fd;
    }
    return is_name(name, len, INHERITED_UPGRADE) ? &out->upgrade_fd : NULL;
}

static bool option_is(int fd, int option, int wanted)
{
    int value = 0;
    socklen_t len = sizeof value;

    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 && value == wanted;
}

/*
 * A service manager's socket may lack SO_REUSEPORT, without which it gets no queues beside it; to
 * set it is not too late while it is bound. If that fails, binding another says so.
 */
static bool take_socket(struct inherited *out, int fd)
{
    static const int on = 1;
    struct inherited_socket s = {.fd = fd, .address = {.len = sizeof s.address.storage}};
    int flags;

    if (!option_is(fd, SO_TYPE, SOCK_STREAM) || !option_is(fd, SO_ACCEPTCONN, 1) ||
        getsockname(fd, (struct sockaddr *)&s.address.storage, &s.address.len) != 0 ||
        (s.address.storage.ss_family != AF_INET && s.address.storage.ss_family != AF_INET6)) {
        return false;
    }
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        return false;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    out->sockets[out->n_sockets++] = s;
    return true;
}

static void take_one(struct inherited *out, int fd, const char *name, size_t len)
{
    int *const place = place_of(out, name, len);
    bool taken = false;

    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        return; /* there is none */
    }
    if (place == NULL) {
        taken = take_socket(out, fd);
    } else if (*place < 0) {
        *place = fd;
        taken = true;
    }
    if (!taken) {
        (void)close(fd);
        out->n_refused++;
    }
}

static enum rp_status take_all(struct inherited *out, size_t n, const char *names)
{
    const char *name = names != NULL && count_names(names) == n ? names : "";

    if (n == 0) {
        return RP_OK;
    }
    out->end = FIRST + (int)n;
    out->sockets = memory_new(n, sizeof *out->sockets);
    if (out->sockets == NULL) {
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        const size_t len = strcspn(name, ":");

        take_one(out, FIRST + (int)i, name, len);
        name += name[len] == ':' ? len + 1 : len;
    }
    return RP_OK;
}

enum rp_status inherited_take(struct inherited *out)
{
    enum rp_status status;

    *out = (struct inherited){
        .window_fd = -1, .chain_fd = -1, .cache_fd = -1, .upgrade_fd = -1, .end = FIRST};
    status =
        take_all(out, count(getenv("LISTEN_PID"), getenv("LISTEN_FDS")), getenv("LISTEN_FDNAMES"));
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    return status;
}

static void close_one(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

void inherited_fini(struct inherited *inherited)
{
    for (size_t i = 0; i < inherited->n_sockets; i++) {
        close_one(&inherited->sockets[i].fd);
    }
    memory_free(inherited->sockets);
    inherited->sockets = NULL;
    inherited->n_sockets = 0;
    close_one(&inherited->window_fd);
    close_one(&inherited->chain_fd);
    close_one(&inherited->cache_fd);
    close_one(&inherited->upgrade_fd);
}
