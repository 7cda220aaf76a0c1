/*
 * A session record sealed for the cache: AES-256-GCM under a key of its own, which HChaCha20 makes
 * of the session ID, with a random nonce; the session ID is authenticated along
 * (docs/formats/session.md).
 *
 *     nonce 12 | ciphertext | tag 16
 */
#ifndef SESSION_SEAL_H
#define SESSION_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>
#include <reprise/verdict.h>

#include "algorithms.h"
#include "session_id.h"

#define SESSION_SEAL_OVERHEAD 28

/* out has room for n + SESSION_SEAL_OVERHEAD. */
enum rp_status session_seal(const struct algorithms *a, const struct window_key *key,
                            const uint8_t id[static SESSION_ID_LEN], const uint8_t *plain, size_t n,
                            uint8_t *out) RP_MUST_USE;

/*
 * ACCEPTED, FORGED or MALFORMED; out has room for n - SESSION_SEAL_OVERHEAD. FORGED may
 * empty libcrypto's error queue, as libssl does before each of its calls.
 */
enum rp_status session_open(const struct algorithms *a, const struct window_key *key,
                            const uint8_t id[static SESSION_ID_LEN], const uint8_t *sealed,
                            size_t n, enum rp_verdict *verdict, uint8_t *out,
                            size_t *out_len) RP_MUST_USE;

#endif
