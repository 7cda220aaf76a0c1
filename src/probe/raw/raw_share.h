/* One ephemeral key of a Diffie-Hellman group: X25519, P-256, P-384. */
#ifndef RAW_SHARE_H
#define RAW_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include <reprise/status.h>

#include "raw_random.h"

#define RAW_SHARE_PUBLIC_MAX 97
#define RAW_SHARE_SECRET_MAX 48

struct raw_share {
    uint16_t group;
    EVP_PKEY *key;
    uint8_t public_key[RAW_SHARE_PUBLIC_MAX];
    size_t public_len;
};

/* RP_INVALID: a group that we do not have. */
enum rp_status raw_share_init(struct raw_share *s, uint16_t group,
                              struct raw_random *random) RP_MUST_USE;

/* Takes zeroes. */
void raw_share_fini(struct raw_share *s);

/* RP_FORMAT: the peer's share is none of this group. */
enum rp_status raw_share_derive(const struct raw_share *s, const uint8_t *peer, size_t n,
                                uint8_t out[static RAW_SHARE_SECRET_MAX],
                                size_t *out_len) RP_MUST_USE;

#endif
