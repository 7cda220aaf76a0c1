#include <string.h>

#include "feed_kinds.h"
#include "feed_names.h"
#include "feed_write.h"
#include "memory.h"
#include "text.h"

#define LIST_HEAD "# Written by reprised: include it in the http block or in each server.\n"
#define KEY_NAME_LEN (2 * 16 + sizeof FEED_NAME_SUFFIX)
#define LINE_ROOM 128 /* of the directive, without the folder */

static void name_key(const struct stek *stek, char out[static KEY_NAME_LEN])
{
    struct text t = text_of(out, KEY_NAME_LEN);

    text_add_hex(&t, stek->name, sizeof stek->name);
    text_add(&t, FEED_NAME_SUFFIX);
}

/* As nginx reads a quoted word. */
static void add_quoted(struct text *t, const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\') {
            text_add_char(t, '\\');
        }
        text_add_char(t, *s);
    }
}

static void add_line(struct text *t, const char *folder, const char *name)
{
    text_add(t, "ssl_session_ticket_key \"");
    add_quoted(t, folder);
    text_add_char(t, '/');
    add_quoted(t, name);
    text_add(t, "\";\n");
}

/* nginx seals by the first. */
static enum rp_status add_list(const struct feed_keys *keys, const char *folder,
                               struct feed_files *files)
{
    const size_t size = sizeof LIST_HEAD + keys->n * (2 * strlen(folder) + LINE_ROOM);
    char *const list = memory_new(size, 1);
    enum rp_status status = RP_NO_MEMORY;

    if (list != NULL) {
        struct text t = text_of(list, size);

        text_add(&t, LIST_HEAD);
        for (size_t i = 0; i < keys->n; i++) {
            char name[KEY_NAME_LEN];

            name_key(&keys->keys[i].stek, name);
            add_line(&t, folder, name);
        }
        status = feed_files_add(files, FEED_NAME_LIST, (const uint8_t *)list, NULL, t.len, true);
    }
    memory_free(list);
    return status;
}

static enum rp_status write_files(const struct feed_keys *keys, const struct feed_target *target,
                                  struct feed_files *files)
{
    enum rp_status status = RP_OK;

    for (size_t i = 0; i < keys->n && status == RP_OK; i++) {
        char name[KEY_NAME_LEN];

        name_key(&keys->keys[i].stek, name);
        status = feed_write_key(target->format, &keys->keys[i], name, files);
    }
    return status == RP_OK ? add_list(keys, target->folder, files) : status;
}

const struct feed_kind feed_nginx = {
    .name = "nginx",
    .format = KEY_FORMAT_NGINX,
    .needs = {.room = FEED_ROOM_ANY},
    .telling = FEED_TOLD_BY_COMMAND,
    .is_configuration = true,
    .write = write_files,
};
