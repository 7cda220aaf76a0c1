/* Signatures by their numbers in TLS (RFC 8446 section 4.2.3). */
#ifndef RAW_SIGNATURE_H
#define RAW_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include <reprise/status.h>

#include "raw_hash.h"

#define RAW_SIGNATURE_MAX 1024

/* Whether it is right: false also for a scheme that we do not have or that is not this key's. */
bool raw_signature_verify(EVP_PKEY *key, uint16_t scheme, struct raw_bytes data,
                          struct raw_bytes signature);

/* The first of our schemes that goes with the key and, unless there are none, is among the peer's
 * 16-bit numbers; 0 if there is none. */
uint16_t raw_signature_choose(EVP_PKEY *key, bool tls13, const uint8_t *schemes, size_t n);

enum rp_status raw_signature_make(EVP_PKEY *key, uint16_t scheme, struct raw_bytes data,
                                  uint8_t out[static RAW_SIGNATURE_MAX],
                                  size_t *out_len) RP_MUST_USE;

#endif
