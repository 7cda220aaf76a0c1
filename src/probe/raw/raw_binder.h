/* The binders of pre_shared_key (RFC 8446 section 4.2.11.2), right ones and wrong ones. */
#ifndef RAW_BINDER_H
#define RAW_BINDER_H

#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "raw_hash.h"
#include "raw_hello.h"
#include "raw_random.h"

#define RAW_BINDER_MAX (RAW_HASH_MAX + 1)

struct raw_binder_bytes {
    uint8_t bytes[RAW_BINDER_MAX];
    size_t len; /* 0: no entry */
};

/* What binders are made over. */
struct raw_binder_input {
    struct raw_bytes truncated;   /* the ClientHello before its binders */
    struct raw_bytes first_hello; /* before a HelloRetryRequest; empty without one */
    struct raw_bytes retry;
};

/* Known before the rest is. 0: no entry. */
size_t raw_binder_len(const struct raw_psk *psk);

/* stale: what went with this identity in the first ClientHello; NULL: nothing did. */
enum rp_status raw_binder_make(const struct raw_psk *psk, const struct raw_binder_input *input,
                               const struct raw_binder_bytes *stale, struct raw_random *random,
                               struct raw_binder_bytes *out) RP_MUST_USE;

/* The early secret (RFC 8446 section 7.1) of a PSK under the hash of its suite. */
enum rp_status raw_early_secret(const EVP_MD *md, const struct raw_session *s,
                                uint8_t out[static RAW_HASH_MAX]) RP_MUST_USE;

#endif
