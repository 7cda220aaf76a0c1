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
    bool short_keys;    /* 48 bytes, AES-128 */
    bool numbered_name; /* the first byte of each name is the epoch's lowest */
    unsigned most;      /* of FEED_ROOM_ANY; 0: FEED_KEYS_MAX */
};

#define FEED_KEYS_MAX KEY_FORMAT_KEYS_MAX

/*
 * Secret; the caller wipes it. First the one that seals, then the next, if there is one, then those
 * that open, by their ends, latest first. No two have one name. Each has its dates, in unix time,
 * by which alone a server would seal with the same one.
 */
struct feed_keys {
    size_t n;
    struct format_key keys[FEED_KEYS_MAX];
};

/*
 * listed: a domain's keys (window_keys). offset_ms: unix time of this host minus its fleet time;
 * keep it until it is off by a second or more, for a plan with other dates is another plan.
 * RP_NOT_FOUND: nothing seals (an empty window, static keys, no such domain); RP_INVALID: listed
 * makes no sense; RP_CRYPTO. *out is empty then.
 */
enum rp_status feed_plan(const struct feed_needs *needs, const struct window_keys *listed,
                         int64_t offset_ms, struct feed_keys *out) RP_MUST_USE;

void feed_keys_wipe(struct feed_keys *keys);

/*
 * How long past the end of the time in which it seals a key opens at such a server: accept_ms, or
 * what is left of it.
 */
int64_t feed_plan_accept_ms(const struct feed_needs *needs, int64_t rotate_ms, int64_t accept_ms);

/* How often its sealing key changes. */
int64_t feed_plan_interval_ms(const struct feed_needs *needs, int64_t rotate_ms, int64_t accept_ms);

#endif
