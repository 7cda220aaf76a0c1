/* Extensions of TLS messages: their numbers, and a walk over a block of them. */
#ifndef TLS_EXTENSION_H
#define TLS_EXTENSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader.h"

#define TLS_EXT_SERVER_NAME 0
#define TLS_EXT_SUPPORTED_GROUPS 10
#define TLS_EXT_EC_POINT_FORMATS 11
#define TLS_EXT_SIGNATURE_ALGORITHMS 13
#define TLS_EXT_ALPN 16
#define TLS_EXT_PADDING 21
#define TLS_EXT_EXTENDED_MASTER_SECRET 23
#define TLS_EXT_SESSION_TICKET 35
#define TLS_EXT_PRE_SHARED_KEY 41
#define TLS_EXT_EARLY_DATA 42
#define TLS_EXT_SUPPORTED_VERSIONS 43
#define TLS_EXT_COOKIE 44
#define TLS_EXT_PSK_MODES 45
#define TLS_EXT_KEY_SHARE 51
#define TLS_EXT_RENEGOTIATION_INFO 0xff01

struct tls_extension {
    uint16_t type;
    const uint8_t *body; /* borrowed; not NULL even if it is empty */
    size_t len;
};

/* The next of a block without its length; false at its end, or with the reader failed. */
bool tls_extension_next(struct reader *block, struct tls_extension *out);

/* The first of that type; false if there is none before the end or before what is malformed. */
bool tls_extension_find(const uint8_t *block, size_t n, uint16_t type, struct tls_extension *out);

/* Well formed, at most max, no type twice. */
bool tls_extension_check(const uint8_t *block, size_t n, size_t max);

#endif
