#include "file_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "descriptor.h"
#include "text.h"

#define PATH_SIZE 4096

static void remove_again(const char *path)
{
    const int why = errno;

    (void)unlink(path);
    errno = why;
}

static bool give(int fd, const struct stat *like)
{
    return like == NULL ||
           ((like->st_uid == geteuid() || fchown(fd, like->st_uid, like->st_gid) == 0) &&
            fchmod(fd, like->st_mode & (S_IRUSR | S_IWUSR)) == 0);
}

bool file_write_new(const char *path, const struct stat *like, const uint8_t *p, size_t n)
{
    const int fd =
        open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    bool done;
    int why;

    if (fd < 0) {
        return false;
    }
    done = give(fd, like) && descriptor_write_all(fd, p, n) && fsync(fd) == 0;
    why = errno;
    if (close(fd) != 0 && done) {
        why = errno;
        done = false;
    }
    if (!done) {
        errno = why;
        remove_again(path);
    }
    return done;
}

bool file_write_over(const char *path, const struct stat *like, const uint8_t *p, size_t n)
{
    char fresh[PATH_SIZE];
    struct text t = text_of(fresh, sizeof fresh);

    text_addf(&t, "%s.new", path);
    if (t.cut) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (!file_write_new(fresh, like, p, n)) {
        return false;
    }
    if (rename(fresh, path) != 0) {
        remove_again(fresh);
        return false;
    }
    return true;
}
