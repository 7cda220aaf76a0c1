/*
 * The courier: shows the figures on the admin sockets, and carries mail between the keeper and the
 * store. It has no keys: no keyring, no session cache, no sites, no fleet secret; the shared
 * counters it can only read.
 */
#ifndef COURIER_H
#define COURIER_H

#include <stdbool.h>
#include <stddef.h>

#include "log.h"
#include "metrics.h"

struct courier_start {
    const struct metrics *metrics; /* read-only already */
    const int *listen_fds;         /* the admin sockets, nonblocking; left open */
    size_t n_listen;
    const char *store; /* URL; NULL: none */
    const char *fleet; /* its name; NULL: none */
    int channel_fd;    /* to the parent; taken over */
    bool sandbox;
    struct log log;
};

/* In the forked child, privileges dropped. Returns the exit status. */
int courier_run(const struct courier_start *start);

#endif
