/* Gives an SSL_CTX the certificates and keys of a site. */
#ifndef CERTIFICATE_H
#define CERTIFICATE_H

#include <openssl/ssl.h>

#include <reprise/status.h>

#include "config.h"

/*
 * Loads every chain and key of the site, or makes a self-signed certificate if it has none. One
 * certificate of each kind of key: RSA and ECDSA go together, two RSA do not. err says
 * FILE:LINE:COLUMN and the PEM file.
 */
enum rp_status certificate_load(SSL_CTX *ctx, const struct config *config,
                                const struct config_site *site, struct rp_error *err) RP_MUST_USE;

#endif
