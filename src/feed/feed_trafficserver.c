#include "feed_kinds.h"
#include "feed_write.h"

const struct feed_kind feed_trafficserver = {
    .name = "trafficserver",
    .format = KEY_FORMAT_TRAFFICSERVER,
    .needs = {.room = FEED_ROOM_ANY, .short_keys = true},
    .telling = FEED_TOLD_BY_COMMAND,
    .write = feed_write_whole,
};
