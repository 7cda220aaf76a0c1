/* The session cache, from inside the library: sealed bytes by session ID (docs/formats/cache.md).
 */
#ifndef CACHE_USE_H
#define CACHE_USE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/cache.h>

#include "session_id.h"

/* The largest sealed record; a larger one is not kept. */
#define CACHE_RECORD_MAX 17000

/* Stores a copy. A record of the same ID is superseded. False: too large for a shard. */
bool cache_put(struct rp_cache *cache, const uint8_t id[static SESSION_ID_LEN],
               const uint8_t *sealed, size_t n);

/* Copies the record to out; 0: not there. out has room for CACHE_RECORD_MAX bytes. */
size_t cache_get(struct rp_cache *cache, const uint8_t id[static SESSION_ID_LEN], uint8_t *out);

#endif
