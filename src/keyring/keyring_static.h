/*
 * Static keys for a keeper that may not read files: somebody else read them (static_keys.h) and
 * handed them over. What rp_keyring_load_files does after reading.
 */
#ifndef KEYRING_STATIC_H
#define KEYRING_STATIC_H

#include <stddef.h>

#include <reprise/keyring.h>

#include "key_file.h"

/*
 * Keeper only. Replaces the window's keys by these (1 to 16): the first seals, all open. Refuses
 * weak keys and equal names again. On failure everything is as it was. The caller wipes keys.
 */
enum rp_status keyring_set_static(struct rp_keyring *keyring, const struct stek *keys, size_t n,
                                  struct rp_error *err) RP_MUST_USE;

#endif
