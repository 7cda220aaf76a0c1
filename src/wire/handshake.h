/*
 * Handshake messages of a server other than ServerHello and NewSessionTicket (RFC 8446 section 4,
 * RFC 5246 section 7.4, RFC 8422). Bodies come without the handshake header; what is decoded is
 * borrowed from them. Every decoder is strict about the shape, and leaves zeroes on failure.
 */
#ifndef HANDSHAKE_H
#define HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader.h"

#define HANDSHAKE_HEADER_LEN 4

#define HANDSHAKE_HELLO_REQUEST 0
#define HANDSHAKE_CLIENT_HELLO 1
#define HANDSHAKE_SERVER_HELLO 2
#define HANDSHAKE_NEW_SESSION_TICKET 4
#define HANDSHAKE_END_OF_EARLY_DATA 5
#define HANDSHAKE_ENCRYPTED_EXTENSIONS 8
#define HANDSHAKE_CERTIFICATE 11
#define HANDSHAKE_SERVER_KEY_EXCHANGE 12
#define HANDSHAKE_CERTIFICATE_REQUEST 13
#define HANDSHAKE_SERVER_HELLO_DONE 14
#define HANDSHAKE_CERTIFICATE_VERIFY 15
#define HANDSHAKE_CLIENT_KEY_EXCHANGE 16
#define HANDSHAKE_FINISHED 20
#define HANDSHAKE_CERTIFICATE_STATUS 22
#define HANDSHAKE_KEY_UPDATE 24
#define HANDSHAKE_MESSAGE_HASH 254

/* "ServerHello"; "unknown message" for an unknown type. */
const char *handshake_word(uint8_t type);

struct handshake {
    uint8_t type;
    size_t len; /* of the body, at most 2^24 - 1 */
};

/* False while less than a header is there. */
bool handshake_decode(const uint8_t *p, size_t n, struct handshake *out);
void handshake_encode(const struct handshake *h, uint8_t out[static HANDSHAKE_HEADER_LEN]);

/* EncryptedExtensions: a block of extensions, checked (tls_extension_check). */
bool handshake_extensions_decode(const uint8_t *body, size_t n, size_t max, const uint8_t **block,
                                 size_t *block_len);

/* Certificate: a reader over the entries; TLS 1.3 has a request context, empty here, before them,
 * and extensions in each entry. */
bool handshake_certificates(const uint8_t *body, size_t n, bool tls13, struct reader *entries);

/* The next certificate as DER, at least one byte; false at the end or with the reader failed. */
bool handshake_certificate_next(struct reader *entries, bool tls13, const uint8_t **der,
                                size_t *len);

struct handshake_signature {
    uint16_t scheme;
    const uint8_t *bytes;
    size_t len;
};

bool handshake_certificate_verify_decode(const uint8_t *body, size_t n,
                                         struct handshake_signature *out);

/* ServerKeyExchange of ECDHE over a named curve. */
struct handshake_key_exchange {
    uint16_t group;
    const uint8_t *share;
    size_t share_len;
    size_t signed_len; /* the first bytes of the body, which are signed */
    struct handshake_signature signature;
};

bool handshake_key_exchange_decode(const uint8_t *body, size_t n,
                                   struct handshake_key_exchange *out);

/* CertificateRequest: which signatures the server takes, as 16-bit numbers. */
struct handshake_certificate_request {
    const uint8_t *context; /* TLS 1.3 */
    size_t context_len;
    const uint8_t *schemes;
    size_t schemes_len; /* in bytes, even */
};

bool handshake_certificate_request_decode(const uint8_t *body, size_t n, bool tls13,
                                          struct handshake_certificate_request *out);

#endif
