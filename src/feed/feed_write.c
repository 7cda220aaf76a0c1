#include "feed_write.h"

#include <string.h>

#include <openssl/rand.h>

#include "memory.h"

/* The first byte of the name stays: no two in a file may then have one (h2o). */
static enum rp_status draw(const struct format_key *keys, size_t n, struct format_key *out)
{
    for (size_t i = 0; i < n; i++) {
        struct stek *const stek = &out[i].stek;

        out[i] = keys[i];
        if (RAND_bytes(&stek->name[1], sizeof stek->name - 1) != 1 ||
            RAND_priv_bytes(stek->aes, stek->key_len) != 1 ||
            RAND_priv_bytes(stek->hmac, stek->key_len) != 1) {
            return RP_CRYPTO;
        }
    }
    return RP_OK;
}

/* All lengths are the same for the same dates and lengths of keys. */
static enum rp_status encode(enum key_format format, const struct format_key *keys,
                             const struct format_key *drawn, size_t n, const char *name,
                             struct feed_files *files)
{
    const size_t room = key_format_size(format, n);
    uint8_t *const bytes = memory_new(room, 1);
    uint8_t *const throwaway = memory_new(room, 1);
    enum rp_status status = RP_NO_MEMORY;

    if (bytes != NULL && throwaway != NULL) {
        const size_t len = key_format_write(format, keys, n, bytes, room);

        status = len != 0 && key_format_write(format, drawn, n, throwaway, room) == len
                     ? feed_files_add(files, name, bytes, throwaway, len, false)
                     : RP_INVALID;
    }
    if (bytes != NULL) {
        memory_wipe(bytes, room);
    }
    if (throwaway != NULL) {
        memory_wipe(throwaway, room);
    }
    memory_free(bytes);
    memory_free(throwaway);
    return status;
}

enum rp_status feed_write_file(enum key_format format, const struct format_key *keys, size_t n,
                               const char *name, struct feed_files *files)
{
    struct format_key *drawn;
    enum rp_status status;

    if (n == 0 || n > KEY_FORMAT_KEYS_MAX) {
        return RP_INVALID;
    }
    drawn = memory_new(n, sizeof *drawn);
    if (drawn == NULL) {
        return RP_NO_MEMORY;
    }
    status = draw(keys, n, drawn);
    if (status == RP_OK) {
        status = encode(format, keys, drawn, n, name, files);
    }
    memory_wipe(drawn, n * sizeof *drawn);
    memory_free(drawn);
    return status;
}

enum rp_status feed_write_key(enum key_format format, const struct format_key *key,
                              const char *name, struct feed_files *files)
{
    struct format_key only = *key;
    enum rp_status status;

    only.role = KEY_SEALS;
    status = feed_write_file(format, &only, 1, name, files);
    memory_wipe(&only, sizeof only);
    return status;
}

enum rp_status feed_write_whole(const struct feed_keys *keys, const struct feed_target *target,
                                struct feed_files *files)
{
    return feed_write_file(target->format, keys->keys, keys->n, target->file, files);
}
