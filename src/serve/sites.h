/*
 * The SSL_CTXs of all listeners, made from the configuration: certificates loaded, joined to the
 * keyring and the cache, chosen by server name in the ClientHello callback. Made by the parent,
 * which may read the key files, and inherited by the workers.
 */
#ifndef SITES_H
#define SITES_H

#include <stddef.h>

#include <openssl/ssl.h>

#include <reprise/reprise.h>

#include "config.h"

struct sites;

/* The keyring holds every domain of the configuration already. err says FILE:LINE:COLUMN. */
enum rp_status sites_new(const struct config *config, struct rp_keyring *keyring,
                         struct rp_cache *cache, struct sites **out,
                         struct rp_error *err) RP_MUST_USE;
void sites_free(struct sites **sites);

/* Sentences for the log, as err has them: what works, but not as its owner would wish, such as a
 * list of revoked certificates that is out of date. Borrowed from sites. */
size_t sites_n_warnings(const struct sites *sites);
const char *sites_warning(const struct sites *sites, size_t i);

/* The SSL_CTX that a connection of the i-th listener begins with; borrowed. */
SSL_CTX *sites_listener_ctx(const struct sites *sites, size_t i);

/*
 * Whether host (of an HTTP request; may carry a port; any case) may be served on a connection of
 * the i-th listener whose server name is sni (NULL: none): same site, or no other site's name.
 */
bool sites_host_allowed(const struct sites *sites, size_t i, const char *sni, const char *host);

#endif
