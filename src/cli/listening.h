/*
 * The listening sockets: several queues for each listener, bound together by SO_REUSEPORT. They
 * belong to the parent, so that a worker's successor takes over the same queue, and so that those
 * of an earlier configuration go on in the next: whoever waits in a queue is not lost. Closing one
 * resets those who wait in it, so none is closed but with its listener: where there are fewer
 * workers than before, a worker has several queues of one listener.
 */
#ifndef LISTENING_H
#define LISTENING_H

#include <stdbool.h>
#include <stddef.h>

#include <reprise/status.h>

#include "address.h"
#include "config.h"

struct listening;

struct listening_queue {
    int fd;
    unsigned listener; /* place in the configuration */
    unsigned place;    /* among the queues of its listener */
};

/*
 * At least one queue for each worker and listener. Where `from` (NULL: none) listens at the address
 * already, its queues are taken over: the same descriptors, which both sets then hold. err says at
 * which line it failed, and what would help; `from` is as it was then.
 */
enum rp_status listening_open(const struct config *config, const struct listening *from,
                              struct listening **out, struct rp_error *err) RP_MUST_USE;

/*
 * A set for `from` made of n listening sockets that somebody else opened. They are taken over on
 * success; on failure they stay the caller's. RP_SYSTEM: one has no address.
 */
enum rp_status listening_adopt(const int *fds, size_t n, struct listening **out) RP_MUST_USE;

/* Closes the sockets that this process holds, but for those that heir (NULL: nobody) holds too. */
void listening_free(struct listening **listening, const struct listening *heir);

/* All queues, borrowed; one is the i-th worker's of n if its place modulo n is i. */
const struct listening_queue *listening_queues(const struct listening *listening, size_t *n);

/* Where the i-th listener listens: with the port that it got, where 0 was configured. */
const struct address *listening_address(const struct listening *listening, size_t i);

/* How many listeners there are, and whether the i-th has queues of the set it was opened from. */
size_t listening_count(const struct listening *listening);
bool listening_is_old(const struct listening *listening, size_t i);

/* Whether heir holds the queues of the i-th listener too. */
bool listening_goes_on(const struct listening *listening, size_t i, const struct listening *heir);

#endif
