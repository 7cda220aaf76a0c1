/*
 * Noise_NNpsk0_25519_AESGCM_SHA256 (The Noise Protocol Framework, revision 34): two messages, after
 * which nobody has the keys any more. NN: no static keys, the pre-shared key authenticates.
 * The caller brings the bytes to the other side.
 */
#ifndef NOISE_H
#define NOISE_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include <reprise/status.h>

#define NOISE_PSK_LEN 32
#define NOISE_HASH_LEN 32
#define NOISE_OVERHEAD 48 /* of a message over its payload: ephemeral key 32, tag 16 */
#define NOISE_MESSAGE_MAX 65535

/*
 * The symmetric state, and an ephemeral key: who asks keeps its own, who is asked the other's
 * public one. Secret; wiped by noise_fini.
 */
struct noise {
    uint8_t ck[NOISE_HASH_LEN];
    uint8_t h[NOISE_HASH_LEN];
    uint8_t k[32];
    EVP_PKEY *e;
};

/*
 * The first message, by who asks: out has room for n + NOISE_OVERHEAD bytes. Then noise holds what
 * noise_finish needs. What noise held before is not looked at. RP_INVALID: the message would be
 * longer than NOISE_MESSAGE_MAX. On failure noise is zeroes.
 */
enum rp_status noise_ask(struct noise *noise, const uint8_t psk[static NOISE_PSK_LEN],
                         const uint8_t *prologue, size_t prologue_len, const uint8_t *payload,
                         size_t n, uint8_t *out) RP_MUST_USE;

/*
 * Reads it, by who is asked: payload has room for n - NOISE_OVERHEAD bytes. RP_FORMAT: too short
 * or too long, or it does not authenticate. On success noise is ready for noise_answer, on failure
 * zeroes, and so is payload. The same message is heard as often as it comes: the caller knows which
 * it has answered.
 */
enum rp_status noise_hear(struct noise *noise, const uint8_t psk[static NOISE_PSK_LEN],
                          const uint8_t *prologue, size_t prologue_len, const uint8_t *message,
                          size_t n, uint8_t *payload) RP_MUST_USE;

/*
 * The second message; noise is wiped, also on failure. out: n + NOISE_OVERHEAD bytes. RP_FORMAT:
 * the other's ephemeral key is one of those that agree with every key on the same secret.
 */
enum rp_status noise_answer(struct noise *noise, const uint8_t *payload, size_t n,
                            uint8_t *out) RP_MUST_USE;

/*
 * Reads that. RP_FORMAT: it does not authenticate. On failure noise stays as it was, for another
 * message may, and payload is zeroes. On success noise is wiped, and the caller wipes payload
 * (n - NOISE_OVERHEAD bytes).
 */
enum rp_status noise_finish(struct noise *noise, const uint8_t *message, size_t n,
                            uint8_t *payload) RP_MUST_USE;

/* Wipes and frees. Takes a zeroed struct. */
void noise_fini(struct noise *noise);

#endif
