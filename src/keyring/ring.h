/* One ring's course through its epochs, on the keeper's state; no memory but the caller's. */
#ifndef RING_H
#define RING_H

#include <stdbool.h>
#include <stdint.h>

#include <reprise/status.h>

#include "segment.h"

/* More missed epochs than this are not stepped through: each costs an HMAC, and none still opens.
 */
#define RING_GAP_MAX (1 << 24)

/* Makes state, whose domains stay, a new ring in its epoch 0. On failure state is spoilt. */
enum rp_status ring_begin(struct chain_slot *state, int64_t genesis_ms, int64_t rotate_ms,
                          int64_t accept_ms) RP_MUST_USE;

/* Fleet time at which ring_advance has something to do. */
int64_t ring_next_ms(const struct chain_slot *state);

/* Whether fleet_ms is more than RING_GAP_MAX epochs ahead: all keys have expired; begin anew. */
bool ring_lost(const struct chain_slot *state, int64_t fleet_ms);

/*
 * Steps to the epoch of fleet_ms, never back; drops the keys that no longer open then. Only where
 * the ring is not lost. On failure state is spoilt.
 */
enum rp_status ring_advance(struct chain_slot *state, int64_t fleet_ms) RP_MUST_USE;

#endif
