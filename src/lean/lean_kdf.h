/*
 * The key derivations that libssl asks for in every handshake, as a provider offers them
 * (provider-kdf(7)): TLS13-KDF (RFC 8446 7.1) and TLS1-PRF (RFC 5246 5).
 *
 * A derivation that comes with all its inputs at once, in the shape and with the hashes that libssl
 * uses, is done here, and nothing of it is kept. Whatever else comes to a context (other hashes and
 * lengths, inputs one after the other, anything that is amiss) goes to a context of the default
 * provider, which then takes all that follows: the answer is always libcrypto's.
 *
 * One difference stays: after a derivation the inputs are not there for another.
 */
#ifndef LEAN_KDF_H
#define LEAN_KDF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/core.h>
#include <openssl/kdf.h>

#include <reprise/status.h>

#include "lean_hash.h"

#define LEAN_KDF_HASHES 2

/* What contexts use; it outlives them, and nothing in it changes meanwhile. Of zeroes there are no
 * contexts. */
struct lean_kdfs {
    struct lean_hash hashes[LEAN_KDF_HASHES];
    EVP_KDF *tls13; /* the default provider's */
    EVP_KDF *prf;
};

/* Fetches; not while a provider is being loaded. On failure *kdfs is zeroes. */
enum rp_status lean_kdfs_init(struct lean_kdfs *kdfs) RP_MUST_USE;

/* Takes zeroes too. */
void lean_kdfs_fini(struct lean_kdfs *kdfs);

/* NULL if it is none of them. */
const struct lean_hash *lean_kdfs_hash(const struct lean_kdfs *kdfs, const OSSL_PARAM *name);

/*
 * n bytes for params. False: not in the shape that is done here, or out of memory, and out is
 * undefined.
 */
bool lean_tls13_derive(const struct lean_kdfs *kdfs, const OSSL_PARAM *params, uint8_t *out,
                       size_t n) RP_MUST_USE;
bool lean_prf_derive(const struct lean_kdfs *kdfs, const OSSL_PARAM *params, uint8_t *out,
                     size_t n) RP_MUST_USE;

/* Of a provider whose context is a struct lean_kdfs. */
extern const OSSL_ALGORITHM lean_kdf_algorithms[];

#endif
