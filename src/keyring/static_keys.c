#include "static_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "memory.h"
#include "weak_key.h"

#define REMEDY "make a new one with: openssl rand 80 > FILE"

enum rp_status static_keys_check(const char *name, const struct stek *key, struct rp_error *err)
{
    const char *aes;
    const char *hmac;
    const char *whole;

    if (key->key_len != 16 && key->key_len != 32) {
        error_set(err, "%s: keys of %u bytes: 16 or 32 are possible", name, key->key_len);
        return RP_INVALID;
    }
    aes = weak_key_bytes(key->aes, key->key_len);
    hmac = weak_key_bytes(key->hmac, key->key_len);
    whole = weak_key_stek(key);
    if (aes != NULL) {
        error_set(err, "%s: weak AES key: %s; " REMEDY, name, aes);
    } else if (hmac != NULL) {
        error_set(err, "%s: weak HMAC key: %s; " REMEDY, name, hmac);
    } else if (whole != NULL) {
        error_set(err, "%s: weak key: %s; " REMEDY, name, whole);
    }
    return whole == NULL ? RP_OK : RP_WEAK_KEY;
}

/* How many bytes the file has, up to size; -1: it cannot be read, or is no regular file. */
static ssize_t read_file(const char *path, uint8_t *bytes, size_t size, struct rp_error *err)
{
    /* Without O_NONBLOCK, a pipe put in the file's place would hold us for ever. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    size_t n = 0;
    ssize_t got = -1;

    if (fd < 0 || fstat(fd, &st) != 0) {
        error_set(err, "%s: cannot read the session ticket key: %s", path, strerror(errno));
        goto done;
    }
    if (!S_ISREG(st.st_mode)) {
        error_set(err, "%s: not a regular file; name a session ticket key file of 48 or 80 bytes",
                  path);
        goto done;
    }
    do {
        got = read(fd, bytes + n, size - n);
        n += got > 0 ? (size_t)got : 0;
    } while ((got > 0 && n < size) || (got < 0 && errno == EINTR));
    if (got < 0) {
        error_set(err, "%s: cannot read the session ticket key: %s", path, strerror(errno));
    }
done:
    if (fd >= 0) {
        (void)close(fd);
    }
    return got < 0 ? -1 : (ssize_t)n;
}

static enum rp_status read_key(const char *path, struct stek *key, struct rp_error *err)
{
    uint8_t bytes[KEY_FILE_NGINX_LONG + 1];
    const ssize_t n = read_file(path, bytes, sizeof bytes, err);
    enum rp_status status = RP_OK;

    if (n < 0) {
        status = RP_SYSTEM;
    } else if (!key_file_nginx_decode(bytes, (size_t)n, key)) {
        const bool longer = (size_t)n == sizeof bytes;

        error_set(err, "%s: %s%zd bytes: a session ticket key file has 48 or 80; " REMEDY, path,
                  longer ? "more than " : "", longer ? n - 1 : n);
        status = RP_FORMAT;
    } else {
        status = static_keys_check(path, key, err);
    }
    memory_wipe(bytes, sizeof bytes);
    return status;
}

enum rp_status static_keys_read(const char *const *paths, size_t n, struct stek *keys,
                                struct rp_error *err)
{
    enum rp_status status = RP_OK;

    for (size_t i = 0; i < n && status == RP_OK; i++) {
        status = read_key(paths[i], &keys[i], err);
        for (size_t j = 0; j < i && status == RP_OK; j++) {
            if (memcmp(keys[i].name, keys[j].name, sizeof keys[i].name) == 0) {
                error_set(err, "%s: has the key name of %s; give each key a name of its own",
                          paths[i], paths[j]);
                status = RP_INVALID;
            }
        }
    }
    if (status != RP_OK) {
        memory_wipe(keys, n * sizeof *keys);
    }
    return status;
}
