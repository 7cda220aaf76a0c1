/* A few simulated hosts, and what tests ask of them. */
#ifndef FLEET_KIT_H
#define FLEET_KIT_H

#include "sim.h"

#define KIT_ROTATE_MS 20000
#define KIT_PACE_MS 5000
#define KIT_ACCEPT_MS (6 * KIT_ROTATE_MS)
#define KIT_SETTLE_MS 3000  /* in which a host has joined or given up */
#define KIT_RETURN_MS 15000 /* in which one that was alone is a member, if its store comes back */

/* n hosts, of which none runs; reseed_ms 0: never. */
void kit_init(struct sim *s, uint32_t n, int64_t reseed_ms);

/* Starts them all within half a second, and lets them settle. */
void kit_start_all(struct sim *s);

bool kit_is_member(const struct sim *s, uint32_t host);
const uint8_t *kit_seals(const struct sim *s, uint32_t host);
bool kit_holds(const struct sim *s, uint32_t host, const uint8_t *ring);

/* Every two open each other's. */
bool kit_all_open(struct sim *s);

/* Runs until all members seal by one ring, so long at most; how long it took, -1: they do not. */
int64_t kit_agree(struct sim *s, int64_t most_ms);

#endif
