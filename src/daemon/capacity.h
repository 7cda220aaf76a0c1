/* Descriptors, and how many connections they are enough for. */
#ifndef CAPACITY_H
#define CAPACITY_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"

struct capacity {
    unsigned connections;      /* of all workers together: max_connections, or what descriptors
                                  allow; at least 1 */
    unsigned connections_here; /* of one worker: what its descriptors allow; at least 1 */
    bool is_short;             /* descriptors do not allow max_connections */
};

/* With so many descriptors for each process. */
void capacity_of(const struct config *config, uint64_t descriptors, struct capacity *out);

/* How many of them are enough for max_connections whichever worker has them; 0: no number is. */
uint64_t capacity_wanted(const struct config *config);

/*
 * By the parent, before it forks: takes as many descriptors as it may have, and raises what it may
 * have where that is not enough for max_connections and it is privileged to.
 */
void capacity_raise(const struct config *config);

/* How many this process may have. */
uint64_t capacity_descriptors(void);

#endif
