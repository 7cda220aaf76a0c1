/*
 * What is peculiar to a server that is fed: the keys it takes, the files in which it wants them, and
 * how it learns of new ones. One const struct for each server (feed_nginx.c, ...); all state is the
 * feeder's (feeder.h).
 */
#ifndef FEED_H
#define FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "feed_files.h"
#include "feed_plan.h"

enum feed_telling {
    FEED_TOLD_BY_COMMAND, /* the parent runs `reload`; without one, nothing */
    FEED_TOLD_BY_POLL,    /* it looks at the file every poll_ms */
    FEED_TOLD_BY_SOCKET,  /* HAProxy's runtime API */
};

struct feed_kind {
    const char *name; /* as in the configuration */
    struct feed_needs needs;
    enum feed_telling telling;
    int64_t poll_ms;
    /* What it costs that it takes so few keys, for the log at start; NULL: nothing. */
    const char *cost;
    /* Adds to files, which is empty, all that should be in the feed's folder. */
    enum rp_status (*write)(const struct feed_keys *keys, const char *file,
                            struct feed_files *files);
};

/* NULL: there is no such server. */
const struct feed_kind *feed_kind_find(const char *name);

#endif
