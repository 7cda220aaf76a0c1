/*
 * HMAC-SHA256 (RFC 2104) of one short message under a key of 32 bytes.
 *
 * Made of libcrypto's digest, because its EVP_MAC looks its digest up by name for every new key,
 * which was measured to double the time of a cache look-up.
 */
#ifndef HMAC256_H
#define HMAC256_H

#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "algorithms.h"

#define HMAC256_LEN 32

/* On failure out is zeroes. */
enum rp_status hmac256(const struct algorithms *a, const uint8_t key[static HMAC256_LEN],
                       const uint8_t *message, size_t n,
                       uint8_t out[static HMAC256_LEN]) RP_MUST_USE;

#endif
