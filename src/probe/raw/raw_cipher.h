/* One direction's record protection (RFC 8446 section 5.2, RFC 5246 section 6.2.3). */
#ifndef RAW_CIPHER_H
#define RAW_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include <reprise/status.h>

#include "raw_buffer.h"
#include "raw_random.h"
#include "raw_suite.h"

/* More than the longest that protection adds to a record. */
#define RAW_CIPHER_OVERHEAD 512

/* Zeroes: records go in the clear. */
struct raw_cipher {
    const struct raw_suite *suite;
    EVP_CIPHER_CTX *ctx;
    uint8_t key[32];
    uint8_t iv[12];
    uint8_t mac_key[48];
    uint64_t sequence;
};

struct raw_cipher_keys {
    const uint8_t *key;
    const uint8_t *iv;
    const uint8_t *mac_key; /* CBC only */
};

/* Puts new keys, of the suite's lengths, in place of what was there; the sequence begins anew. */
enum rp_status raw_cipher_init(struct raw_cipher *c, const struct raw_suite *suite,
                               const struct raw_cipher_keys *keys) RP_MUST_USE;

/* Wipes. Takes zeroes. */
void raw_cipher_fini(struct raw_cipher *c);

/* Adds a whole record to out, header included, sealed or in the clear; n is at most 16384. */
enum rp_status raw_cipher_seal(struct raw_cipher *c, struct raw_random *random, uint8_t type,
                               uint16_t clear_version, const uint8_t *p, size_t n,
                               struct raw_buffer *out) RP_MUST_USE;

/*
 * Opens what follows the header of a record, in place: where the content begins and how long it is;
 * type: as on the wire, the inner one on return. RP_FORMAT: not sealed with these keys, or wrong
 * inside.
 */
enum rp_status raw_cipher_open(struct raw_cipher *c, uint8_t *type, uint16_t version, uint8_t *p,
                               size_t n, uint8_t **content, size_t *content_len) RP_MUST_USE;

#endif
