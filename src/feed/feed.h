/*
 * What is peculiar to a server that is fed: the keys it takes, the files in which it wants them,
 * and how it learns of new ones. One const struct for each server (feed_nginx.c, ...); all state is
 * the task's (feed_task.h).
 */
#ifndef FEED_H
#define FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "feed_files.h"
#include "feed_plan.h"
#include "key_format.h"
#include "text.h"

enum feed_telling {
    FEED_TOLD_BY_COMMAND, /* the parent runs `reload`; without one, nothing */
    FEED_TOLD_BY_POLL,    /* it looks at the file every poll_ms */
    FEED_TOLD_BY_SOCKET,  /* HAProxy's runtime API */
};

/* What a feed's files depend on beside its keys. */
struct feed_target {
    const char *folder;     /* absolute path */
    const char *file;       /* name in it; not of nginx and `files`, which have all of a folder */
    enum key_format format; /* of the kind `files`; of others their own */
    int64_t now_s;          /* unix time */
};

struct feed_kind {
    const char *name;        /* as in the configuration */
    enum key_format format;  /* not of `files` */
    struct feed_needs needs; /* but of the kind `files`: feed_needs */
    enum feed_telling telling;
    /* It reads what is in its folder as configuration, and as root: the parent writes there, and
     * the feeder may not. Its format has no dates. */
    bool is_configuration;
    int64_t poll_ms;
    /* A shorter rotate is not sound, for the server would miss a key. 0: any. */
    int64_t least_rotate_ms;
    /* It reads a single key from its file, and keeps those that it read before: how long before it
     * seals a key is put there. 0: all keys are in the file. */
    int64_t lead_ms;
    /* What it costs that the server is as it is, beside what feed_describe says; NULL: nothing. */
    const char *cost;
    /* Private: feed_make_files. */
    enum rp_status (*write)(const struct feed_keys *keys, const struct feed_target *target,
                            struct feed_files *files);
};

/* NULL: there is no such server. */
const struct feed_kind *feed_kind_find(const char *name);

/*
 * What a kind takes: of all but `files` its own needs, and format and short_keys do not matter. Of
 * `files`, what the format's servers take. False: the format has no keys of that length.
 */
bool feed_needs(const struct feed_kind *kind, enum key_format format, bool short_keys,
                struct feed_needs *out);

/*
 * Adds to files, which is empty, all that should be in the feed's folder. RP_INVALID: the keys do
 * not fit the format; RP_NO_MEMORY, RP_CRYPTO.
 */
enum rp_status feed_make_files(const struct feed_kind *kind, const struct feed_keys *keys,
                               const struct feed_target *target,
                               struct feed_files *files) RP_MUST_USE;

/*
 * Unix time at which feed_make_files would have another file for the same keys, so that it is to be
 * called again; INT64_MAX: never.
 */
int64_t feed_again_s(const struct feed_kind *kind, const struct feed_keys *keys, int64_t now_s);

/* Whether its files have dates, so that a clock that was set makes others of the same keys. */
bool feed_is_dated(const struct feed_kind *kind, enum key_format format);

/*
 * For the log at start: one sentence on what is short of accept, how often the only key changes,
 * and what else the kind costs. False: nothing to say, and out is as it was.
 */
bool feed_describe(const struct feed_kind *kind, const struct feed_needs *needs, int64_t rotate_ms,
                   int64_t accept_ms, struct text *out);

#endif
