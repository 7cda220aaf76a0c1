/* A worker: accepts, terminates TLS and relays, or answers with the built-in page. */
#ifndef WORKER_H
#define WORKER_H

#include <stddef.h>

#include "config.h"
#include "log.h"
#include "sites.h"

struct worker_start {
    const struct config *config;
    const struct sites *sites;
    const int *listen_fds; /* one for each listener, nonblocking, this worker's own queue; closed
                              when it drains */
    int channel_fd;        /* to the parent; taken over */
    unsigned index;        /* from 0 */
    struct log log;
};

/* In the forked child, privileges dropped. Returns the exit status. */
int worker_run(const struct worker_start *start);

#endif
