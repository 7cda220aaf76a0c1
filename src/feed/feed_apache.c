#include "feed_kinds.h"
#include "feed_write.h"

const struct feed_kind feed_apache = {
    .name = "apache",
    .format = KEY_FORMAT_APACHE,
    .needs = {.room = FEED_ROOM_ONE, .short_keys = true},
    .telling = FEED_TOLD_BY_COMMAND,
    .write = feed_write_whole,
};
