/* The choice of a protocol (RFC 7301): the first of ours that the client offers. */
#ifndef ALPN_H
#define ALPN_H

#include <openssl/ssl.h>

#include <reprise/status.h>

#include "config.h"

struct alpn;

/* What a listener's backend speaks, or, without one, the built-in page; NULL if nothing is said. */
enum rp_status alpn_new(const struct config_listen *listen, struct alpn **out) RP_MUST_USE;
void alpn_free(struct alpn **alpn);

/*
 * A client that offers protocols, but none of ours, gets a no_application_protocol alert. alpn:
 * outlives ctx; NULL: none is ever chosen.
 */
void alpn_use(struct alpn *alpn, SSL_CTX *ctx);

/* What was chosen on a connection; empty: nothing. */
#define ALPN_TEXT_SIZE 256
void alpn_text(const SSL *ssl, char out[static ALPN_TEXT_SIZE]);

#endif
