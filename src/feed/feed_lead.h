/* When a server that reads a single key from its file is given the next one. */
#ifndef FEED_LEAD_H
#define FEED_LEAD_H

#include <stddef.h>
#include <stdint.h>

#include "feed_plan.h"

/*
 * The place of the key that belongs into the file at now_s: the next one from lead_ms before it
 * begins, but where rotate is so short that this would be most of it, three quarters of it.
 */
size_t feed_lead_key(const struct feed_keys *keys, int64_t lead_ms, int64_t now_s);

/* Unix time from which it is the next one; INT64_MAX: it is already, or there is none. */
int64_t feed_lead_again_s(const struct feed_keys *keys, int64_t lead_ms, int64_t now_s);

#endif
