/*
 * Which keys of the window a fed server gets (docs/formats/feeds.md, "Which keys"). Pure: no clock,
 * no I/O, no memory but the caller's.
 */
#ifndef FEED_PLAN_H
#define FEED_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "key_format.h"
#include "window_keys.h"

/* What a server takes. */
enum feed_room {
    FEED_ROOM_ANY,   /* all of the window */
    FEED_ROOM_THREE, /* the one before, the one that seals, the next */
    FEED_ROOM_ONE,   /* one, for as long as is sound */
};

struct feed_needs {
    enum feed_room room;
    bool short_keys; /* 48 bytes, AES-128 */
    bool dated;
};

#define FEED_KEYS_MAX KEY_FORMAT_KEYS_MAX

/* Secret; the caller wipes it. The one that seals comes first. */
struct feed_keys {
    size_t n;
    struct format_key keys[FEED_KEYS_MAX];
};

/*
 * listed: a domain's keys (window_keys). offset_ms: unix time of this host minus its fleet time.
 * RP_UNKNOWN_KEY or the like where there is nothing that seals; *out is empty then.
 */
enum rp_status feed_plan(const struct feed_needs *needs, const struct window_keys *listed,
                         int64_t offset_ms, struct feed_keys *out) RP_MUST_USE;

/* How long past its epoch's end a key opens at such a server: accept_ms, or what is left of it. */
int64_t feed_plan_accept_ms(const struct feed_needs *needs, int64_t rotate_ms, int64_t accept_ms);

/* How often its sealing key changes. */
int64_t feed_plan_interval_ms(const struct feed_needs *needs, int64_t rotate_ms,
                              int64_t accept_ms);

#endif
