/* One session offered as it is. */
#ifndef RESUMPTION_H
#define RESUMPTION_H

#include "auditor.h"

enum resumption {
    RESUMPTION_DONE,
    RESUMPTION_DECLINED, /* to a full handshake */
    RESUMPTION_FAILED,   /* no handshake was done: that says nothing of the session */
};

enum resumption resumption_try(struct auditor *a, enum session_kind kind,
                               const struct raw_session *s);

/*
 * Whether connections that have nothing wrong with them end, too: full handshakes and sessions as
 * they are, in turn, as many as it takes to be sure that it is not chance when of n others n_ended
 * did. True also if that cannot be tried.
 */
bool resumption_ends_anyway(struct auditor *a, enum session_kind kind, unsigned n,
                            unsigned n_ended);

/* How many that takes. */
unsigned resumption_controls(unsigned n, unsigned n_ended);

#endif
