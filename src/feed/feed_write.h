/* What the kinds' write functions have in common. */
#ifndef FEED_WRITE_H
#define FEED_WRITE_H

#include <stddef.h>

#include <reprise/status.h>

#include "feed.h"

/* Adds one file with these keys, one of which seals, and its throwaway: keys that are drawn anew,
 * of the same lengths and dates. RP_INVALID: they do not fit the format. */
enum rp_status feed_write_file(enum key_format format, const struct format_key *keys, size_t n,
                               const char *name, struct feed_files *files) RP_MUST_USE;

/* The same for a single key, as one that seals. */
enum rp_status feed_write_key(enum key_format format, const struct format_key *key,
                              const char *name, struct feed_files *files) RP_MUST_USE;

/* All keys in the target's one file: the `write` of most kinds. */
enum rp_status feed_write_whole(const struct feed_keys *keys, const struct feed_target *target,
                                struct feed_files *files) RP_MUST_USE;

#endif
