/*
 * Filling and wiping the slots of the window (docs/formats/keyring.md). Keeper only; none of it is
 * seen by a reader before window_publish.
 */
#ifndef WINDOW_WRITE_H
#define WINDOW_WRITE_H

#include <reprise/status.h>

#include "segment.h"

/*
 * Writes the keys of state into the slot of the generation: first those of the ring that seals.
 * Those that base (the state of the published generation, or NULL) has too, by root or static key,
 * are copied from its slot, the others derived. On failure the slot is wiped.
 */
enum rp_status window_write(const struct rp_keyring *keyring, uint64_t generation,
                            const struct chain_slot *state,
                            const struct chain_slot *base) RP_MUST_USE;

/* The same of no keys at all, into a slot that is wiped. */
void window_write_empty(const struct rp_keyring *keyring, uint64_t generation);

void window_publish(const struct rp_keyring *keyring, uint64_t generation);

/* Wipes the slot of a generation as far as n_domains reach. */
void window_wipe(const struct rp_keyring *keyring, uint64_t generation, unsigned n_domains);

#endif
