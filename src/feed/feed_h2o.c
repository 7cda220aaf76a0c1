#include "feed_kinds.h"
#include "feed_write.h"

const struct feed_kind feed_h2o = {
    .name = "h2o",
    .format = KEY_FORMAT_H2O,
    .needs = {.room = FEED_ROOM_ANY, .numbered_name = true, .most = 256},
    .telling = FEED_TOLD_BY_POLL,
    .poll_ms = 10 * 1000,
    .least_rotate_ms = 2 * 10 * 1000,
    .write = feed_write_whole,
};
