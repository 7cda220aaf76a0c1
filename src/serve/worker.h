/* A worker: accepts, terminates TLS and relays, or answers with the built-in page. */
#ifndef WORKER_H
#define WORKER_H

#include <stddef.h>

#include "config.h"
#include "conn_count.h"
#include "log.h"
#include "metrics.h"
#include "sites.h"

/*
 * How many workers there may be at a time, those included that finish the connections of earlier
 * generations: for shared memory with a part for each.
 */
#define WORKER_SLOTS 1024

/* A listening socket, nonblocking; the worker closes its own hold on it when it drains. */
struct worker_queue {
    int fd;
    size_t listener; /* place in the configuration */
};

struct worker_start {
    const struct config *config;
    const struct sites *sites;
    const struct worker_queue *queues;
    size_t n_queues;
    int channel_fd;           /* to the parent; taken over */
    unsigned index;           /* from 0, in its generation */
    unsigned slot;            /* from 0 to WORKER_SLOTS - 1; no other living worker has it */
    struct conn_count *count; /* of all workers' connections, begun for slot; NULL: none */
    struct log log;
    struct metrics_worker *metrics; /* its section; NULL: nobody asks */
    metrics_cell *metrics_cache;    /* of the session cache, for the worker of index 0 */
    struct rp_cache *cache;         /* NULL: none */
};

/*
 * In the forked child, privileges dropped. Says READY, accepts from ACCEPT on, finishes within the
 * bound of DRAIN, and returns the exit status.
 */
int worker_run(const struct worker_start *start);

#endif
