/* A session offered with its ticket changed. */
#ifndef TICKET_OFFER_H
#define TICKET_OFFER_H

#include "auditor.h"
#include "ticket_change.h"

#define TICKET_OFFER_LEN_MAX 4096

/* A session that is offered again and again. Zeroes but for the first two; session: the user's to
 * free at the end. */
struct ticket_supply {
    struct auditor *a;
    enum session_kind kind;
    struct raw_session *session;
    unsigned n_used;   /* times, as the user counts them */
    size_t ticket_len; /* of the last one that there was */
};

/* A fresh one instead of one that was used so often. False: none was to be had. */
bool ticket_supply_renew(struct ticket_supply *supply, unsigned most);

/*
 * One handshake with that change of the session's ticket. False, and no connection, if the change
 * changes nothing in it, if it is longer than TICKET_OFFER_LEN_MAX, or without memory; trial_fini
 * is the caller's only if true.
 */
bool ticket_offer(const struct ticket_supply *supply, const struct ticket_change *change,
                  struct trial *out);

#endif
