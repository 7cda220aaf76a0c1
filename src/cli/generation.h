/*
 * A generation: one configuration, what was made from it, and, by its number, the workers that
 * serve it. A reload makes the next one beside the one that runs; it then takes its place, or goes
 * without a trace. What two generations share - listening queues whose address stays, the session
 * cache if its size stays - is each one's until the other is freed. The keyring outlives them all.
 */
#ifndef GENERATION_H
#define GENERATION_H

#include <stdbool.h>
#include <stdint.h>

#include <reprise/cache.h>
#include <reprise/keyring.h>

#include "admin_sockets.h"
#include "config.h"
#include "fleet_secret.h"
#include "key_watch.h"
#include "listening.h"
#include "privileges.h"
#include "sites.h"

struct generation {
    uint64_t number; /* from 1 */
    struct config *config;
    struct privileges privileges;
    struct listening *listening;
    struct admin_sockets *admin; /* NULL: none */
    struct rp_cache *cache;      /* NULL: no listener has one */
    uint64_t cache_bytes;
    struct sites *sites;          /* NULL until generation_open */
    struct key_watch *key_watch;  /* NULL: no static keys */
    struct fleet_secrets secrets; /* n is 0: no fleet */
};

/*
 * Checks and makes all but the sites, whose security domains the keyring may not have yet. config
 * is taken over, also on failure. before: of which listening, cache, cache_bytes and number are
 * looked at; NULL: this is the first.
 */
enum rp_status generation_new(struct config *config, const struct generation *before,
                              struct generation **out, struct rp_error *err) RP_MUST_USE;

/* Whether a reload can lead from one to the other; if not, err says what needs a restart. */
enum rp_status generation_can_follow(const struct generation *next, const struct generation *before,
                                     struct rp_error *err) RP_MUST_USE;

/* Makes the sites, when the keyring holds their domains. */
enum rp_status generation_open(struct generation *generation, struct rp_keyring *keyring,
                               struct rp_error *err) RP_MUST_USE;

/* All but what heir (NULL: nobody) holds too. Takes a pointer to NULL. */
void generation_free(struct generation **generation, const struct generation *heir);

/*
 * In a forked child that serves another generation, or none: frees and wipes the private keys, and
 * unmaps the cache unless heir has it. The descriptors were closed already.
 */
void generation_forget(struct generation *generation, const struct generation *heir);

#endif
