/*
 * More early data than the ticket allows (RFC 8446 section 4.6.1): a server that accepts it should
 * end the connection by unexpected_message once there is too much.
 *
 * The early data is the better part of a request whose last header line begins within the limit and
 * ends beyond it; the empty line that completes it comes after the handshake, when there was
 * silence for a while. So an answer then, as the same request gets within the limit, says that all
 * of it was taken. What is answered otherwise (too soon, a header that is too long, the end of the
 * connection without an alert) says nothing.
 */
#ifndef EARLY_OVERSIZE_H
#define EARLY_OVERSIZE_H

#include "auditor.h"

/* How many trials said something; adds the finding. */
unsigned early_oversize(struct auditor *a);

#endif
