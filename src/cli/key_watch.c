#include "key_watch.h"

#include <string.h>
#include <sys/stat.h>

#include "memory.h"

/* What a look saw of a file. Zero: it is not there. */
struct sight {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec modified;
    struct timespec changed;
};

struct key_watch {
    const struct config_strings *paths;
    struct sight *marked;
    struct sight *last;
    struct sight *now;
};

static void look(const struct key_watch *watch, struct sight *sights)
{
    for (size_t i = 0; i < watch->paths->n; i++) {
        struct stat st;

        /* Compared as bytes, so without what might lie between the members. */
        memset(&sights[i], 0, sizeof sights[i]);
        if (stat(watch->paths->items[i], &st) == 0) {
            sights[i].dev = st.st_dev;
            sights[i].ino = st.st_ino;
            sights[i].size = st.st_size;
            sights[i].modified = st.st_mtim;
            sights[i].changed = st.st_ctim;
        }
    }
}

static bool equal(const struct key_watch *watch, const struct sight *a, const struct sight *b)
{
    return memcmp(a, b, watch->paths->n * sizeof *a) == 0;
}

enum rp_status key_watch_new(const struct config_strings *paths, struct key_watch **out)
{
    struct key_watch *watch = memory_new(1, sizeof *watch);

    *out = NULL;
    if (watch == NULL) {
        return RP_NO_MEMORY;
    }
    watch->paths = paths;
    watch->marked = memory_new(paths->n, sizeof *watch->marked);
    watch->last = memory_new(paths->n, sizeof *watch->last);
    watch->now = memory_new(paths->n, sizeof *watch->now);
    if (watch->marked == NULL || watch->last == NULL || watch->now == NULL) {
        key_watch_free(&watch);
        return RP_NO_MEMORY;
    }
    *out = watch;
    return RP_OK;
}

void key_watch_free(struct key_watch **out)
{
    struct key_watch *watch = *out;

    *out = NULL;
    if (watch != NULL) {
        memory_free(watch->marked);
        memory_free(watch->last);
        memory_free(watch->now);
        memory_free(watch);
    }
}

bool key_watch_changed(struct key_watch *watch)
{
    struct sight *const before = watch->last;
    bool still;

    look(watch, watch->now);
    still = equal(watch, watch->now, before);
    watch->last = watch->now;
    watch->now = before;
    return still && !equal(watch, watch->last, watch->marked);
}

void key_watch_mark(struct key_watch *watch)
{
    look(watch, watch->marked);
}
