#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "error.h"

/* From <linux/mount.h>, which clashes with <sys/mount.h> in some C libraries. */
#define FSOPEN_CLOEXEC_FLAG 1
#define FSMOUNT_CLOEXEC_FLAG 1
#define FSCONFIG_CMD_CREATE_VALUE 6

/* From <linux/magic.h>, which does not have all of them everywhere. */
#define MAGIC_SECRETMEM 0x5345434d
#define MAGIC_RAMFS 0x858458f6
#define MAGIC_TMPFS 0x01021994

const char *rp_secret_kind_text(enum rp_secret_kind kind)
{
    switch (kind) {
#define KIND_TEXT(name, bit, text)                                                                 \
    case RP_SECRET_##name:                                                                         \
        return text;
        RP_SECRET_KIND_MAP(KIND_TEXT)
#undef KIND_TEXT
    }
    return "unknown";
}

static int open_memfd_secret(void)
{
    return (int)syscall(SYS_memfd_secret, O_CLOEXEC);
}

/* A file without a name on a mount without a place: nothing but the descriptor leads to it. */
static int open_ramfs(void)
{
    const int fs = (int)syscall(SYS_fsopen, "ramfs", FSOPEN_CLOEXEC_FLAG);
    int mount = -1;
    int fd = -1;
    int saved;

    if (fs >= 0 && syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE_VALUE, NULL, NULL, 0) == 0) {
        mount = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC_FLAG, 0);
    }
    if (mount >= 0) {
        fd = openat(mount, ".", O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    }
    saved = errno;
    if (mount >= 0) {
        (void)close(mount);
    }
    if (fs >= 0) {
        (void)close(fs);
    }
    errno = saved;
    return fd;
}

static int open_locked(void)
{
    return memfd_create("reprise", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

/* Where stdin, stdout or stderr was closed, what somebody prints would land in the keys. */
static int above_stderr(int fd)
{
    int moved;

    if (fd < 0 || fd > STDERR_FILENO) {
        return fd;
    }
    moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    (void)close(fd);
    return moved;
}

static int open_kind(enum rp_secret_kind kind)
{
    switch (kind) {
    case RP_SECRET_MEMFD_SECRET:
        return open_memfd_secret();
    case RP_SECRET_RAMFS:
        return open_ramfs();
    case RP_SECRET_LOCKED:
        return open_locked();
    }
    errno = EINVAL;
    return -1;
}

/* Sets the size and tries a mapping, for some limits show only there. */
static bool usable(struct secret *s)
{
    void *p;

    if (ftruncate(s->fd, (off_t)s->len) != 0) {
        return false;
    }
    if (s->kind == RP_SECRET_LOCKED &&
        fcntl(s->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        return false;
    }
    p = secret_map(s, true, false);
    if (p == NULL) {
        return false;
    }
    memset(p, 0, s->len); /* takes every page now: none can be missing later */
    secret_unmap(s, p);
    return true;
}

enum rp_status secret_init(struct secret *s, size_t len, unsigned kinds, struct rp_error *err)
{
    static const enum rp_secret_kind order[] = {RP_SECRET_MEMFD_SECRET, RP_SECRET_RAMFS,
                                                RP_SECRET_LOCKED};
    const char *separator = ": ";

    *s = (struct secret){-1, 0, RP_SECRET_LOCKED};
    if (len == 0 || (kinds & RP_SECRET_ANY) == 0) {
        error_set(err, "no secret memory of %zu bytes: %s", len,
                  len == 0 ? "the size must be at least 1" : "no known kind of it is allowed");
        return RP_INVALID;
    }
    error_set(err, "no secret memory of %zu bytes", len);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if ((kinds & order[i]) == 0) {
            continue;
        }
        *s = (struct secret){above_stderr(open_kind(order[i])), len, order[i]};
        if (s->fd >= 0 && usable(s)) {
            error_clear(err);
            return RP_OK;
        }
        error_add(err, "%s%s: %s", separator, rp_secret_kind_text(order[i]), strerror(errno));
        separator = "; ";
        secret_fini(s);
    }
    *s = (struct secret){-1, 0, RP_SECRET_LOCKED};
    return RP_SYSTEM;
}

/* Which kind a descriptor is of; false: of none that keeps its size. */
static bool kind_of(int fd, enum rp_secret_kind *kind)
{
    struct statfs fs;
    int seals;

    if (fstatfs(fd, &fs) != 0) {
        return false;
    }
    switch ((uint32_t)fs.f_type) {
    case MAGIC_SECRETMEM:
        *kind = RP_SECRET_MEMFD_SECRET;
        return true;
    case MAGIC_RAMFS:
        *kind = RP_SECRET_RAMFS;
        return true;
    case MAGIC_TMPFS:
        *kind = RP_SECRET_LOCKED;
        seals = fcntl(fd, F_GET_SEALS);
        return seals >= 0 && (seals & F_SEAL_SHRINK) != 0 && (seals & F_SEAL_GROW) != 0;
    default:
        return false;
    }
}

enum rp_status secret_adopt(struct secret *s, int fd, unsigned kinds, struct rp_error *err)
{
    const int flags = fcntl(fd, F_GETFL);
    struct stat file;

    *s = (struct secret){-1, 0, RP_SECRET_LOCKED};
    if (flags < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fstat(fd, &file) != 0) {
        error_set(err, "descriptor %d: %s", fd, strerror(errno));
    } else if (!S_ISREG(file.st_mode) || file.st_size <= 0 || (flags & O_ACCMODE) != O_RDWR ||
               !kind_of(fd, &s->kind)) {
        error_set(err, "it is no secret memory of a size that is fixed");
    } else if ((kinds & s->kind) == 0) {
        error_set(err, "it is %s, which is not allowed", rp_secret_kind_text(s->kind));
    } else {
        s->fd = fd; /* transferred */
        s->len = (size_t)file.st_size;
        return RP_OK;
    }
    if (flags >= 0) {
        (void)close(fd);
    }
    *s = (struct secret){-1, 0, RP_SECRET_LOCKED};
    return RP_INVALID;
}

void secret_fini(struct secret *s)
{
    if (s->len != 0 && s->fd >= 0) {
        (void)close(s->fd);
        s->fd = -1;
    }
}

void *secret_map(const struct secret *s, bool writable, bool inherit)
{
    const int protection = PROT_READ | (writable ? PROT_WRITE : 0);
    void *p = mmap(NULL, s->len, protection, MAP_SHARED, s->fd, 0);

    if (p == MAP_FAILED) {
        return NULL;
    }
    /* memfd_secret locks by itself and refuses to be locked twice on some kernels. */
    if ((s->kind != RP_SECRET_MEMFD_SECRET && mlock(p, s->len) != 0) ||
        (madvise(p, s->len, MADV_DONTDUMP) != 0 && s->kind != RP_SECRET_MEMFD_SECRET) ||
        (!inherit && madvise(p, s->len, MADV_DONTFORK) != 0)) {
        const int saved = errno;

        (void)munmap(p, s->len);
        errno = saved;
        return NULL;
    }
    return p;
}

void secret_unmap(const struct secret *s, void *p)
{
    if (p != NULL) {
        (void)munmap(p, s->len);
    }
}
