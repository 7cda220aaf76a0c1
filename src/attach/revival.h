/*
 * Makes libssl's session of a cache record. Decoding ASN.1 is the only way to give one its extended
 * master secret flag, and it is slow; so each attachment decodes one blank session, of which the
 * rest are copies.
 */
#ifndef REVIVAL_H
#define REVIVAL_H

#include <stdint.h>

#include <openssl/ssl.h>

#include "session_id.h"
#include "session_record.h"

/* TLS 1.2, extended master secret, no client certificate; NULL: out of memory. */
SSL_SESSION *revival_blank(const uint8_t context[static SESSION_CONTEXT_LEN]);

/* time_s: what libssl is to take for the time it was made. NULL: it cannot be had. */
SSL_SESSION *revival_of(SSL *ssl, const SSL_SESSION *blank, const struct session_record *record,
                        const uint8_t id[static SESSION_ID_LEN], int64_t time_s);

#endif
