/*
 * The chain of epochs: chain[e+1] = HKDF(chain[e], "next"), root[e] = HKDF(chain[e], "root")
 * (HKDF-Expand of RFC 5869 with SHA-256; info in docs/formats/keyring.md). Nobody who holds
 * chain[e+1] can compute chain[e].
 */
#ifndef RATCHET_H
#define RATCHET_H

#include <stdint.h>

#include <reprise/status.h>

#define RATCHET_LEN 32
#define RATCHET_ID_LEN 16

/* chain becomes the value of the next epoch; epoch is that of the value before. */
enum rp_status ratchet_next(uint8_t chain[static RATCHET_LEN],
                            const uint8_t ring_id[static RATCHET_ID_LEN],
                            uint64_t epoch) RP_MUST_USE;

enum rp_status ratchet_root(const uint8_t chain[static RATCHET_LEN],
                            const uint8_t ring_id[static RATCHET_ID_LEN], uint64_t epoch,
                            uint8_t root[static RATCHET_LEN]) RP_MUST_USE;

#endif
