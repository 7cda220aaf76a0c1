#include "key_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "error.h"
#include "file_write.h"
#include "memory.h"

#define ACCESS_OF_OTHERS (S_IRWXG | S_IRWXO)

/* Who opened it while others still had access can go on reading. Where the file system knows no
 * leases, nothing is known. */
static bool is_open_elsewhere(int fd)
{
    if (fcntl(fd, F_SETLEASE, F_WRLCK) == 0) {
        (void)fcntl(fd, F_SETLEASE, F_UNLCK);
        return false;
    }
    return errno == EAGAIN;
}

/* A shell makes a file that all may read; a secret must not be in it for a moment. */
static enum rp_status close_to_others(int fd, struct rp_error *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & ACCESS_OF_OTHERS) == 0) {
        return RP_OK; /* a pipe, or good; what cannot be written to shows at once */
    }
    if (fchmod(fd, S_IRUSR | S_IWUSR) != 0) {
        error_set(err,
                  "others have access to the file on standard output (mode %04o), and it cannot be "
                  "taken away: %s; nothing is written",
                  (unsigned)(st.st_mode & 07777), strerror(errno));
        return RP_SYSTEM;
    }
    if (is_open_elsewhere(fd)) {
        error_set(err, "somebody has the file on standard output open and could read along; "
                       "nothing is written, but it is closed to others now: try again");
        return RP_SYSTEM;
    }
    return RP_OK;
}

enum rp_status key_output_standard(const uint8_t *p, size_t n, struct rp_error *err)
{
    const enum rp_status status = close_to_others(STDOUT_FILENO, err);

    if (status != RP_OK) {
        return status;
    }
    if (!descriptor_write_all(STDOUT_FILENO, p, n)) {
        error_set(err, "cannot write to standard output: %s", strerror(errno));
        return RP_SYSTEM;
    }
    if (isatty(STDOUT_FILENO) != 0) {
        (void)fputs("reprise key: a secret is for a file, which nobody else may read; this one "
                    "stays in the terminal's history\n",
                    stderr);
    }
    return RP_OK;
}

enum rp_status key_output_check(const char *path, bool force, struct rp_error *err)
{
    struct stat st;

    if (lstat(path, &st) != 0) {
        return RP_OK; /* what else is wrong shows when it is made */
    }
    if (!force) {
        error_set(err, "%.300s: is there; --force writes over it", path);
    } else if (!S_ISREG(st.st_mode)) {
        error_set(err, "%.300s: is there, and is no regular file", path);
    } else {
        return RP_OK;
    }
    return RP_INVALID;
}

enum rp_status key_output_file(const char *path, bool force, const uint8_t *p, size_t n,
                               struct rp_error *err)
{
    const enum rp_status status = key_output_check(path, force, err);

    if (status != RP_OK) {
        return status;
    }
    if (!(force ? file_write_over(path, NULL, p, n) : file_write_new(path, NULL, p, n))) {
        error_set(err, "%.300s: cannot be written%s: %s", path,
                  force ? " by way of a file beside it (.new)" : "", strerror(errno));
        return RP_SYSTEM;
    }
    return RP_OK;
}

enum rp_status key_output_keys(enum key_format format, const struct format_key *keys, size_t n,
                               const char *path, bool force, struct rp_error *err)
{
    const size_t room = key_format_size(format, n);
    uint8_t *const bytes = memory_new(room, 1);
    enum rp_status status = RP_FORMAT;
    size_t len;

    if (bytes == NULL) {
        error_set(err, "out of memory");
        return RP_NO_MEMORY;
    }
    len = key_format_write(format, keys, n, bytes, room);
    if (len == 0) {
        error_set(err, "these keys do not make a file of %s", key_format_text(format));
    } else {
        status = path != NULL ? key_output_file(path, force, bytes, len, err)
                              : key_output_standard(bytes, len, err);
    }
    memory_wipe(bytes, room);
    memory_free(bytes);
    return status;
}
