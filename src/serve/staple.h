/*
 * OCSP responses that a server sends with its certificate to clients that ask (RFC 6066 section 8),
 * read from files that something else keeps up to date. A resumption has no certificate and so no
 * response.
 */
#ifndef STAPLE_H
#define STAPLE_H

#include <openssl/ssl.h>

#include <reprise/status.h>

#include "config.h"
#include "source.h"

struct staples;

/*
 * Reads the site's files, whose certificates ctx has already; each must be about one of them. Warns
 * of one that is out of date, or says revoked; what is out of date is not sent, be it now or later.
 * *out outlives ctx; NULL if the site has no files.
 */
enum rp_status staples_load(SSL_CTX *ctx, const struct config_site *site,
                            const struct source *whole, struct staples **out) RP_MUST_USE;

/* Takes NULL or a pointer to NULL. */
void staples_free(struct staples **staples);

#endif
