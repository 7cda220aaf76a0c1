/*
 * How the keeper changes its state and the window together: draft, then commit. A kill at any
 * instant leaves either the old pair or the new (docs/formats/keyring.md). Keeper only.
 */
#ifndef COMMIT_H
#define COMMIT_H

#include <stdbool.h>

#include <reprise/status.h>

#include "segment.h"

/*
 * Takes up the state of the published generation and wipes every other slot. False: there is none;
 * all slots are wiped.
 */
bool commit_resume(struct rp_keyring *keyring);

/* The state that is published; only once there is one. */
const struct chain_slot *commit_state(const struct rp_keyring *keyring);

/* The successor to be: a copy of the state, or zeroes where there is none; its rings have room for
 * as many roots as the window has for keys. */
struct chain_slot *commit_draft(struct rp_keyring *keyring);

/*
 * Publishes the draft and wipes what it supersedes. Keys whose root stays are not derived anew. On
 * failure the draft is wiped and everything as it was.
 */
enum rp_status commit_draft_end(struct rp_keyring *keyring) RP_MUST_USE;

void commit_draft_wipe(struct rp_keyring *keyring);

/* Wipes both segments; readers find an empty window. */
void commit_clear(struct rp_keyring *keyring);

#endif
