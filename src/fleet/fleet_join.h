/* From a ring of its own to one of the fleet (docs/formats/mailbox.md, "Joining"). */
#ifndef FLEET_JOIN_H
#define FLEET_JOIN_H

#include "fleet_state.h"

void fleet_join_begin(struct fleet *f, int64_t now_ms);

/* The members in view are those of a listing just now. */
void fleet_join_listed(struct fleet *f, int64_t now_ms);

/* The rings of a member have been taken up; it seals by that one. */
void fleet_join_heard(struct fleet *f, int64_t now_ms, const struct mailbox_id *from,
                      const uint8_t ring[static RATCHET_ID_LEN]);

/* The claim to be the founder. */
void fleet_join_claimed(struct fleet *f, int64_t now_ms, bool ours);

/* There is a store now, or again. */
void fleet_join_on_store(struct fleet *f, int64_t now_ms);

/* How long to wait before the members are listed again. */
int64_t fleet_join_patience_ms(struct fleet *f);

void fleet_join_tick(struct fleet *f, int64_t now_ms);
int64_t fleet_join_next_ms(const struct fleet *f);

#endif
