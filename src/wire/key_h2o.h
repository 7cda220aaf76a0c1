/* h2o's key files: YAML, a list of maps whose values are hexadecimal (docs/formats/key-files.md).
 */
#ifndef KEY_H2O_H
#define KEY_H2O_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "key_format.h"
#include "reader.h"
#include "writer.h"

/* Its HMAC key is a block of the hash, padded with zeroes where the key is shorter: the same MAC
 * comes out (RFC 2104). */
#define KEY_H2O_HMAC_LEN 64
#define KEY_H2O_SECRET_MAX (32 + KEY_H2O_HMAC_LEN) /* the AES key, then the HMAC key */

/* Characters of an entry that is written, at most. */
#define KEY_H2O_ENTRY_MAX 384

enum key_h2o_field {
    KEY_H2O_NAME = 1 << 0,
    KEY_H2O_CIPHER = 1 << 1,
    KEY_H2O_HASH = 1 << 2,
    KEY_H2O_KEY = 1 << 3,
    KEY_H2O_NOT_BEFORE = 1 << 4,
    KEY_H2O_NOT_AFTER = 1 << 5,
    KEY_H2O_ALL = (1 << 6) - 1,
};

struct key_h2o_entry {
    unsigned has;  /* fields whose values are understood */
    bool is_clean; /* a "-" before it, and nothing that is not understood */
    uint8_t name[16];
    uint8_t secret[KEY_H2O_SECRET_MAX];
    size_t secret_len;
    uint8_t aes_len; /* of the cipher: 16 or 32 */
    int64_t not_before_s;
    int64_t not_after_s;
};

/* The next of them, whatever it lacks; false: no more. The caller wipes it. */
bool key_h2o_next(struct reader *r, struct key_h2o_entry *out);

/* The whole of it, as h2o wants it. */
bool key_h2o_key(const struct key_h2o_entry *entry, struct format_key *out);

void key_h2o_write(struct writer *w, const struct format_key *k);

#endif
