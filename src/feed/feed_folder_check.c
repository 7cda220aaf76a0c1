#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "descriptor.h"
#include "error.h"
#include "feed_folder.h"
#include "feed_mounts.h"
#include "memory.h"
#include "text.h"

#define RAMFS 0x858458f6
#define TMPFS 0x01021994
#define PROC_MAX (1024 * 1024)
#define PATH_SIZE 4096

/* Cuts the last part off; false: nothing is left. */
static bool go_up(char *path)
{
    char *const slash = strrchr(path, '/');

    if (slash == NULL || strcmp(path, "/") == 0) {
        return false;
    }
    slash[slash == path ? 1 : 0] = '\0';
    return true;
}

/* The folder, or the one in which it would be made; -1: errno. *exists: it was the folder itself.
 */
static int open_nearest(const char *path, bool *exists)
{
    char at[PATH_SIZE];
    struct text t = text_of(at, sizeof at);
    int fd;

    text_add(&t, path);
    if (t.cut) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *exists = fd >= 0;
    while (fd < 0 && errno == ENOENT && go_up(at)) {
        fd = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        errno = fd < 0 ? errno : 0;
    }
    return fd;
}

/* A text of the kernel's, to be freed; NULL: out of memory. What cannot be read is empty. */
static char *read_proc(const char *path)
{
    char *const text = memory_new(PROC_MAX + 1, 1);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (text != NULL && fd >= 0) {
        const ssize_t n = descriptor_read_all(fd, (uint8_t *)text, PROC_MAX);

        text[n > 0 ? n : 0] = '\0';
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return text;
}

static enum rp_status find_swap(bool *any)
{
    char *const swaps = read_proc("/proc/swaps");
    struct sysinfo info;

    if (swaps == NULL) {
        return RP_NO_MEMORY;
    }
    /* A service may see no more of /proc than processes; the kernel tells the sum all the same. */
    *any = feed_mounts_swap(swaps) || (sysinfo(&info) == 0 && info.totalswap != 0);
    memory_free(swaps);
    return RP_OK;
}

static enum rp_status find_noswap(int fd, bool *noswap)
{
    char path[64];
    struct text t = text_of(path, sizeof path);
    char *info;
    char *mounts;
    enum rp_status status = RP_NO_MEMORY;
    unsigned id;

    text_addf(&t, "/proc/self/fdinfo/%d", fd);
    info = read_proc(path);
    mounts = read_proc("/proc/self/mountinfo");
    if (info != NULL && mounts != NULL) {
        *noswap = feed_mounts_id(info, &id) && feed_mounts_noswap(mounts, id);
        status = RP_OK;
    }
    memory_free(info);
    memory_free(mounts);
    return status;
}

static enum rp_status check_swap(const struct feed_folder *folder, int fd, struct rp_error *err)
{
    bool any = true;
    bool noswap = false;
    enum rp_status status = find_swap(&any);

    if (status == RP_OK && any) {
        status = find_noswap(fd, &noswap);
    }
    if (status == RP_OK && any && !noswap) {
        error_set(err,
                  "keys in %s could be swapped to disk: use ramfs, or mount its tmpfs with "
                  "`noswap`, or turn swap off, or allow it by `keys_may_reach_disk: on`",
                  folder->path);
        return RP_INVALID;
    }
    return status;
}

static enum rp_status check_memory(const struct feed_folder *folder, int fd, struct rp_error *err)
{
    struct statfs stat;

    if (fstatfs(fd, &stat) != 0) {
        error_set(err, "the file system of %s cannot be looked at: %s", folder->path,
                  strerror(errno));
        return RP_SYSTEM;
    }
    if (stat.f_type == RAMFS) {
        return RP_OK;
    }
    if (stat.f_type == TMPFS) {
        return check_swap(folder, fd, err);
    }
    error_set(err,
              "keys are not written to %s, which may be on a disk: name a folder on tmpfs or "
              "ramfs, below /run for example, or allow it by `keys_may_reach_disk: on`",
              folder->path);
    return RP_INVALID;
}

static enum rp_status check_mode(const struct feed_folder *folder, int fd, struct rp_error *err)
{
    struct stat stat;

    if (fstat(fd, &stat) != 0) {
        error_set(err, "%s cannot be looked at: %s", folder->path, strerror(errno));
        return RP_SYSTEM;
    }
    if ((stat.st_mode & S_IWOTH) != 0) {
        error_set(err, "keys are not written to %s: anybody may write to that folder",
                  folder->path);
        return RP_INVALID;
    }
    return RP_OK;
}

enum rp_status feed_folder_check(const struct feed_folder *folder, struct rp_error *err)
{
    bool exists = false;
    const int fd = open_nearest(folder->path, &exists);
    enum rp_status status = RP_OK;

    if (fd < 0) {
        error_set(err, "the folder %s cannot be opened: %s", folder->path, strerror(errno));
        return RP_SYSTEM;
    }
    if (exists) {
        status = check_mode(folder, fd, err);
    }
    if (status == RP_OK && !folder->may_reach_disk) {
        status = check_memory(folder, fd, err);
    }
    if (status == RP_NO_MEMORY) {
        error_set(err, "%s", rp_status_text(status));
    }
    (void)close(fd);
    return status;
}
