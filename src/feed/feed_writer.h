/*
 * A feed's files, from the window to its folder. Mostly the feeder's business (feed_task.h); where
 * a server reads its folder as configuration, the parent's.
 */
#ifndef FEED_WRITER_H
#define FEED_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <reprise/keyring.h>
#include <reprise/status.h>

#include "config.h"
#include "feed.h"
#include "feed_folder.h"
#include "feed_lock.h"
#include "window_keys.h"

/* What files are made from; several writers may share one. */
struct feed_source {
    const struct rp_keyring *keyring; /* borrowed */
    int64_t offset_ms;                /* unix time minus fleet time */
    struct window_keys *listed;       /* scratch, secret: empty when wiped */
    struct feed_keys *keys;           /* the plan, and as secret */
};

/* A source for this keyring. RP_NO_MEMORY. */
enum rp_status feed_source_init(struct feed_source *source,
                                const struct rp_keyring *keyring) RP_MUST_USE;
void feed_source_fini(struct feed_source *source); /* wipes; also of zeroes */

/* The plan is not needed any more. */
void feed_source_wipe(struct feed_source *source);

/* What the files hold. */
enum feed_held {
    FEED_HELD_UNKNOWN, /* what whoever fed before has left, if anything */
    FEED_HELD_KEYS,
    FEED_HELD_THROWAWAY,
};

struct feed_writer {
    const struct config_feed *config; /* borrowed; NULL: not begun */
    const struct feed_kind *kind;
    struct feed_needs needs;
    struct feed_folder folder;
    struct feed_lock lock; /* nothing is written but while it is held */
    unsigned domain;       /* its place in the keyring */
    bool has_domain;
    enum feed_held held;
    uint8_t seals[16]; /* FEED_HELD_KEYS: name of the key that seals by the files, or of a later */
};

/* Whether its server reads its folder as configuration, so that the parent writes there. */
bool feed_is_configuration(const struct config_feed *feed);

/* group: (gid_t)-1: none. RP_NOT_FOUND: its server is none that we know; zeroes. */
enum rp_status feed_writer_init(struct feed_writer *writer, const struct config_feed *config,
                                gid_t group) RP_MUST_USE;
void feed_writer_fini(struct feed_writer *writer); /* gives the lock back; also of zeroes */

/* What the server should have, in source->keys. RP_NOT_FOUND: no key yet; RP_INVALID, RP_CRYPTO. On
 * failure why is a sentence, here and below. */
enum rp_status feed_writer_plan(struct feed_writer *writer, struct feed_source *source,
                                struct rp_error *why) RP_MUST_USE;

/*
 * Brings the folder to hold what was planned, if nobody else feeds it, and keys may still be put
 * there. Failures: as of feed_lock_take, feed_folder_check, feed_make_files and feed_folder_put.
 * The lock's note is taken back, but where nothing was changed.
 */
enum rp_status feed_writer_put(struct feed_writer *writer, const struct feed_source *source,
                               bool *changed, struct rp_error *why) RP_MUST_USE;

/*
 * The end of the feed: its files hold throwaway keys from now on, so that the server can be started
 * all the same; or, if they cannot be made, there are none any more. What somebody else feeds by
 * now is left alone.
 */
enum rp_status feed_writer_clear(struct feed_writer *writer, struct feed_source *source,
                                 struct rp_error *why) RP_MUST_USE;

#endif
