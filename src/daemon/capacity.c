#include "capacity.h"

#include <stddef.h>
#include <sys/resource.h>

#define RESERVED 64         /* for all that is no connection */
#define A_LISTENER 4        /* its queues; there are more only for a while after a reload */
#define A_CONNECTION 2      /* the client's and the backend's */
#define A_VISIT 3           /* of the built-in page, which has both ends of the second one */
#define SYSTEM_MOST 1048576 /* fs.nr_open, if nobody has changed it */

static unsigned per_connection(const struct config *config)
{
    unsigned n = A_CONNECTION;

    for (size_t i = 0; i < config->n_listen; i++) {
        if (config->listen[i].backend == NULL) {
            n = A_VISIT;
        }
    }
    return n;
}

static uint64_t reserved(const struct config *config)
{
    return RESERVED + A_LISTENER * (uint64_t)config->n_listen;
}

static unsigned cut(uint64_t n)
{
    if (n > CONFIG_CONNECTIONS_MAX) {
        return CONFIG_CONNECTIONS_MAX;
    }
    return n != 0 ? (unsigned)n : 1;
}

void capacity_of(const struct config *config, uint64_t descriptors, struct capacity *out)
{
    const uint64_t free = descriptors > reserved(config) ? descriptors - reserved(config) : 0;
    unsigned all;

    out->connections_here = cut(free / per_connection(config));
    all = cut((uint64_t)out->connections_here * config->workers);
    out->connections = config->max_connections != 0 ? config->max_connections : all;
    out->is_short = config->max_connections > all;
}

uint64_t capacity_wanted(const struct config *config)
{
    return config->max_connections != 0
               ? reserved(config) + (uint64_t)per_connection(config) * config->max_connections
               : 0;
}

void capacity_raise(const struct config *config)
{
    const uint64_t wanted = capacity_wanted(config);
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < wanted) {
        const rlim_t more = wanted < SYSTEM_MOST ? wanted : SYSTEM_MOST;
        const struct rlimit raised = {more, more};

        if (more > limit.rlim_max && setrlimit(RLIMIT_NOFILE, &raised) == 0) {
            return;
        }
    }
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

uint64_t capacity_descriptors(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}
