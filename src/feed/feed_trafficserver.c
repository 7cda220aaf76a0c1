#include "feed_kinds.h"
#include "feed_write.h"

static enum rp_status write_file(const struct feed_keys *keys, const struct feed_target *target,
                                 struct feed_files *files)
{
    return feed_write_file(KEY_FORMAT_TRAFFICSERVER, keys->keys, keys->n, target->file, files);
}

const struct feed_kind feed_trafficserver = {
    .name = "trafficserver",
    .needs = {.room = FEED_ROOM_ANY, .short_keys = true},
    .telling = FEED_TOLD_BY_COMMAND,
    .reload = FEED_RELOAD_NEEDED,
    .write = write_file,
};
