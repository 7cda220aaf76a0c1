/* What a member does with the rings that it holds: switching, dropping, re-seeding
 * (docs/formats/mailbox.md, "In step"). */
#ifndef FLEET_STEP_H
#define FLEET_STEP_H

#include "fleet_state.h"

/* The view is that of a listing just now. */
void fleet_step_listed(struct fleet *f, int64_t now_ms);

/* Rings have been taken up. */
void fleet_step_took(struct fleet *f, int64_t now_ms);

/* The claim to begin the next ring. */
void fleet_step_claimed(struct fleet *f, int64_t now_ms, bool ours);

/* Switches to a better ring as soon as that may be. */
void fleet_step_tick(struct fleet *f, int64_t now_ms);

/* The members cannot be listed: what can be told without them. */
void fleet_step_unlisted(struct fleet *f, int64_t now_ms);

/* The genesis that is waited for. */
int64_t fleet_step_next_ms(const struct fleet *f);

#endif
