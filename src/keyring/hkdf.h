/*
 * HKDF-Expand of RFC 5869 with SHA-256, to at most 32 bytes, with info in our form: a label and
 * then fields, each preceded by its length in one byte (docs/formats/keyring.md).
 */
#ifndef HKDF_H
#define HKDF_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include <reprise/status.h>

#define HKDF_MAX 32
#define HKDF_FIELDS_MAX 2

struct hkdf {
    EVP_MAC_CTX *mac;
    const uint8_t *key; /* borrowed */
    size_t key_len;
};

struct hkdf_field {
    const void *p;
    size_t n; /* at most 255 */
};

/* key: n bytes, at least 16, borrowed until hkdf_fini. Ready for any number of hkdf_expand. */
enum rp_status hkdf_init(struct hkdf *h, const uint8_t *key, size_t n) RP_MUST_USE;

/* out is wiped on failure. RP_INVALID: n is over 32, or all of info has more than 128 bytes. */
enum rp_status hkdf_expand(const struct hkdf *h, const char *label, const struct hkdf_field *fields,
                           size_t n_fields, uint8_t *out, size_t n) RP_MUST_USE;

/* Wipes libcrypto's copy of the key. Takes a zeroed struct. */
void hkdf_fini(struct hkdf *h);

#endif
