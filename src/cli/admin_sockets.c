#include "admin_sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "address.h"
#include "error.h"
#include "memory.h"
#include "text.h"

#define BACKLOG 128
#define NEW_SUFFIX ".new"
#define NOT_EVERYBODY 0111 /* what else a socket would get of 0777 */

struct one {
    struct address asked; /* as configured: the port may be 0 */
    struct address bound;
    bool is_old;
    bool is_shown; /* a Unix socket at its path */
    dev_t device;  /* of a Unix socket's path, to know it again */
    ino_t inode;
};

struct admin_sockets {
    size_t n;
    int fds[CONFIG_ADMIN_MAX];
    struct one ones[CONFIG_ADMIN_MAX];
};

static const char *path_of(const struct one *one)
{
    return one->asked.storage.ss_family == AF_UNIX
               ? ((const struct sockaddr_un *)&one->asked.storage)->sun_path
               : NULL;
}

/* Unix sockets. */

/* What is no socket is somebody's file. */
static bool may_replace(const char *path)
{
    struct stat st;

    if (lstat(path, &st) != 0) {
        return errno == ENOENT;
    }
    errno = EEXIST;
    return S_ISSOCK(st.st_mode);
}

static bool hidden_path(const struct one *one, struct sockaddr_un *out)
{
    struct text t = text_of(out->sun_path, sizeof out->sun_path);

    text_addf(&t, "%s" NEW_SUFFIX, path_of(one));
    errno = ENAMETOOLONG;
    return !t.cut;
}

/*
 * With its permissions from the beginning: whoever may write in the folder could lead a later chmod
 * to another file.
 */
static bool bind_for_everybody(const struct sockaddr_un *un, int fd)
{
    const mode_t before = umask(NOT_EVERYBODY);
    const bool bound = bind(fd, (const struct sockaddr *)un, sizeof *un) == 0;

    (void)umask(before);
    return bound;
}

static bool bind_path(struct one *one, int fd)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct stat st;

    if (!hidden_path(one, &un) || !may_replace(path_of(one)) || !may_replace(un.sun_path)) {
        return false;
    }
    (void)unlink(un.sun_path);
    if (!bind_for_everybody(&un, fd)) {
        return false;
    }
    if (listen(fd, BACKLOG) != 0 || lstat(un.sun_path, &st) != 0) {
        const int error = errno;

        (void)unlink(un.sun_path);
        errno = error;
        return false;
    }
    one->device = st.st_dev;
    one->inode = st.st_ino;
    one->bound = one->asked;
    return true;
}

/* Unless a successor's stands there by now. */
static void remove_path(const struct one *one)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    const char *path = path_of(one);
    struct stat st;

    if (path == NULL || !hidden_path(one, &un)) {
        return;
    }
    path = one->is_shown ? path : un.sun_path;
    if (lstat(path, &st) == 0 && st.st_dev == one->device && st.st_ino == one->inode) {
        (void)unlink(path);
    }
}

/* All of them. */

/* A binary that takes over binds the same address while ours still listens there. */
static bool bind_address(struct one *one, int fd)
{
    const int on = 1;

    one->bound = one->asked;
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 &&
           bind(fd, (const struct sockaddr *)&one->asked.storage, one->asked.len) == 0 &&
           listen(fd, BACKLOG) == 0 &&
           getsockname(fd, (struct sockaddr *)&one->bound.storage, &one->bound.len) == 0;
}

static bool open_one(struct one *one, int *out)
{
    const int fd =
        socket(one->asked.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error;

    *out = fd;
    if (fd < 0) {
        return false;
    }
    if (path_of(one) != NULL ? bind_path(one, fd) : bind_address(one, fd)) {
        return true;
    }
    error = errno;
    (void)close(fd);
    *out = -1;
    errno = error;
    return false;
}

static bool take_over(struct admin_sockets *sockets, size_t i, const struct admin_sockets *from)
{
    for (size_t j = 0; from != NULL && j < from->n; j++) {
        if (address_equal(&from->ones[j].asked, &sockets->ones[i].asked)) {
            sockets->ones[i] = from->ones[j];
            sockets->ones[i].is_old = true;
            sockets->fds[i] = from->fds[j];
            return true;
        }
    }
    return false;
}

enum rp_status admin_sockets_open(const struct config *config, const struct admin_sockets *from,
                                  struct admin_sockets **out, struct rp_error *err)
{
    struct admin_sockets *sockets;
    enum rp_status status = RP_OK;

    *out = NULL;
    if (config->admin.n == 0) {
        return RP_OK;
    }
    sockets = memory_new(1, sizeof *sockets);
    if (sockets == NULL) {
        error_set(err, "out of memory");
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; status == RP_OK && i < config->admin.n; i++) {
        errno = EINVAL;
        if (!config_admin_address(config->admin.items[i], &sockets->ones[i].asked) ||
            (!take_over(sockets, i, from) && !open_one(&sockets->ones[i], &sockets->fds[i]))) {
            status = RP_SYSTEM;
            config_complain(config, config->admin.place, err, "admin cannot listen on %s: %s",
                            config->admin.items[i], strerror(errno));
        } else {
            sockets->n++;
        }
    }
    if (status != RP_OK) {
        admin_sockets_free(&sockets, from);
    }
    *out = sockets;
    return status;
}

bool admin_sockets_show(struct admin_sockets *sockets)
{
    bool shown = true;

    for (size_t i = 0; i < sockets->n; i++) {
        struct one *one = &sockets->ones[i];
        struct sockaddr_un un = {.sun_family = AF_UNIX};

        if (path_of(one) != NULL && !one->is_shown) {
            one->is_shown = hidden_path(one, &un) && rename(un.sun_path, path_of(one)) == 0;
            shown = shown && one->is_shown;
        }
    }
    return shown;
}

static bool holds(const struct admin_sockets *sockets, int fd)
{
    for (size_t i = 0; sockets != NULL && i < sockets->n; i++) {
        if (sockets->fds[i] == fd) {
            return true;
        }
    }
    return false;
}

void admin_sockets_free(struct admin_sockets **out, const struct admin_sockets *heir)
{
    struct admin_sockets *sockets = *out;

    *out = NULL;
    if (sockets == NULL) {
        return;
    }
    for (size_t i = 0; i < sockets->n; i++) {
        if (!holds(heir, sockets->fds[i])) {
            remove_path(&sockets->ones[i]);
            (void)close(sockets->fds[i]);
        }
    }
    memory_free(sockets);
}

const int *admin_sockets_fds(const struct admin_sockets *sockets, size_t *n)
{
    *n = sockets != NULL ? sockets->n : 0;
    return sockets != NULL ? sockets->fds : NULL;
}

void admin_sockets_text(const struct admin_sockets *sockets, size_t i,
                        char out[static ADMIN_SOCKETS_TEXT_SIZE])
{
    const struct one *one = &sockets->ones[i];
    struct text t = text_of(out, ADMIN_SOCKETS_TEXT_SIZE);

    if (path_of(one) != NULL) {
        text_addf(&t, "unix:%s", path_of(one));
    } else {
        char address[ADDRESS_TEXT_SIZE];

        address_text(&one->bound, address);
        text_add(&t, address);
    }
}

bool admin_sockets_is_old(const struct admin_sockets *sockets, size_t i)
{
    return sockets->ones[i].is_old;
}

bool admin_sockets_is_open(const struct admin_sockets *sockets, size_t i)
{
    const struct sockaddr_storage *s = &sockets->ones[i].bound.storage;

    if (s->ss_family == AF_INET) {
        return ntohl(((const struct sockaddr_in *)s)->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET;
    }
    return s->ss_family == AF_INET6 &&
           !IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)s)->sin6_addr);
}
