#include "listening.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "memory.h"

#define BACKLOG 4096 /* the kernel cuts it to net.core.somaxconn */

#define NONE SIZE_MAX

struct listener {
    struct address asked; /* as configured: the port may be 0 */
    struct address bound;
    unsigned n_queues;
    bool is_old;
};

struct listening {
    struct listener *listeners;
    size_t n_listeners;
    struct listening_queue *queues;
    size_t n_queues;
    bool is_adopted; /* nobody knows what was asked for */
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

/* Room for `more` queues. */
static bool reserve(struct listening *listening, size_t more)
{
    struct listening_queue *queues =
        memory_resize(listening->queues, listening->n_queues, listening->n_queues + more,
                      sizeof *listening->queues);

    if (queues == NULL) {
        errno = ENOMEM;
        return false;
    }
    listening->queues = queues;
    return true;
}

static void add_queue(struct listening *listening, size_t i, int fd)
{
    struct listener *l = &listening->listeners[i];

    listening->queues[listening->n_queues++] =
        (struct listening_queue){.fd = fd, .listener = (unsigned)i, .place = l->n_queues++};
}

static bool open_queue(struct listening *listening, size_t i)
{
    struct address *bound = &listening->listeners[i].bound;
    const int fd = open_bound(bound, true);
    int error;

    if (fd >= 0 && listen(fd, BACKLOG) == 0 &&
        getsockname(fd, (struct sockaddr *)&bound->storage, &bound->len) == 0) {
        add_queue(listening, i, fd);
        return true;
    }
    error = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    errno = error;
    return false;
}

/* Taking over. */

static bool has_host(const struct address *a, const struct address *b)
{
    struct address any = *b;

    if (b->storage.ss_family == AF_INET) {
        ((struct sockaddr_in *)&any.storage)->sin_port = 0;
    } else {
        ((struct sockaddr_in6 *)&any.storage)->sin6_port = 0;
    }
    return address_equal(a, &any);
}

/* Whether another of our listeners got this one's queues already. */
static bool is_taken(const struct listening *listening, size_t n, const struct listener *theirs)
{
    for (size_t i = 0; i < n; i++) {
        if (listening->listeners[i].is_old &&
            address_equal(&listening->listeners[i].bound, &theirs->bound)) {
            return true;
        }
    }
    return false;
}

/*
 * Which of theirs was asked for in the same words; or is at this address; or, where any port will
 * do and it may have been asked for so, has the host.
 */
static size_t find_old(const struct listening *listening, size_t i, const struct listening *from)
{
    const struct address *asked = &listening->listeners[i].asked;

    for (unsigned attempt = 0; from != NULL && attempt < (from->is_adopted ? 3 : 2); attempt++) {
        for (size_t k = 0; k < from->n_listeners; k++) {
            const struct listener *l = &from->listeners[k];

            if ((attempt == 0   ? address_equal(asked, &l->asked)
                 : attempt == 1 ? address_equal(asked, &l->bound)
                                : address_port(asked) == 0 && has_host(asked, &l->bound)) &&
                !is_taken(listening, i, l)) {
                return k;
            }
        }
    }
    return NONE;
}

/* Our own listener at 127.0.0.1:443 does not keep us from 0.0.0.0:443, nor the other way. */
static bool overlaps(const struct address *address, const struct listening *from)
{
    for (size_t i = 0; from != NULL && i < from->n_listeners; i++) {
        if (address_covers(address, &from->listeners[i].bound) ||
            address_covers(&from->listeners[i].bound, address)) {
            return true;
        }
    }
    return false;
}

static bool take_over(struct listening *listening, size_t i, const struct listening *from,
                      size_t old)
{
    struct listener *l = &listening->listeners[i];

    if (!reserve(listening, from->listeners[old].n_queues)) {
        return false;
    }
    l->bound = from->listeners[old].bound;
    l->is_old = true;
    for (size_t k = 0; k < from->n_queues; k++) {
        if (from->queues[k].listener == old) {
            add_queue(listening, i, from->queues[k].fd);
        }
    }
    return true;
}

static bool open_listener(struct listening *listening, size_t i, unsigned n_workers,
                          const struct listening *from)
{
    struct listener *l = &listening->listeners[i];
    const size_t old = find_old(listening, i, from);
    bool good = true;

    l->bound = l->asked;
    if (old != NONE) {
        good = take_over(listening, i, from, old);
    } else if (address_port(&l->asked) != 0 && !overlaps(&l->asked, from)) {
        good = is_free(&l->asked);
    }
    if (good && l->n_queues < n_workers) {
        good = reserve(listening, n_workers - l->n_queues);
    }
    while (good && l->n_queues < n_workers) {
        good = open_queue(listening, i);
    }
    return good;
}

/* Public functions. */

static struct listening *new_listening(size_t n_listeners)
{
    struct listening *listening = memory_new(1, sizeof *listening);

    if (listening == NULL) {
        return NULL;
    }
    listening->listeners = memory_new(n_listeners, sizeof *listening->listeners);
    if (listening->listeners == NULL) {
        listening_free(&listening, NULL);
        return NULL;
    }
    return listening;
}

enum rp_status listening_open(const struct config *config, const struct listening *from,
                              struct listening **out, struct rp_error *err)
{
    struct listening *listening = new_listening(config->n_listen);
    enum rp_status status = listening != NULL ? RP_OK : RP_NO_MEMORY;

    *out = NULL;
    for (size_t i = 0; status == RP_OK && i < config->n_listen; i++) {
        const struct config_listen *listen = &config->listen[i];

        errno = EINVAL;
        listening->n_listeners++;
        if (!address_parse(listen->address, &listening->listeners[i].asked) ||
            !open_listener(listening, i, config->workers, from)) {
            const int error = errno;

            status = error == ENOMEM ? RP_NO_MEMORY : RP_SYSTEM;
            config_complain(config, listen->places.address, err, "cannot listen on %s: %s%s",
                            listen->address, strerror(error), remedy(error));
        }
    }
    if (status == RP_OK) {
        *out = listening; /* transferred */
        return RP_OK;
    }
    if (listening == NULL) {
        error_set(err, "out of memory");
    }
    listening_free(&listening, from);
    return status;
}

static bool adopt(struct listening *listening, int fd)
{
    struct listener *l = &listening->listeners[listening->n_listeners];
    size_t i = 0;

    l->bound.len = sizeof l->bound.storage;
    if (getsockname(fd, (struct sockaddr *)&l->bound.storage, &l->bound.len) != 0) {
        return false;
    }
    l->asked = l->bound;
    while (i < listening->n_listeners &&
           !address_equal(&listening->listeners[i].bound, &l->bound)) {
        i++;
    }
    if (i == listening->n_listeners) {
        listening->n_listeners++;
    }
    add_queue(listening, i, fd);
    return true;
}

enum rp_status listening_adopt(const int *fds, size_t n, struct listening **out)
{
    struct listening *listening = new_listening(n);
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    if (listening != NULL && reserve(listening, n)) {
        status = RP_OK;
    }
    for (size_t i = 0; status == RP_OK && i < n; i++) {
        status = adopt(listening, fds[i]) ? RP_OK : RP_SYSTEM;
    }
    if (status == RP_OK) {
        listening->is_adopted = true;
        *out = listening; /* transferred */
        return RP_OK;
    }
    listening_free(&listening, listening);
    return status;
}

static bool holds(const struct listening *listening, int fd)
{
    for (size_t i = 0; listening != NULL && i < listening->n_queues; i++) {
        if (listening->queues[i].fd == fd) {
            return true;
        }
    }
    return false;
}

void listening_free(struct listening **out, const struct listening *heir)
{
    struct listening *listening = *out;

    *out = NULL;
    if (listening == NULL) {
        return;
    }
    for (size_t i = 0; i < listening->n_queues; i++) {
        if (!holds(heir, listening->queues[i].fd)) {
            (void)close(listening->queues[i].fd);
        }
    }
    memory_free(listening->queues);
    memory_free(listening->listeners);
    memory_free(listening);
}

const struct listening_queue *listening_queues(const struct listening *listening, size_t *n)
{
    *n = listening->n_queues;
    return listening->queues;
}

const struct address *listening_address(const struct listening *listening, size_t i)
{
    return &listening->listeners[i].bound;
}

size_t listening_count(const struct listening *listening)
{
    return listening->n_listeners;
}

bool listening_is_old(const struct listening *listening, size_t i)
{
    return listening->listeners[i].is_old;
}

bool listening_goes_on(const struct listening *listening, size_t i, const struct listening *heir)
{
    for (size_t k = 0; k < listening->n_queues; k++) {
        if (listening->queues[k].listener == i) {
            return holds(heir, listening->queues[k].fd);
        }
    }
    return false;
}
