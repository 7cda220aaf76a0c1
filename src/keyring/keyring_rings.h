/*
 * The keyring's rings, for a keeper that is a member of a fleet: what is published, a draft to
 * change them on, and the fleet time's distance from the boot-time clock. Keeper only, in its one
 * thread.
 */
#ifndef KEYRING_RINGS_H
#define KEYRING_RINGS_H

#include <stdint.h>

#include <reprise/keyring.h>

#include "rings.h"

/* How many spare keys (rp_keyring_options) a member of a fleet needs: for a second ring with all
 * its keys, the epochs ahead of both, and those by which further rings overlap. */
unsigned keyring_rings_spare(int64_t rotate_ms, int64_t accept_ms);

/* What is published, borrowed until the next change; NULL: static keys, or not the keeper. */
const struct rings *keyring_rings_state(const struct rp_keyring *keyring);

/*
 * A copy to change, in the chain's secret memory; NULL as above. It ends with commit or abandon;
 * until then nothing else of the keyring may be changed.
 */
struct rings *keyring_rings_draft(struct rp_keyring *keyring);

/*
 * Publishes the draft: chain and window in one step, as rp_keyring_advance does, whose next_ms may
 * be another afterwards. On failure the draft is wiped and everything as it was.
 */
enum rp_status keyring_rings_commit(struct rp_keyring *keyring) RP_MUST_USE;
void keyring_rings_abandon(struct rp_keyring *keyring);

/*
 * Fleet time minus boot time. Whoever looks a key up takes it once and judges all by that, so that
 * it may change at any time; call rp_keyring_advance after it, whose next_ms is boot time.
 */
int64_t keyring_rings_offset_ms(const struct rp_keyring *keyring);
void keyring_rings_set_offset_ms(struct rp_keyring *keyring, int64_t offset_ms);

#endif
