/*
 * Whether the time that a server takes to answer a changed ticket tells where it was changed: as
 * that of one does which looks at the padding before the MAC.
 *
 * Bits are flipped at places that are ciphertext or MAC in every layout we know, and never in what
 * may be a key name, an IV or a length: that an unknown key is found out sooner than a wrong MAC is
 * no fault. What counts is the time from our ClientHello to the first byte of the answer.
 */
#ifndef TICKET_TIMING_H
#define TICKET_TIMING_H

#include "auditor.h"

/* How it went, for a conclusion. */
struct ticket_timing {
    size_t n_rounds;  /* of changes, each of a few connections; 0: none could be timed */
    int64_t least_us; /* a difference that would have been seen; 0: too noisy, too slow to say */
};

/* For a server that answers changed tickets by full handshakes. Adds the finding. */
void ticket_timing(struct auditor *a, enum session_kind kind, struct ticket_timing *out);

#endif
