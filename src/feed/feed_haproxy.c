#include "feed_kinds.h"
#include "feed_write.h"

const struct feed_kind feed_haproxy = {
    .name = "haproxy",
    .format = KEY_FORMAT_HAPROXY,
    .needs = {.room = FEED_ROOM_THREE},
    .telling = FEED_TOLD_BY_SOCKET,
    .write = feed_write_whole,
};
