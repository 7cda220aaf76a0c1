/* What a member answers: its rings to a PULL, its time to a TIME. */
#ifndef FLEET_ANSWER_H
#define FLEET_ANSWER_H

#include "fleet_state.h"

/* header is that of message, which is to this host and of that type. */
void fleet_answer_pull(struct fleet *f, int64_t now_ms, const struct mailbox_header *header,
                       const uint8_t *message, size_t n);
void fleet_answer_time(struct fleet *f, int64_t now_ms, const struct mailbox_header *header,
                       const uint8_t *message, size_t n);

#endif
