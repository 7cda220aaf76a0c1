/* ServerHello and HelloRetryRequest (RFC 8446 section 4.1.3, RFC 5246 section 7.4.1.3). */
#ifndef SERVER_HELLO_H
#define SERVER_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERVER_HELLO_EXTENSIONS_MAX 24

/* Borrowed from the message. */
struct server_hello {
    uint16_t legacy_version;
    uint16_t version;      /* of supported_versions, or else legacy_version */
    const uint8_t *random; /* 32 bytes */
    bool retry;            /* a HelloRetryRequest, by its random */
    const uint8_t *session_id;
    size_t session_id_len; /* at most 32 */
    uint16_t suite;
    const uint8_t *extensions; /* the block without its length; not NULL */
    size_t extensions_len;

    uint16_t group; /* key_share: 0: none */
    const uint8_t *share;
    size_t share_len; /* 0 in a HelloRetryRequest */
    bool has_psk;
    uint16_t psk_index;
    const uint8_t *cookie; /* HelloRetryRequest; NULL: none */
    size_t cookie_len;
};

/*
 * The body of the message, without its handshake header. At most 24 extensions, none twice; those
 * that are in the struct are well formed. What values mean is not judged. False: out is all zeroes.
 */
bool server_hello_decode(const uint8_t *body, size_t n, struct server_hello *out);

#endif
