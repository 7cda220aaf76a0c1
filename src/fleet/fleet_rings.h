/* Changes to the rings that a host holds: each on a copy, committed whole or not at all. */
#ifndef FLEET_RINGS_H
#define FLEET_RINGS_H

#include "fleet_state.h"

const struct rings *fleet_rings(const struct fleet *f);
const struct ring *fleet_rings_sealing(const struct fleet *f);
int64_t fleet_time_ms(const struct fleet *f, int64_t now_ms);

/* -1: not there, or not held. */
int fleet_rings_held(const struct fleet *f, const uint8_t id[static RATCHET_ID_LEN]);

/* Never NULL: of a ring that nothing was known of, one that is used now. */
struct ring_use *fleet_rings_use(struct fleet *f, const uint8_t id[static RATCHET_ID_LEN],
                                 int64_t now_ms);

bool fleet_rings_was_dropped(const struct fleet *f, const uint8_t id[static RATCHET_ID_LEN]);
void fleet_rings_mark_dropped(struct fleet *f, const uint8_t id[static RATCHET_ID_LEN]);

/* Whether one more can be held: there is room, or a worse one that goes for it. */
bool fleet_rings_fits(const struct fleet *f, const uint8_t id[static RATCHET_ID_LEN]);

/* Makes room for a chain; where there is none, roots alone are taken, and without room for those
 * nothing. *is_new: it is held from now on, and was not. */
enum rp_status fleet_rings_take_up(struct fleet *f, const struct rings_import *in, int64_t now_ms,
                                   bool *is_new) RP_MUST_USE;

/* One that is held, and has the root of its epoch. forget: what sealed so far goes at once, with
 * its roots. */
enum rp_status fleet_rings_seal_by(struct fleet *f, const uint8_t id[static RATCHET_ID_LEN],
                                   int64_t now_ms, bool forget) RP_MUST_USE;

enum rp_status fleet_rings_drop(struct fleet *f, const uint8_t id[static RATCHET_ID_LEN],
                                int64_t now_ms) RP_MUST_USE;

/* The same with its roots, held or not. Not what seals. */
enum rp_status fleet_rings_forget(struct fleet *f, const uint8_t id[static RATCHET_ID_LEN],
                                  int64_t now_ms) RP_MUST_USE;

/* A new one; id: which. */
enum rp_status fleet_rings_seed(struct fleet *f, uint32_t rank, int64_t genesis_ms, int64_t now_ms,
                                uint8_t id[static RATCHET_ID_LEN]) RP_MUST_USE;

/* The epochs ahead that are to open, for what this host does not know of the time and what others
 * say of theirs. */
void fleet_rings_follow_lead(struct fleet *f, int64_t now_ms);

/* After the time has leapt: steps to the epochs that it is in. */
void fleet_rings_advance(struct fleet *f, int64_t now_ms);

/* By how much ring time may be behind. */
int64_t fleet_rings_late_ms(struct fleet *f, int64_t now_ms);

#endif
