/* Keeping time with the others: TIME, its answers, and the offset that follows. */
#ifndef FLEET_TIME_H
#define FLEET_TIME_H

#include "fleet_state.h"

/* Asks a member that seals by the same ring. */
void fleet_time_ask(struct fleet *f, int64_t now_ms);

/* TIME_ANSWER; header is that of message. */
void fleet_time_answered(struct fleet *f, int64_t now_ms, const struct mailbox_header *header,
                         const uint8_t *message, size_t n);

/* Follows what is known, as far as it may by now. */
void fleet_time_follow(struct fleet *f, int64_t now_ms);

/* Times that others tell, and this host's own: within these a ring's time and genesis, and what is
 * said of them for many thousand years, stay in the range of the messages. */
bool fleet_time_is_near(int64_t ms);

#endif
