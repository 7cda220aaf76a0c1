#include "fleet_secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "error.h"
#include "memory.h"

#define ACCESS_OF_OTHERS (S_IRWXG | S_IRWXO)

static bool judge(const char *path, const struct stat *st, struct rp_error *err)
{
    if (!S_ISREG(st->st_mode)) {
        error_set(err, "%s: not a regular file; make one with: reprise key fleet-secret > FILE",
                  path);
        return false;
    }
    if (st->st_uid != 0 && st->st_uid != geteuid()) {
        error_set(err,
                  "%s: belongs to user %u, who could change the fleet secret; give it to root or "
                  "to the user of reprised (%u): chown",
                  path, (unsigned)st->st_uid, (unsigned)geteuid());
        return false;
    }
    if ((st->st_mode & ACCESS_OF_OTHERS) != 0) {
        error_set(
            err,
            "%s: mode %04o gives others access to the fleet secret; take it away (chmod 600), "
            "and make a new secret if somebody may have read this one",
            path, (unsigned)(st->st_mode & 07777));
        return false;
    }
    return true;
}

enum rp_status fleet_secret_file_read(const char *path, struct fleet_secrets *out,
                                      struct rp_error *err)
{
    /* Without O_NONBLOCK, a pipe put in the file's place would hold us for ever. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    uint8_t bytes[FLEET_SECRET_FILE_MAX + 1];
    enum rp_status status = RP_SYSTEM;
    struct stat st;
    ssize_t n = -1;

    *out = (struct fleet_secrets){0};
    if (fd < 0 || fstat(fd, &st) != 0) {
        error_set(err, "%s: cannot read the fleet secret: %s", path, strerror(errno));
        goto done;
    }
    if (!judge(path, &st, err)) {
        goto done;
    }
    n = descriptor_read_all(fd, bytes, sizeof bytes);
    if (n < 0) {
        error_set(err, "%s: cannot read the fleet secret: %s", path, strerror(errno));
        goto done;
    }
    status = fleet_secrets_decode(path, bytes, (size_t)n, out, err);
done:
    if (fd >= 0) {
        (void)close(fd);
    }
    memory_wipe(bytes, sizeof bytes);
    return status;
}
