/* What the parent makes before it forks, and its children inherit. */
#ifndef RESOURCES_H
#define RESOURCES_H

#include <reprise/status.h>

#include "config.h"
#include "log.h"
#include "sites.h"
#include "static_keys.h"

struct resources {
    struct rp_keyring *keyring;
    struct rp_cache *cache; /* NULL: no listener has one */
    struct sites *sites;
};

/* Logs the kind of memory; as a warning, with the reason, if it is not the best. log: NULL: not. */
enum rp_status resources_keyring(struct resources *resources, const struct config *config,
                                 const struct log *log, struct rp_error *err) RP_MUST_USE;

/* When the keyring holds the domains. */
enum rp_status resources_sites(struct resources *resources, const struct config *config,
                               struct rp_error *err) RP_MUST_USE;

/* Reads and judges the static keys, of which there are some. The caller wipes keys. */
enum rp_status resources_read_keys(const struct config *config,
                                   struct stek keys[static STATIC_KEYS_MAX],
                                   struct rp_error *err) RP_MUST_USE;

void resources_fini(struct resources *resources);

/* All that -t checks, without a process, a socket or a trace. */
enum rp_status resources_check(const struct config *config, struct rp_error *err) RP_MUST_USE;

#endif
