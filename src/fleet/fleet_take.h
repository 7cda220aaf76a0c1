/* Rings of others: which ones a host asks for, and what it takes up. */
#ifndef FLEET_TAKE_H
#define FLEET_TAKE_H

#include "fleet_state.h"

/* RINGS in answer to an open question; header is that of message. */
void fleet_take_rings(struct fleet *f, int64_t now_ms, const struct mailbox_header *header,
                      const uint8_t *message, size_t n);

/* Asks for what members have and this host lacks. */
void fleet_take_wanted(struct fleet *f, int64_t now_ms);

#endif
