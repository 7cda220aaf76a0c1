/* What the parent makes from a configuration before it forks, and its children inherit. */
#ifndef RESOURCES_H
#define RESOURCES_H

#include <reprise/cache.h>
#include <reprise/keyring.h>
#include <reprise/status.h>

#include "config.h"
#include "fleet_secret.h"
#include "log.h"
#include "privileges.h"
#include "static_keys.h"

/*
 * With room for more domains than the configuration has, so that a reload can bring some, where the
 * limit of locked memory allows it. Logs the kind of memory; as a warning, with the reason, if it
 * is not the best. log: NULL: not.
 */
enum rp_status resources_keyring(const struct config *config, const struct log *log,
                                 struct rp_keyring **out, struct rp_error *err) RP_MUST_USE;

/* Room for keys of other rings, which a host of a fleet needs (keyring_rings.h). */
unsigned resources_spare_keys(const struct config *config);

/* The bytes of all listeners' caches together; 0: none of them has one. */
uint64_t resources_cache_bytes(const struct config *config);

/* *out is NULL if there is none. */
enum rp_status resources_cache(const struct config *config, struct rp_cache **out,
                               struct rp_error *err) RP_MUST_USE;

/* Reads and judges the static keys, of which there are some. The caller wipes keys. */
enum rp_status resources_read_keys(const struct config *config,
                                   struct stek keys[static STATIC_KEYS_MAX],
                                   struct rp_error *err) RP_MUST_USE;

/* The same, for whoever needs the judgement alone; RP_OK if there are none. */
enum rp_status resources_check_keys(const struct config *config, struct rp_error *err) RP_MUST_USE;

/* Judges the address of the store, and reads the fleet's secrets, which the caller wipes; none
 * where there is no store. */
enum rp_status resources_fleet(const struct config *config, struct fleet_secrets *out,
                               struct rp_error *err) RP_MUST_USE;

/* Makes the folder of a store that is one, where it is missing; owner: NULL: ourselves. What goes
 * wrong is logged, for the courier goes on trying. */
void resources_store_folder(const struct config *config, const struct privileges_account *owner,
                            const struct log *log);

/* All that -t checks, without a process, a socket or a trace. */
enum rp_status resources_check(const struct config *config, struct rp_error *err) RP_MUST_USE;

#endif
