#include "feed_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "feed_names.h"

#define LOCK_MODE 0600

void feed_lock_explain(const struct feed_folder *folder, struct rp_error *err)
{
    const bool is_one = folder->only != NULL;

    error_set(err,
              "another reprised feeds %.300s%s%s, or a feed that names it otherwise; name another "
              "%s, or let one of them do it",
              folder->path, is_one ? "/" : "", is_one ? folder->only : "",
              is_one ? "file" : "folder");
}

void feed_lock_release(struct feed_lock *lock)
{
    if (lock->is_held) {
        (void)close(lock->fd);
        lock->is_held = false;
    }
}

/* -1: errno. */
static int open_lock(int dir, const char *name)
{
    const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    const int fd = openat(dir, name, flags, LOCK_MODE);

    /* Of a feeder that was another user; the folder is ours by now, and so is what is in it. */
    if (fd < 0 && errno == EACCES && unlinkat(dir, name, 0) == 0) {
        return openat(dir, name, flags, LOCK_MODE);
    }
    return fd;
}

static enum rp_status cannot(const struct feed_folder *folder, struct rp_error *err)
{
    error_set(err, "the lock in the folder %s cannot be taken: %s", folder->path, strerror(errno));
    return RP_SYSTEM;
}

/* Not where the file was removed, or the folder moved or mounted over. */
static bool is_the_one(const struct feed_lock *lock, int dir, const char *name)
{
    struct stat held;
    struct stat there;

    return lock->is_held && fstat(lock->fd, &held) == 0 &&
           fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && held.st_dev == there.st_dev &&
           held.st_ino == there.st_ino;
}

static enum rp_status take(struct feed_lock *lock, int dir, const struct feed_folder *folder,
                           struct rp_error *err)
{
    char name[FEED_ASIDE_MAX + 1];

    feed_name_lock(folder->only, name);
    if (is_the_one(lock, dir, name)) {
        return RP_OK;
    }
    feed_lock_release(lock);
    lock->fd = open_lock(dir, name);
    if (lock->fd < 0) {
        return cannot(folder, err);
    }
    if (flock(lock->fd, LOCK_EX | LOCK_NB) == 0) {
        lock->is_held = true;
        return RP_OK;
    }
    if (errno == EWOULDBLOCK) {
        feed_lock_explain(folder, err);
        (void)close(lock->fd);
        return RP_INVALID;
    }
    (void)cannot(folder, err);
    (void)close(lock->fd);
    return RP_SYSTEM;
}

enum rp_status feed_lock_take(struct feed_lock *lock, const struct feed_folder *folder,
                              struct rp_error *err)
{
    const int dir = feed_folder_open(folder, err);
    enum rp_status status;

    if (dir < 0) {
        feed_lock_release(lock);
        return RP_SYSTEM;
    }
    status = take(lock, dir, folder, err);
    (void)close(dir);
    return status;
}

void feed_lock_note(const struct feed_lock *lock, bool seen)
{
    if (lock->is_held && feed_lock_noted(lock) != seen) {
        (void)!ftruncate(lock->fd, seen ? 1 : 0);
    }
}

bool feed_lock_noted(const struct feed_lock *lock)
{
    struct stat stat;

    return lock->is_held && fstat(lock->fd, &stat) == 0 && stat.st_size == 1;
}

bool feed_lock_is_held(const struct feed_folder *folder)
{
    char name[FEED_ASIDE_MAX + 1];
    const int dir = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_held = false;
    int fd = -1;

    if (dir >= 0) {
        feed_name_lock(folder->only, name);
        fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        (void)close(dir);
    }
    if (fd >= 0) {
        /* Shared, so that two who look do not find each other. */
        is_held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
        (void)close(fd);
    }
    return is_held;
}
