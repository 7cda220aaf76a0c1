/*
 * A fleet whose secret is changed: the ring that it ends up with began when nobody understood the
 * old one any more (docs/formats/mailbox.md, "Rekeying").
 */
#ifndef FLEET_REKEY_H
#define FLEET_REKEY_H

#include "fleet_state.h"

/* Of a ring that begins now: that of the only secret that this host and those in its view
 * understand; zeroes where there may be another. Borrowed of the fleet, or static. */
const uint8_t *fleet_rekey_mark(const struct fleet *f);

/* Negative: a wins. As rings_compare; but where this host knows no other secret, and sees nobody
 * who does, a ring with the mark of it wins against each without. */
int fleet_rekey_compare(const struct fleet *f, const uint8_t a[static RATCHET_ID_LEN],
                        const uint8_t b[static RATCHET_ID_LEN]);

/* Of the ring that follows that one. */
uint32_t fleet_rekey_next_rank(const struct fleet *f, const uint8_t id[static RATCHET_ID_LEN]);

/* The view is that of a listing just now. */
void fleet_rekey_listed(struct fleet *f, int64_t now_ms);

/* The ring that is sealed by may be known under another secret, and the next one would not be. */
bool fleet_rekey_is_due(const struct fleet *f);

/* What is known under another secret is not wanted, and sealed by no more. */
bool fleet_rekey_refuses(const struct fleet *f, const uint8_t id[static RATCHET_ID_LEN]);

#endif
