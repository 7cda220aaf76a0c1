/*
 * How many tickets a connection gets: the configured number, or what the client asked for in a
 * ticket_request (RFC 9149), capped.
 */
#ifndef TICKET_COUNT_H
#define TICKET_COUNT_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "resumption.h"

/* Registers the extension; false: the application answers it already, or no memory. */
bool ticket_count_register(SSL_CTX *ctx);

/*
 * Notes the request, for a PSK that is to be judged: libssl hands the extension over only later.
 * Good while libssl looks for a session to resume.
 */
void ticket_count_read(SSL *ssl, struct resumption *r);

/* After a full TLS 1.3 handshake and after a resumed one. */
unsigned ticket_count_full(const struct resumption *r, const struct attachment *site);
unsigned ticket_count_resumed(const struct resumption *r, const struct attachment *site);

#endif
