/*
 * Files that hold keys, in memory: what is to be in a feed's folder (feed_folder.h).
 */
#ifndef FEED_FILES_H
#define FEED_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#define FEED_FILE_NAME_MAX 63
#define FEED_FILES_MAX 2048
#define FEED_FILE_ALIKE_MAX 4096

struct feed_file {
    char name[FEED_FILE_NAME_MAX + 1];
    uint8_t *bytes; /* secret */
    size_t n;
    /* As many bytes, which the old file is overwritten with; secret too, for a server may come to
     * seal by them. */
    uint8_t *throwaway;
    bool is_list; /* holds no key, and names the others: put last */
    /* Whether a file that is found is as good as this one, of the same length, at most
     * FEED_FILE_ALIKE_MAX bytes; NULL: only one with the same bytes is. */
    bool (*is_alike)(const uint8_t *found, const uint8_t *wanted, size_t n);
};

struct feed_files {
    size_t n;
    size_t room;
    struct feed_file *items;
};

void feed_files_fini(struct feed_files *files); /* wipes */

/*
 * bytes and throwaway are copied; throwaway NULL: the bytes are no secret. A name is a file's in
 * its folder: no slash, no dot in front. RP_INVALID: it is not, is there already, or there are
 * FEED_FILES_MAX; RP_NO_MEMORY.
 */
enum rp_status feed_files_add(struct feed_files *files, const char *name, const uint8_t *bytes,
                              const uint8_t *throwaway, size_t n, bool is_list) RP_MUST_USE;

/* NULL: there is none of that name. */
const struct feed_file *feed_files_find(const struct feed_files *files, const char *name);

/*
 * All files hold throwaway keys from now on: put, they leave a folder from which the server can be
 * started, and from which nobody learns what it sealed by.
 */
void feed_files_throw_away(struct feed_files *files);

#endif
