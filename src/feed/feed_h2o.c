#include "feed_kinds.h"
#include "feed_write.h"

static enum rp_status write_file(const struct feed_keys *keys, const struct feed_target *target,
                                 struct feed_files *files)
{
    return feed_write_file(KEY_FORMAT_H2O, keys->keys, keys->n, target->file, files);
}

const struct feed_kind feed_h2o = {
    .name = "h2o",
    .needs = {.room = FEED_ROOM_ANY, .numbered_name = true, .most = 256},
    .telling = FEED_TOLD_BY_POLL,
    .poll_ms = 10 * 1000,
    .least_rotate_ms = 2 * 10 * 1000,
    .write = write_file,
};
