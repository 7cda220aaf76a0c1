/*
 * The times in a session, between a host's fleet time, by which it is judged, and the form in which
 * it travels: milliseconds since the genesis of the ring whose key seals it, plus 2^62
 * (docs/formats/session.md). So it has the same age on every host.
 */
#ifndef SESSION_TIME_H
#define SESSION_TIME_H

#include <stdint.h>

#include "session_meta.h"

/* base_ms: of the key (window.h). Both end at the ends of the range, and keep the order of the two.
 */
void session_time_to_ring(struct session_meta *m, int64_t base_ms);
void session_time_to_fleet(struct session_meta *m, int64_t base_ms);

#endif
