/* From a raw_hello, and what belongs to one connection, to the bytes of a ClientHello. */
#ifndef RAW_HELLO_ENCODE_H
#define RAW_HELLO_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "raw_binder.h"
#include "raw_buffer.h"
#include "raw_hello.h"
#include "raw_random.h"
#include "raw_share.h"

#define RAW_RANDOM_LEN 32
#define RAW_IDENTITIES_MAX 2048

struct raw_hello_parts {
    const uint8_t *client_random; /* 32 bytes */
    const uint8_t *session_id;
    size_t session_id_len;
    const struct raw_share *shares;
    size_t n_shares;
    struct raw_random *random;

    /* After HelloRetryRequest, else empty. */
    bool retried;
    struct raw_bytes cookie;
    struct raw_bytes first_hello;
    struct raw_bytes retry;

    /* A renegotiation leaves out all that TLS 1.3 brought. */
    bool renegotiation;
    struct raw_bytes verify_data;

    /* A list of struct raw_binder_bytes: filled by the first ClientHello, read by the second. */
    struct raw_buffer *binders;
};

/* Adds the message to out. RP_INVALID: something does not fit where it must stand. */
enum rp_status raw_hello_encode(const struct raw_hello *h, struct raw_hello_parts *parts,
                                struct raw_buffer *out) RP_MUST_USE;

#endif
