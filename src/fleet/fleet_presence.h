/* What a host says of itself, and what it reads of others. */
#ifndef FLEET_PRESENCE_H
#define FLEET_PRESENCE_H

#include "fleet_state.h"

/* Writes it; the next one is due after a pace. */
void fleet_presence_put(struct fleet *f, int64_t now_ms);

/* It has changed: it is written soon. */
void fleet_presence_soon(struct fleet *f, int64_t now_ms);

/* Takes it back. */
void fleet_presence_erase(struct fleet *f);

/* One entry of the box `members`. */
void fleet_presence_hear(struct fleet *f, int64_t now_ms, const char *name, const uint8_t *value,
                         size_t n);

/* Whether a PULL names an invite that this host gave lately. */
bool fleet_presence_invited(const struct fleet *f, const uint8_t invite[static MAILBOX_ID_LEN]);

#endif
