#include <string.h>

#include "feed_kinds.h"
#include "feed_lead.h"
#include "feed_write.h"
#include "memory.h"

#define DATES_ALIKE_S 30

static bool is_near(int64_t a_s, int64_t b_s)
{
    return a_s - b_s < DATES_ALIKE_S && b_s - a_s < DATES_ALIKE_S;
}

static bool is_alike(const uint8_t *found, const uint8_t *wanted, size_t n)
{
    struct format_key a;
    struct format_key b;
    const bool alike = key_format_read(KEY_FORMAT_LIGHTTPD, found, n, 0, &a, 1) == 1 &&
                       key_format_read(KEY_FORMAT_LIGHTTPD, wanted, n, 0, &b, 1) == 1 &&
                       memcmp(&a.stek, &b.stek, sizeof a.stek) == 0 &&
                       is_near(a.begins_s, b.begins_s) && is_near(a.ends_s, b.ends_s);

    memory_wipe(&a, sizeof a);
    memory_wipe(&b, sizeof b);
    return alike;
}

/*
 * lighttpd reads one key from the file, whatever follows it, when it starts and whenever the file's
 * time is new, and holds the three that it read last; of those it seals by the last that has begun.
 * So the file has the key that seals, for a lighttpd that is started, until it is time to hand out
 * the next. Each is to be read once, for a second reading of one pushes out the oldest: so for a
 * date that is off by little it is not written again.
 */
static enum rp_status write_file(const struct feed_keys *keys, const struct feed_target *target,
                                 struct feed_files *files)
{
    const struct format_key *const key =
        &keys->keys[feed_lead_key(keys, feed_lighttpd.lead_ms, target->now_s)];
    const enum rp_status status = feed_write_key(target->format, key, target->file, files);

    if (status == RP_OK) {
        files->items[files->n - 1].is_alike = is_alike;
    }
    return status;
}

const struct feed_kind feed_lighttpd = {
    .name = "lighttpd",
    .format = KEY_FORMAT_LIGHTTPD,
    .needs = {.room = FEED_ROOM_THREE},
    .telling = FEED_TOLD_BY_POLL,
    .poll_ms = 64 * 1000,
    .least_rotate_ms = 2 * 64 * 1000,
    .lead_ms = 3 * 64 * 1000,
    .cost = "a lighttpd that is started anew holds but the newest key",
    .write = write_file,
};
