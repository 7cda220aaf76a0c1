/* Makes sessions and tickets for the tests of who takes them apart, by libcrypto's own modes. */
#ifndef TICKET_KIT_H
#define TICKET_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIT_TICKET_MAX 1024

struct kit_key {
    uint8_t name[16];
    uint8_t aes[32];
    size_t aes_len; /* 16 or 32 */
    uint8_t hmac[64];
    size_t hmac_len;
};

/* Another key for each seed; every byte differs from its neighbours. */
struct kit_key kit_key(uint8_t seed, size_t aes_len, size_t hmac_len);

/* Bytes that look random, always the same for a seed. */
void kit_random(uint32_t seed, uint8_t *out, size_t n);

/* A TLS 1.2 session in DER with extended master secret and a secret made of the seed: its length.
 */
size_t kit_session(uint32_t seed, uint8_t out[static KIT_TICKET_MAX]);
void kit_secret(uint32_t seed, uint8_t out[static 48]);

struct kit_seal {
    const char *cipher; /* "AES-256-CBC", "AES-128-CTR", ... */
    const char *hash;   /* "SHA256" */
    bool with_len;      /* the ciphertext's length before it */
    bool no_name;
};

/* name, IV, [length], ciphertext, MAC over all of it: its length. */
size_t kit_seal(const struct kit_seal *how, const struct kit_key *key, const uint8_t iv[static 16],
                const uint8_t *plain, size_t n, uint8_t out[static KIT_TICKET_MAX]);

/* The way of OpenSSL, with the IV made of the seed too. */
size_t kit_ticket(const struct kit_key *key, uint32_t seed, uint8_t out[static KIT_TICKET_MAX]);

#endif
