/*
 * The ciphers and MACs that tickets are sealed with, on one key after another: what the key setup
 * costs is paid once for many tickets. Not for several threads at a time.
 */
#ifndef TICKET_CIPHER_H
#define TICKET_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "ticket_layout.h"

#define TICKET_BLOCK 16
#define TICKET_MAC_MAX 64

/* name, name in libcrypto, what people call it, tag */
#define TICKET_HASH_MAP(X)                                                                         \
    X(SHA256, "SHA256", "HMAC-SHA256", 32)                                                         \
    X(SHA1, "SHA1", "HMAC-SHA1", 20)                                                               \
    X(SHA384, "SHA384", "HMAC-SHA384", 48)                                                         \
    X(SHA512, "SHA512", "HMAC-SHA512", 64)                                                         \
    X(MD5, "MD5", "HMAC-MD5", 16)

enum ticket_hash {
#define TICKET_HASH_ENUM(name, word, text, len) TICKET_HASH_##name,
    TICKET_HASH_MAP(TICKET_HASH_ENUM)
#undef TICKET_HASH_ENUM
        TICKET_HASHES
};

const char *ticket_hash_text(enum ticket_hash hash);
size_t ticket_hash_len(enum ticket_hash hash);

/* name, name in libcrypto for keys of 16 and of 32 bytes (NULL: none), what people call it */
#define TICKET_AEAD_MAP(X)                                                                         \
    X(GCM, "AES-128-GCM", "AES-256-GCM", "AES-GCM")                                                \
    X(CCM, "AES-128-CCM", "AES-256-CCM", "AES-CCM")                                                \
    X(CHACHA, NULL, "ChaCha20-Poly1305", "ChaCha20-Poly1305")

enum ticket_aead {
#define TICKET_AEAD_ENUM(name, short_key, long_key, text) TICKET_AEAD_##name,
    TICKET_AEAD_MAP(TICKET_AEAD_ENUM)
#undef TICKET_AEAD_ENUM
        TICKET_AEADS
};

const char *ticket_aead_text(enum ticket_aead aead);

struct ticket_cipher;

enum rp_status ticket_cipher_new(struct ticket_cipher **out) RP_MUST_USE;
void ticket_cipher_free(struct ticket_cipher **cipher);

/*
 * All that follows returns false if libcrypto cannot do it, or if a tag is wrong. An AES key has 16
 * or 32 bytes and stays until the next one. Whole blocks are n bytes, a multiple of TICKET_BLOCK;
 * out may be in.
 */
bool ticket_cipher_set_key(struct ticket_cipher *c, const uint8_t *key, size_t n);
bool ticket_cipher_encrypt_blocks(struct ticket_cipher *c, const uint8_t *in, size_t n,
                                  uint8_t *out);
bool ticket_cipher_decrypt_blocks(struct ticket_cipher *c, const uint8_t *in, size_t n,
                                  uint8_t *out);

/* CBC without looking at padding; out and in do not overlap. */
bool ticket_cipher_cbc(struct ticket_cipher *c, const uint8_t iv[static TICKET_BLOCK],
                       const uint8_t *in, size_t n, uint8_t *out);

/* Counter mode from this block on, for any n; out and in do not overlap. */
bool ticket_cipher_ctr(struct ticket_cipher *c, const uint8_t start[static TICKET_BLOCK],
                       const uint8_t *in, size_t n, uint8_t *out);

/* With a key of its own. out has room for the ciphertext's length. */
bool ticket_cipher_aead(struct ticket_cipher *c, enum ticket_aead aead, struct ticket_bytes key,
                        struct ticket_bytes nonce, struct ticket_bytes aad,
                        struct ticket_bytes ciphertext, struct ticket_bytes tag, uint8_t *out);

/* The key of a hash stays until the next one. */
bool ticket_cipher_set_mac_key(struct ticket_cipher *c, enum ticket_hash hash, const uint8_t *key,
                               size_t n);
bool ticket_cipher_mac(struct ticket_cipher *c, enum ticket_hash hash, const uint8_t *p, size_t n,
                       uint8_t out[static TICKET_MAC_MAX]);

#endif
