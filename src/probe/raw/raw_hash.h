/* Hashes and what is derived with them: HKDF of RFC 5869 and its labels in RFC 8446 section 7.1,
 * the PRF of RFC 5246 section 5. */
#ifndef RAW_HASH_H
#define RAW_HASH_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include <reprise/status.h>

#define RAW_HASH_MAX 48

struct raw_bytes {
    const uint8_t *p;
    size_t n;
};

size_t raw_hash_len(const EVP_MD *md);

/* Over the parts, one after the other. */
enum rp_status raw_hash(const EVP_MD *md, const struct raw_bytes *parts, size_t n_parts,
                        uint8_t out[static RAW_HASH_MAX]) RP_MUST_USE;

enum rp_status raw_hmac(const EVP_MD *md, struct raw_bytes key, struct raw_bytes data,
                        uint8_t out[static RAW_HASH_MAX]) RP_MUST_USE;

/* HKDF-Extract; an empty salt or ikm stands for as many zeroes as the hash is long. */
enum rp_status raw_extract(const EVP_MD *md, struct raw_bytes salt, struct raw_bytes ikm,
                           uint8_t out[static RAW_HASH_MAX]) RP_MUST_USE;

/* HKDF-Expand-Label of a secret as long as the hash; out: at most as long as the hash. */
enum rp_status raw_expand_label(const EVP_MD *md, const uint8_t *secret, const char *label,
                                struct raw_bytes context, uint8_t *out, size_t n) RP_MUST_USE;

/* Of TLS 1.2. */
enum rp_status raw_prf(const EVP_MD *md, struct raw_bytes secret, const char *label,
                       struct raw_bytes seed, uint8_t *out, size_t n) RP_MUST_USE;

#endif
