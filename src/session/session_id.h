/*
 * Our session IDs: key hint 4, random 20, MAC 8 (SipHash-2-4 over the 24 before). Whoever cannot
 * compute the MAC reaches neither the cache nor, later, the store.
 */
#ifndef SESSION_ID_H
#define SESSION_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "window.h"

#define SESSION_ID_LEN 32

enum rp_status session_id_make(const struct window_key *key,
                               uint8_t id[static SESSION_ID_LEN]) RP_MUST_USE;

/*
 * Finds the key by its hint and checks the MAC in constant time. FOUND: out holds the key; the
 * caller wipes it. ABSENT: it is none of ours; EXPIRED: the hint is that of a key that no longer
 * opens, so the MAC was not looked at. Never OTHER_DOMAIN.
 */
enum window_hit session_id_open(const struct rp_keyring *keyring, unsigned domain, int64_t fleet_ms,
                                const uint8_t *id, size_t n, struct window_key *out);

#endif
