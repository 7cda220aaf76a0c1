/*
 * The exchange of noise.h with ephemeral keys that the caller brings: for test vectors, and for
 * simulations that must come out the same each time. A key that is used twice protects nothing.
 */
#ifndef NOISE_CORE_H
#define NOISE_CORE_H

#include "noise.h"

/* e: an X25519 key pair, transferred, also on failure; NULL fails as where none could be made. */
enum rp_status noise_ask_with(struct noise *noise, EVP_PKEY *e,
                              const uint8_t psk[static NOISE_PSK_LEN], const uint8_t *prologue,
                              size_t prologue_len, const uint8_t *payload, size_t n,
                              uint8_t *out) RP_MUST_USE;
enum rp_status noise_answer_with(struct noise *noise, EVP_PKEY *e, const uint8_t *payload, size_t n,
                                 uint8_t *out) RP_MUST_USE;

#endif
