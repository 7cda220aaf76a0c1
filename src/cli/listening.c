#include "listening.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "memory.h"

#define BACKLOG 4096 /* the kernel cuts it to net.core.somaxconn */

struct listening {
    size_t n_listen;
    unsigned n_workers;
    int *fds; /* n_listen for the first worker, then for the second, ... */
    struct address *addresses;
};

static bool set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/* A bound socket, -1 on failure. */
static int open_bound(const struct address *address, bool shared)
{
    const int family = address->storage.ss_family;
    const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error;

    if (fd >= 0 && set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
        (!shared || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
        (family != AF_INET6 || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0)) &&
        bind(fd, (const struct sockaddr *)&address->storage, address->len) == 0) {
        return fd;
    }
    error = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    errno = error;
    return -1;
}

/*
 * SO_REUSEPORT would join us silently to whoever listens there under our user already, and half of
 * the connections would be his: so the port must be free without it first.
 */
static bool is_free(const struct address *address)
{
    const int fd = open_bound(address, false);
    bool free = fd >= 0;

    if (fd >= 0) {
        free = listen(fd, 1) == 0;
        (void)close(fd);
    }
    return free;
}

static bool open_queue(struct address *address, int *fd)
{
    *fd = open_bound(address, true);
    return *fd >= 0 && listen(*fd, BACKLOG) == 0 &&
           getsockname(*fd, (struct sockaddr *)&address->storage, &address->len) == 0;
}

static const char *remedy(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "; another process listens there, so stop it or take another port";
    case EACCES:
        return "; start as root, or take a port from 1024 on";
    case EADDRNOTAVAIL:
        return "; this host has no such address";
    default:
        return "";
    }
}

static enum rp_status open_listener(struct listening *listening, const struct config *config,
                                    size_t i, struct rp_error *err)
{
    struct address *address = &listening->addresses[i];
    bool good = address_parse(config->listen[i].address, address) &&
                (address_port(address) == 0 || is_free(address));

    for (unsigned worker = 0; good && worker < listening->n_workers; worker++) {
        good = open_queue(address, &listening->fds[worker * listening->n_listen + i]);
    }
    if (!good) {
        const int error = errno;

        config_complain(config, config->listen[i].places.address, err, "cannot listen on %s: %s%s",
                        config->listen[i].address, strerror(error), remedy(error));
        return RP_SYSTEM;
    }
    return RP_OK;
}

enum rp_status listening_open(const struct config *config, struct listening **out,
                              struct rp_error *err)
{
    struct listening *listening = memory_new(1, sizeof *listening);
    const size_t n_fds = config->n_listen * config->workers;
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    if (listening == NULL) {
        goto done;
    }
    listening->addresses = memory_new(config->n_listen, sizeof *listening->addresses);
    listening->fds = memory_new(n_fds, sizeof *listening->fds);
    if (listening->addresses == NULL || listening->fds == NULL) {
        goto done;
    }
    listening->n_listen = config->n_listen;
    listening->n_workers = config->workers;
    for (size_t i = 0; i < n_fds; i++) {
        listening->fds[i] = -1;
    }
    status = RP_OK;
    for (size_t i = 0; status == RP_OK && i < config->n_listen; i++) {
        status = open_listener(listening, config, i, err);
    }
done:
    if (status == RP_OK) {
        *out = listening; /* transferred */
        return RP_OK;
    }
    if (status == RP_NO_MEMORY) {
        error_set(err, "out of memory");
    }
    listening_free(&listening);
    return status;
}

void listening_free(struct listening **out)
{
    struct listening *listening = *out;

    *out = NULL;
    if (listening == NULL) {
        return;
    }
    for (size_t i = 0; listening->fds != NULL && i < listening->n_listen * listening->n_workers;
         i++) {
        if (listening->fds[i] >= 0) {
            (void)close(listening->fds[i]);
        }
    }
    memory_free(listening->fds);
    memory_free(listening->addresses);
    memory_free(listening);
}

const int *listening_of(const struct listening *listening, unsigned worker)
{
    return listening->fds + worker * listening->n_listen;
}

const struct address *listening_address(const struct listening *listening, size_t i)
{
    return &listening->addresses[i];
}
