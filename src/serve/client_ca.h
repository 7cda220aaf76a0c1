/* The CAs whose clients a site takes, and their lists of what was revoked. */
#ifndef CLIENT_CA_H
#define CLIENT_CA_H

#include <openssl/x509.h>

#include <reprise/status.h>

#include "config.h"
#include "source.h"

/*
 * The certificates of all bundles, at least one, each a CA's or its own issuer. *out: the caller's
 * to free. Warns of those that have expired.
 */
enum rp_status client_ca_read(const struct config_strings *bundles, const struct source *whole,
                              STACK_OF(X509) * *out) RP_MUST_USE;

/*
 * Adds the lists of all files to the store; each must be signed by one of the CAs, and each CA must
 * have one, for without it libcrypto refuses all its clients. Warns of those that are out of date,
 * which refuse all clients too, but which their owner may replace while we run.
 */
enum rp_status client_crl_read(const struct config_strings *files, STACK_OF(X509) * cas,
                               const struct source *whole, X509_STORE *store) RP_MUST_USE;

#endif
