/*
 * The feeder: hands the window's keys to servers of others (docs/formats/feeds.md). It reads the
 * window, and never had the chain; it makes files in folders of its own, and connects to HAProxy's
 * sockets; commands are run by the parent, who knows them.
 */
#ifndef FEEDER_H
#define FEEDER_H

#include <stdbool.h>
#include <sys/types.h>

#include <reprise/keyring.h>

#include "config.h"
#include "feed_table.h"
#include "log.h"

struct feeder_start {
    const struct config *config;
    const struct rp_keyring *keyring; /* read-only */
    const gid_t *groups;              /* of each feed; (gid_t)-1: none */
    struct feed_table *table;         /* written by us alone */
    int channel_fd;                   /* to the parent; taken over */
    struct log log;
};

/* In the forked child, privileges dropped. Returns the exit status. */
int feeder_run(const struct feeder_start *start);

#endif
