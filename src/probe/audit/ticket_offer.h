/* A session offered with its ticket changed. */
#ifndef TICKET_OFFER_H
#define TICKET_OFFER_H

#include "auditor.h"
#include "ticket_change.h"

#define TICKET_OFFER_LEN_MAX 4096

/*
 * One handshake with that change of the session's ticket. False, and no connection, if the change
 * changes nothing in it, if it is longer than TICKET_OFFER_LEN_MAX, or without memory; trial_fini
 * is the caller's only if true.
 */
bool ticket_offer(struct auditor *a, enum session_kind kind, const struct raw_session *s,
                  const struct ticket_change *change, struct trial *out);

#endif
