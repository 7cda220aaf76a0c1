/*
 * AES-256-GCM of whole messages, each under a key that is used for little else: making a key ready
 * counts for as much as using it. By libsodium where the CPU has the instructions, as that takes
 * less than half of what libcrypto's contexts take; by libcrypto elsewhere. The bytes are the same
 * (NIST SP 800-38D).
 *
 *     sealed: ciphertext, as long as the message | tag 16
 */
#ifndef GCM_H
#define GCM_H

#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "algorithms.h"

#define GCM_KEY_LEN 32
#define GCM_NONCE_LEN 12
#define GCM_TAG_LEN 16

/* Bytes that are authenticated and not encrypted. */
struct gcm_bound {
    const uint8_t *bytes;
    size_t n;
};

/* A key and the nonce of one message. Both are borrowed. */
struct gcm_use {
    const uint8_t *key;   /* GCM_KEY_LEN */
    const uint8_t *nonce; /* GCM_NONCE_LEN */
    struct gcm_bound bound;
};

enum gcm_opened {
    GCM_OPENED,
    GCM_FORGED, /* or of another key, nonce or bound; may empty libcrypto's error queue */
    GCM_FAILED, /* not for what was to be opened: no memory, for one */
};

/* n is at most INT_MAX; out has room for n + GCM_TAG_LEN. RP_CRYPTO: nothing in out counts. */
enum rp_status gcm_seal(const struct algorithms *a, const struct gcm_use *use, const uint8_t *plain,
                        size_t n, uint8_t *out) RP_MUST_USE;

/* n, of what comes out, is at most INT_MAX; sealed has GCM_TAG_LEN bytes more. Unless opened, out
 * is zeroes. */
enum gcm_opened gcm_open(const struct algorithms *a, const struct gcm_use *use,
                         const uint8_t *sealed, size_t n, uint8_t *out) RP_MUST_USE;

#endif
