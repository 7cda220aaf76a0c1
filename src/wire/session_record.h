/*
 * A TLS 1.2 session as the cache keeps it, before sealing: what cannot be derived from where it
 * lies (docs/formats/session.md). Trailing bytes and unknown versions are refused.
 */
#ifndef SESSION_RECORD_H
#define SESSION_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session_meta.h"

#define SESSION_MASTER_LEN 48
#define SESSION_PEER_MAX 16384
#define SESSION_RECORD_FIXED_LEN 100 /* all of it, when the client showed no certificate */
#define SESSION_RECORD_MAX (SESSION_RECORD_FIXED_LEN + 2 + SESSION_PEER_MAX)

struct session_record {
    struct session_meta meta;           /* version is not written: it is 0x0303 */
    uint32_t lifetime_s;                /* from meta.sealed_ms on */
    uint16_t cipher;                    /* suite on the wire */
    uint8_t master[SESSION_MASTER_LEN]; /* secret */
    const uint8_t *peer;                /* client's certificate, DER, borrowed; NULL: none */
    size_t peer_len;
    uint32_t verify_result; /* X509_V_*, as libssl keeps it */
};

/*
 * The encoded length; out then holds secrets. 0 if out is too small, peer too long, or a field
 * outside its range; out then holds none.
 */
size_t session_record_encode(const struct session_record *r, uint8_t *out, size_t size);

/* peer borrows from p. On failure out is all zeroes; else it holds secrets. */
bool session_record_decode(const uint8_t *p, size_t n, struct session_record *out);

#endif
