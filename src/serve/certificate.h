/* Gives an SSL_CTX the certificates and keys of a site. */
#ifndef CERTIFICATE_H
#define CERTIFICATE_H

#include <openssl/ssl.h>

#include <reprise/status.h>

#include "config.h"
#include "source.h"

/*
 * Loads every chain and key of the site, or makes a self-signed certificate if it has none. One
 * certificate of each kind of key: RSA and ECDSA go together, two RSA do not. What is wrong is said
 * at its place, with the PEM file.
 */
enum rp_status certificate_load(SSL_CTX *ctx, const struct config_site *site,
                                const struct source *whole) RP_MUST_USE;

#endif
