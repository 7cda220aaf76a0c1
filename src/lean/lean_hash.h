/*
 * A hash of libcrypto's default provider, called as libcrypto itself calls it: by the provider's
 * own functions (provider-digest(7)), without the envelope of EVP, which takes a third as long
 * again as the hash of what a handshake hashes. And HMAC (RFC 2104) over it.
 *
 * Concurrency: after lean_hash_init any thread may use it; it stays good over fork.
 */
#ifndef LEAN_HASH_H
#define LEAN_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/core_dispatch.h>
#include <openssl/evp.h>

#include <reprise/status.h>

#define LEAN_HASH_SIZE 64   /* of the longest that there may be */
#define LEAN_HASH_BLOCK 128 /* the same, of its block */

struct lean_span {
    const uint8_t *p;
    size_t n;
};

struct lean_hash {
    EVP_MD *md;
    void *provider;
    OSSL_FUNC_digest_newctx_fn *newctx;
    OSSL_FUNC_digest_init_fn *init;
    OSSL_FUNC_digest_update_fn *update;
    OSSL_FUNC_digest_final_fn *final;
    OSSL_FUNC_digest_freectx_fn *freectx; /* wipes */
    size_t size;
    size_t block;
    uint8_t empty[LEAN_HASH_SIZE]; /* hash of no bytes */
};

/* By libcrypto's first name for it, as in SHA2-256. On failure *h is zeroes. */
enum rp_status lean_hash_init(struct lean_hash *h, const char *name) RP_MUST_USE;

/* Takes zeroes too. */
void lean_hash_fini(struct lean_hash *h);

/* n bytes that are the name of this hash, exactly as libssl says it. */
bool lean_hash_is(const struct lean_hash *h, const void *name, size_t n);

/*
 * HMAC of all parts, one after the other. out has h->size bytes; it may be a part. False: the key
 * is longer than a block, or out of memory; out is then as it was. Nothing of the key stays behind.
 */
bool lean_hash_hmac(const struct lean_hash *h, struct lean_span key, const struct lean_span *parts,
                    size_t n_parts, uint8_t *out) RP_MUST_USE;

#endif
