/* The ticket_request extension, type 58 (RFC 9149 section 3). */
#ifndef TICKET_REQUEST_H
#define TICKET_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TICKET_REQUEST_TYPE 58

struct ticket_request {
    uint8_t new_session; /* tickets wanted after a full handshake */
    uint8_t resumption;  /* and after a resumption */
};

/* From a ClientHello. */
bool ticket_request_decode(const uint8_t *body, size_t n, struct ticket_request *out);
size_t ticket_request_encode(const struct ticket_request *r, uint8_t out[static 2]);

/* The hint in EncryptedExtensions: how many tickets the server will send. */
bool ticket_request_hint_decode(const uint8_t *body, size_t n, uint8_t *expected);
size_t ticket_request_hint_encode(uint8_t expected, uint8_t out[static 1]);

#endif
