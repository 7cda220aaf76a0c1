/*
 * AES-256-GCM under a key that encrypts one message and no other: the nonce is zero, the tag stands
 * at the end.
 */
#ifndef AEAD_H
#define AEAD_H

#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#define AEAD_KEY_LEN 32
#define AEAD_TAG_LEN 16

/* out: n + AEAD_TAG_LEN bytes, zeroes on failure. plain may be NULL if n is 0. */
enum rp_status aead_seal(const uint8_t key[static AEAD_KEY_LEN], const uint8_t *ad, size_t ad_len,
                         const uint8_t *plain, size_t n, uint8_t *out) RP_MUST_USE;

/*
 * RP_FORMAT: shorter than a tag, or it does not authenticate. plain: n - AEAD_TAG_LEN bytes, zeroes
 * on failure; may be NULL if there are none.
 */
enum rp_status aead_open(const uint8_t key[static AEAD_KEY_LEN], const uint8_t *ad, size_t ad_len,
                         const uint8_t *sealed, size_t n, uint8_t *plain) RP_MUST_USE;

#endif
