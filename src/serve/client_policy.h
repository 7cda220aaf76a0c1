/*
 * What a site demands of its clients: whether they must show a certificate, of whom, and not
 * revoked by whom. Sessions are bound to it.
 */
#ifndef CLIENT_POLICY_H
#define CLIENT_POLICY_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include <reprise/status.h>

#include "config.h"
#include "source.h"

#define CLIENT_POLICY_SIZE 128

/*
 * Makes ctx demand what the site does. text: the policy for rp_attach, "client_verify=off" or
 * client_verify, client_verify_depth and a hash over the CAs' names and keys. So it is the same on
 * every host and whatever the order of a bundle, and after a CA's certificate was renewed for the
 * same key. Lists of revoked certificates are no part of it: a resumption looks at those of today.
 */
enum rp_status client_policy_load(SSL_CTX *ctx, const struct config_site *site,
                                  const struct source *whole,
                                  char text[static CLIENT_POLICY_SIZE]) RP_MUST_USE;

/* Of a handshake that failed: whether the client's certificate was refused, and then why. */
#define CLIENT_REFUSAL_SIZE 128
bool client_policy_refused(const SSL *ssl, char reason[static CLIENT_REFUSAL_SIZE]);

#endif
