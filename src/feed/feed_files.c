#include "feed_files.h"

#include <string.h>

#include "memory.h"
#include "text.h"

#define ROOM_FIRST 32

static void wipe_and_free(uint8_t *p, size_t n)
{
    if (p != NULL) {
        memory_wipe(p, n);
    }
    memory_free(p);
}

static void file_fini(struct feed_file *file)
{
    wipe_and_free(file->bytes, file->n);
    wipe_and_free(file->throwaway, file->n);
    *file = (struct feed_file){0};
}

void feed_files_fini(struct feed_files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        file_fini(&files->items[i]);
    }
    memory_free(files->items);
    *files = (struct feed_files){0};
}

static bool is_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && strlen(name) <= FEED_FILE_NAME_MAX &&
           strchr(name, '/') == NULL;
}

static bool make_room(struct feed_files *files)
{
    const size_t room = files->room != 0 ? 2 * files->room : ROOM_FIRST;
    struct feed_file *items;

    if (files->n < files->room) {
        return true;
    }
    items = memory_resize(files->items, files->room, room, sizeof *items);
    if (items == NULL) {
        return false;
    }
    files->items = items;
    files->room = room;
    return true;
}

enum rp_status feed_files_add(struct feed_files *files, const char *name, const uint8_t *bytes,
                              const uint8_t *throwaway, size_t n, bool is_list)
{
    struct feed_file file = {.n = n, .is_list = is_list};
    struct text t = text_of(file.name, sizeof file.name);

    if (n == 0 || files->n == FEED_FILES_MAX || !is_name(name) ||
        feed_files_find(files, name) != NULL) {
        return RP_INVALID;
    }
    text_add(&t, name);
    file.bytes = memory_new(n, 1);
    file.throwaway = memory_new(n, 1);
    if (file.bytes == NULL || file.throwaway == NULL || !make_room(files)) {
        file_fini(&file);
        return RP_NO_MEMORY;
    }
    memcpy(file.bytes, bytes, n);
    memcpy(file.throwaway, throwaway != NULL ? throwaway : bytes, n);
    files->items[files->n] = file; /* transferred */
    files->n++;
    return RP_OK;
}

const struct feed_file *feed_files_find(const struct feed_files *files, const char *name)
{
    for (size_t i = 0; i < files->n; i++) {
        if (strcmp(files->items[i].name, name) == 0) {
            return &files->items[i];
        }
    }
    return NULL;
}

void feed_files_throw_away(struct feed_files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        memory_wipe(files->items[i].bytes, files->items[i].n);
        memcpy(files->items[i].bytes, files->items[i].throwaway, files->items[i].n);
    }
}
