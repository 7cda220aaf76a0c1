/*
 * Writes the ASN.1 SSL_SESSION that libssl's d2i_SSL_SESSION reads (ssl/ssl_asn1.c in OpenSSL 1.0.0
 * and later; fields that are left out take their defaults). The only way to hand libssl a session
 * with the extended master secret flag.
 */
#ifndef SESSION_DER_H
#define SESSION_DER_H

#include <stddef.h>
#include <stdint.h>

#include "session_record.h"

#define SESSION_DER_MAX (SESSION_RECORD_MAX + 256)

struct session_der {
    const uint8_t *session_id; /* at most 32 bytes */
    size_t session_id_len;
    const uint8_t *id_context; /* at most 32 bytes */
    size_t id_context_len;
    int64_t time_s; /* wall clock, as libssl compares it; at least 1 */
};

/*
 * The length written; out then holds secrets. 0 if it does not fit or a field is outside its range;
 * out then holds none. The lifetime is at least 1 s: libssl reads a time or a lifetime of 0 as
 * "none given".
 */
size_t session_der_encode(const struct session_record *r, const struct session_der *d, uint8_t *out,
                          size_t size);

#endif
