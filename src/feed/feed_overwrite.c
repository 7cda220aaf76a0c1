#include "feed_overwrite.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "descriptor.h"

#define CHUNK 4096

int feed_overwrite_open(int dir, const char *name)
{
    const int fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat stat;

    if (fd >= 0 && (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode))) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static enum rp_status write_random(int fd, size_t n)
{
    while (n != 0) {
        uint8_t chunk[CHUNK];
        const size_t len = n < sizeof chunk ? n : sizeof chunk;

        if (RAND_bytes(chunk, (int)len) != 1) {
            return RP_CRYPTO;
        }
        if (!descriptor_write_all(fd, chunk, len)) {
            return RP_SYSTEM;
        }
        n -= len;
    }
    return RP_OK;
}

/* Never longer than it was: there may be no room for that. */
static enum rp_status overwrite(int fd, const uint8_t *p, size_t n)
{
    struct stat stat;
    size_t len;
    enum rp_status status;

    if (fstat(fd, &stat) != 0) {
        return RP_SYSTEM;
    }
    len = (size_t)stat.st_size;
    if (n >= len) {
        return descriptor_write_all(fd, p, len) ? RP_OK : RP_SYSTEM;
    }
    if (n != 0 && !descriptor_write_all(fd, p, n)) {
        return RP_SYSTEM;
    }
    status = write_random(fd, len - n);
    if (status == RP_OK && n != 0 && ftruncate(fd, (off_t)n) != 0) {
        status = RP_SYSTEM;
    }
    return status;
}

enum rp_status feed_overwrite_close(int fd, const uint8_t *p, size_t n)
{
    enum rp_status status = RP_OK;

    if (fd >= 0) {
        const enum rp_status written = overwrite(fd, p, n);
        const int error = errno;

        (void)close(fd);
        errno = error;
        status = written;
    }
    return status;
}

bool feed_overwrite_remove(int dir, const char *name)
{
    const int fd = feed_overwrite_open(dir, name);

    if (feed_overwrite_close(fd, NULL, 0) == RP_CRYPTO) {
        errno = EIO;
        return false;
    }
    return unlinkat(dir, name, 0) == 0 || errno == ENOENT;
}
