#include <stdbool.h>

#include "feed_kinds.h"
#include "feed_names.h"
#include "feed_write.h"
#include "text.h"

/* By number, the one that seals last, so that it is not renamed before those that only open. */
static enum rp_status write_each(const struct feed_keys *keys, enum key_format format,
                                 struct feed_files *files)
{
    enum rp_status status = RP_OK;

    for (size_t i = keys->n; i-- != 0 && status == RP_OK;) {
        char name[32];
        struct text t = text_of(name, sizeof name);

        text_addf(&t, "%zu" FEED_NAME_SUFFIX, i);
        status = feed_write_key(format, &keys->keys[i], name, files);
    }
    return status;
}

static enum rp_status write_files(const struct feed_keys *keys, const struct feed_target *target,
                                  struct feed_files *files)
{
    return key_format_traits(target->format)->most == 1
               ? write_each(keys, target->format, files)
               : feed_write_file(target->format, keys->keys, keys->n, FEED_NAME_ALL, files);
}

const struct feed_kind feed_plain = {
    .name = "files",
    .needs = {.room = FEED_ROOM_ANY},
    .telling = FEED_TOLD_BY_COMMAND,
    .write = write_files,
};
