#include "feed_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "error.h"
#include "feed_names.h"
#include "feed_overwrite.h"
#include "memory.h"

#define CHUNK 4096
#define AHEAD_MAX_S 60 /* a file's time that is further ahead comes from a clock that went back */

struct putting {
    const struct feed_folder *folder;
    const struct feed_files *files;
    struct rp_error *err;
    int dir;
    bool *is_aside; /* of each file, that it is written and to be renamed */
    bool changed;
    enum rp_status overwritten; /* whether all old ones were */
};

static bool is_for_want_of_room(int error)
{
    return error == ENOSPC || error == EDQUOT;
}

static const char *reason(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return "its file system is full";
    case EACCES:
    case EPERM:
        return "this process's user may not do that";
    case ENOENT:
        return "the folder is gone";
    case EROFS:
        return "its file system is read-only";
    default:
        return strerror(error);
    }
}

int feed_folder_open(const struct feed_folder *folder, struct rp_error *err)
{
    const int fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat stat;

    if (fd >= 0) {
        if (fstat(fd, &stat) == 0 && stat.st_uid == geteuid()) {
            return fd;
        }
        error_set(err, "the folder %s is not this process's user's any more", folder->path);
        (void)close(fd);
    } else if (errno == ENOENT) {
        error_set(err, "there is no folder %s", folder->path);
    } else if (errno == ENOTDIR || errno == ELOOP) {
        error_set(err, "%s is not a folder", folder->path);
    } else {
        error_set(err, "the folder %s cannot be opened: %s", folder->path, reason(errno));
    }
    return -1;
}

static enum rp_status open_folder(struct putting *p)
{
    p->dir = feed_folder_open(p->folder, p->err);
    return p->dir >= 0 ? RP_OK : RP_SYSTEM;
}

static enum rp_status failed(const struct putting *p, const char *name, const char *what)
{
    const int error = errno;

    error_set(p->err, "%s/%s cannot be %s: %s", p->folder->path, name, what, reason(error));
    return is_for_want_of_room(error) ? RP_FULL : RP_SYSTEM;
}

static mode_t wanted_mode(const struct putting *p)
{
    return p->folder->group == (gid_t)-1 ? 0600 : 0640;
}

static bool has_bytes(int fd, const uint8_t *p, size_t n)
{
    uint8_t chunk[CHUNK];
    bool same = true;

    for (size_t at = 0; same && at < n;) {
        const size_t len = n - at < sizeof chunk ? n - at : sizeof chunk;

        same =
            descriptor_read_all(fd, chunk, len) == (ssize_t)len && memcmp(chunk, p + at, len) == 0;
        at += len;
    }
    memory_wipe(chunk, sizeof chunk);
    return same;
}

static bool is_alike(int fd, const struct feed_file *file)
{
    uint8_t found[FEED_FILE_ALIKE_MAX];
    bool alike;

    if (file->is_alike == NULL || file->n > sizeof found) {
        return has_bytes(fd, file->bytes, file->n);
    }
    alike = descriptor_read_all(fd, found, file->n) == (ssize_t)file->n &&
            file->is_alike(found, file->bytes, file->n);
    memory_wipe(found, sizeof found);
    return alike;
}

/* It is there as it should be, with its owner, group and mode. */
static bool is_there(const struct putting *p, const struct feed_file *file)
{
    const int fd = openat(p->dir, file->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat stat;
    bool there = false;

    if (fd >= 0) {
        there = fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) && stat.st_uid == geteuid() &&
                (stat.st_mode & 07777) == wanted_mode(p) &&
                (p->folder->group == (gid_t)-1 || stat.st_gid == p->folder->group) &&
                stat.st_size >= 0 && (size_t)stat.st_size == file->n && is_alike(fd, file);
        (void)close(fd);
    }
    return there;
}

static bool give_to_group(const struct putting *p, int fd)
{
    struct stat stat;

    return p->folder->group == (gid_t)-1 ||
           (fstat(fd, &stat) == 0 &&
            (stat.st_gid == p->folder->group || fchown(fd, (uid_t)-1, p->folder->group) == 0));
}

/* By the file system's clock. */
static bool set_time(const struct putting *p, int fd, const char *name)
{
    struct timespec times[2];
    struct stat stat;
    struct stat old;

    if (p->folder->is_read_once) {
        return true;
    }
    if (fstat(fd, &stat) != 0) {
        return false;
    }
    times[0] = (struct timespec){.tv_nsec = UTIME_OMIT};
    times[1] = (struct timespec){.tv_sec = stat.st_mtim.tv_sec + 1};
    if (fstatat(p->dir, name, &old, AT_SYMLINK_NOFOLLOW) == 0 &&
        old.st_mtim.tv_sec >= times[1].tv_sec &&
        old.st_mtim.tv_sec < times[1].tv_sec + AHEAD_MAX_S) {
        times[1].tv_sec = old.st_mtim.tv_sec + 1;
    }
    return futimens(fd, times) == 0;
}

static enum rp_status write_aside(const struct putting *p, const struct feed_file *file)
{
    enum rp_status status = RP_OK;
    char aside[FEED_ASIDE_MAX + 1];
    int fd;

    feed_name_aside(file->name, aside);
    fd = openat(p->dir, aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return failed(p, file->name, "written");
    }
    if (!give_to_group(p, fd)) {
        status = failed(p, file->name, "given to its group");
    } else if (!descriptor_write_all(fd, file->bytes, file->n) || fchmod(fd, wanted_mode(p)) != 0 ||
               !set_time(p, fd, file->name)) {
        status = failed(p, file->name, "written");
    }
    if (close(fd) != 0 && status == RP_OK) {
        status = failed(p, file->name, "written");
    }
    return status;
}

static bool is_stale(const struct putting *p, const char *name)
{
    return feed_name_is_ours(name, p->folder->only) && feed_files_find(p->files, name) == NULL;
}

static bool is_left_over(const struct putting *p, const char *name)
{
    return feed_name_is_aside(name, p->folder->only);
}

/* Removes all that is so; goes on where one cannot be. */
static enum rp_status sweep(struct putting *p,
                            bool (*is_so)(const struct putting *p, const char *name))
{
    DIR *const names = descriptor_names(p->dir);
    enum rp_status status = RP_OK;
    const struct dirent *entry;

    if (names == NULL) {
        error_set(p->err, "the folder %s cannot be listed: %s", p->folder->path, reason(errno));
        return RP_SYSTEM;
    }
    while ((entry = readdir(names)) != NULL) {
        if (!is_so(p, entry->d_name)) {
            continue;
        }
        if (feed_overwrite_remove(p->dir, entry->d_name)) {
            p->changed = p->changed || is_so == is_stale;
        } else if (status == RP_OK) {
            status = failed(p, entry->d_name, "removed");
        }
    }
    (void)closedir(names);
    return status;
}

static enum rp_status write_all_aside(struct putting *p)
{
    enum rp_status status = RP_OK;

    for (size_t i = 0; i < p->files->n && status == RP_OK; i++) {
        if (!is_there(p, &p->files->items[i])) {
            status = write_aside(p, &p->files->items[i]);
            p->is_aside[i] = true;
        }
    }
    return status;
}

/* The old file's bytes are overwritten when nobody finds them by its name any more. What cannot be
 * is no reason to stop between two files. */
static enum rp_status replace(struct putting *p, const struct feed_file *file)
{
    const int old = feed_overwrite_open(p->dir, file->name);
    char aside[FEED_ASIDE_MAX + 1];
    enum rp_status status;

    feed_name_aside(file->name, aside);
    if (renameat(p->dir, aside, p->dir, file->name) != 0) {
        status = failed(p, file->name, "replaced");
        if (old >= 0) {
            (void)close(old);
        }
        return status;
    }
    p->changed = true;
    status = feed_overwrite_close(old, file->throwaway, file->n);
    if (status != RP_OK && p->overwritten == RP_OK) {
        p->overwritten = status;
        error_set(p->err, "the old %s/%s could not be overwritten: %s", p->folder->path, file->name,
                  status == RP_CRYPTO ? rp_status_text(status) : reason(errno));
    }
    return RP_OK;
}

static enum rp_status replace_all(struct putting *p, bool lists)
{
    enum rp_status status = RP_OK;

    for (size_t i = 0; i < p->files->n && status == RP_OK; i++) {
        if (p->is_aside[i] && p->files->items[i].is_list == lists) {
            status = replace(p, &p->files->items[i]);
        }
    }
    return status;
}

/* What was written aside and not renamed holds keys: it does not stay. */
static void tidy(const struct putting *p)
{
    struct putting quiet = *p;

    quiet.err = NULL;
    (void)sweep(&quiet, is_left_over);
}

static enum rp_status put(struct putting *p)
{
    enum rp_status status = sweep(p, is_left_over);

    if (status != RP_OK) {
        return status;
    }
    status = write_all_aside(p);
    if (status == RP_OK) {
        status = replace_all(p, false);
    }
    if (status == RP_OK) {
        status = replace_all(p, true);
    }
    if (status != RP_OK) {
        tidy(p);
        return status;
    }
    status = sweep(p, is_stale);
    return status == RP_OK ? p->overwritten : status;
}

enum rp_status feed_folder_put(const struct feed_folder *folder, const struct feed_files *files,
                               bool *changed, struct rp_error *err)
{
    struct putting p = {.folder = folder, .files = files, .err = err};
    enum rp_status status;

    *changed = false;
    p.is_aside = memory_new(files->n + 1, sizeof *p.is_aside);
    if (p.is_aside == NULL) {
        error_set(err, "%s", rp_status_text(RP_NO_MEMORY));
        return RP_NO_MEMORY;
    }
    status = open_folder(&p);
    if (status == RP_OK) {
        status = put(&p);
        (void)close(p.dir);
    }
    *changed = p.changed;
    memory_free(p.is_aside);
    return status;
}

enum rp_status feed_folder_clear(const struct feed_folder *folder, struct rp_error *err)
{
    const struct feed_files none = {0};
    struct putting p = {.folder = folder, .files = &none, .err = err};
    enum rp_status status = open_folder(&p);

    if (status == RP_OK) {
        status = sweep(&p, is_left_over);
        if (status == RP_OK) {
            status = sweep(&p, is_stale);
        }
        (void)close(p.dir);
    }
    return status;
}
