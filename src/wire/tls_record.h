/* The header of a TLS record (RFC 8446 section 5.1, RFC 5246 section 6.2). */
#ifndef TLS_RECORD_H
#define TLS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_RECORD_HEADER_LEN 5
#define TLS_RECORD_PLAIN_MAX 16384
#define TLS_RECORD_SEALED_MAX_12 (TLS_RECORD_PLAIN_MAX + 2048)
#define TLS_RECORD_SEALED_MAX_13 (TLS_RECORD_PLAIN_MAX + 256)

#define TLS_RECORD_CHANGE_CIPHER_SPEC 20
#define TLS_RECORD_ALERT 21
#define TLS_RECORD_HANDSHAKE 22
#define TLS_RECORD_APPLICATION_DATA 23

struct tls_record {
    uint8_t type;
    uint16_t version;
    uint16_t len; /* of what follows the header */
};

enum tls_record_verdict {
    TLS_RECORD_WHOLE,   /* a whole record is there */
    TLS_RECORD_PART,    /* right so far, more is due */
    TLS_RECORD_NOT_TLS, /* no type or version of a record: told as soon as the byte is there */
    TLS_RECORD_TOO_LONG,
};

/* What the n bytes at p begin with. max: the longest record that is allowed. out is filled when the
 * header is there. */
enum tls_record_verdict tls_record_decode(const uint8_t *p, size_t n, size_t max,
                                          struct tls_record *out);

void tls_record_encode(const struct tls_record *r, uint8_t out[static TLS_RECORD_HEADER_LEN]);

#endif
