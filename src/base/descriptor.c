#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool descriptor_write_all(int fd, const void *p, size_t n)
{
    const uint8_t *at = p;

    while (n != 0) {
        const ssize_t written = write(fd, at, n);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        at += written;
        n -= (size_t)written;
    }
    return true;
}

ssize_t descriptor_read_all(int fd, uint8_t *out, size_t n)
{
    size_t have = 0;

    while (have < n) {
        const ssize_t got = read(fd, out + have, n - have);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        have += (size_t)got;
    }
    return (ssize_t)have;
}

DIR *descriptor_names(int dir)
{
    const int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *const names = own >= 0 ? fdopendir(own) : NULL;

    if (names == NULL && own >= 0) {
        (void)close(own);
    }
    return names;
}
