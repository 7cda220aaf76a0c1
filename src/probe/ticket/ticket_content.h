/* What a ticket holds once it is open, as far as the bytes say by themselves. */
#ifndef TICKET_CONTENT_H
#define TICKET_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session_asn1.h"
#include "text.h"

/*
 * The state that Go seals: version, then a type or not, cipher suite, time of creation in seconds.
 * A guess by ranges that random bytes meet less than once in 2^50 times.
 */
struct go_state {
    uint16_t version;
    uint16_t cipher;
    int64_t created_s;
};

bool go_state_detect(const uint8_t *p, size_t n, struct go_state *out);

/* "TLS 1.3", "SSL 3.0", or the number. */
void ticket_content_add_version(struct text *t, uint16_t version);

/* The name of a cipher suite as the standards have it, or its number. */
void ticket_content_add_cipher(struct text *t, uint16_t cipher);

/* "a TLS 1.3 session, cipher TLS_AES_256_GCM_SHA384, for localhost": no secrets. */
void ticket_content_describe(struct text *t, const struct session_asn1 *session);

/* Bytes of somebody else's making, with what a terminal should not see as \xNN. */
void ticket_content_add_safely(struct text *t, const uint8_t *p, size_t n);

#endif
