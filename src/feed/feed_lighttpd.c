#include "feed_kinds.h"
#include "feed_lead.h"
#include "feed_write.h"

/*
 * lighttpd reads one key from the file, whatever follows it, when it starts and whenever the file's
 * time is new, and holds the three that it read last; of those it seals by the last that has begun.
 * So the file has the key that seals, for a lighttpd that is started, until it is time to hand out
 * the next. Each is read once: a second reading of one would push out the oldest.
 */
static enum rp_status write_file(const struct feed_keys *keys, const struct feed_target *target,
                                 struct feed_files *files)
{
    const struct format_key *const key =
        &keys->keys[feed_lead_key(keys, feed_lighttpd.lead_ms, target->now_s)];

    return feed_write_key(KEY_FORMAT_LIGHTTPD, key, target->file, files);
}

const struct feed_kind feed_lighttpd = {
    .name = "lighttpd",
    .needs = {.room = FEED_ROOM_THREE},
    .telling = FEED_TOLD_BY_POLL,
    .poll_ms = 64 * 1000,
    .least_rotate_ms = 2 * 64 * 1000,
    .lead_ms = 3 * 64 * 1000,
    .cost = "a lighttpd that is started anew holds but the newest key",
    .write = write_file,
};
