/*
 * What the store has a Redis do: each a script, so that it is one step there and one round trip.
 *
 * An entry is the key BOX/NAME, which Redis itself ends. The set BOX/ has the names of a box, so
 * nobody ever looks through all keys; names of entries that have ended leave it when a list meets
 * them, and it ends with the last of its entries. It is the name of the channel as well that tells
 * of new entries. No clock but that of the server's own expiry has a say in any of this. The keys
 * of a box are on one server: no Redis Cluster. Redis 5 or later, Valkey.
 */
#ifndef REDIS_SCRIPT_H
#define REDIS_SCRIPT_H

#include "redis_link.h"
#include "store_engine.h"

/* False: it cannot be sent now. */
bool redis_script_ask(struct redis_link *link, const struct store_question *question, unsigned kind,
                      int64_t now_ms);

/* The same as a question for a list, of which nobody else knows. */
bool redis_script_list(struct redis_link *link, const char *box, size_t most, unsigned kind,
                       void *tag, int64_t now_ms);

/* An entry, answered by an array of its name and its value or nothing. */
bool redis_script_fetch(struct redis_link *link, const char *box, const char *name, unsigned kind,
                        int64_t now_ms);

bool redis_script_subscribe(struct redis_link *link, const char *box, int64_t now_ms);

#endif
