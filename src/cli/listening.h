/*
 * The listening sockets: one for each worker and listener, bound together by SO_REUSEPORT. They
 * belong to the parent for its life, so a worker's successor takes over the same queue.
 */
#ifndef LISTENING_H
#define LISTENING_H

#include <stddef.h>

#include <reprise/status.h>

#include "address.h"
#include "config.h"

struct listening;

/* err says at which line, and what would help. */
enum rp_status listening_open(const struct config *config, struct listening **out,
                              struct rp_error *err) RP_MUST_USE;

/* Closes the sockets that this process holds. */
void listening_free(struct listening **listening);

/* One socket for each listener, borrowed: the queues of the i-th worker. */
const int *listening_of(const struct listening *listening, unsigned worker);

/* Where the i-th listener listens: with the port that it got, where 0 was configured. */
const struct address *listening_address(const struct listening *listening, size_t i);

#endif
