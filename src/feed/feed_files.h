/*
 * Files that hold keys, and the folder in which they are put: written aside and renamed, the old
 * bytes overwritten before they are released (docs/formats/feeds.md, "Files").
 */
#ifndef FEED_FILES_H
#define FEED_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <reprise/status.h>

#define FEED_FILE_NAME_MAX 63

struct feed_file {
    char name[FEED_FILE_NAME_MAX + 1];
    uint8_t *bytes; /* secret */
    size_t n;
    uint8_t *throwaway; /* as many bytes: what the old file is overwritten with */
    bool is_list;       /* holds no key, and names the others: put last */
};

struct feed_files {
    size_t n;
    struct feed_file *items;
};

void feed_files_fini(struct feed_files *files); /* wipes */

/* bytes and throwaway are copied; RP_NO_MEMORY. */
enum rp_status feed_files_add(struct feed_files *files, const char *name, const uint8_t *bytes,
                              const uint8_t *throwaway, size_t n, bool is_list) RP_MUST_USE;

/* Where they go. */
struct feed_folder {
    const char *path;
    gid_t group;        /* (gid_t)-1: nobody but the owner */
    bool may_reach_disk;
    const char *prefix; /* NULL: all files with the names of ours in it are ours (nginx, files) */
};

/* Whether keys may be put there: on ramfs, or tmpfs without swap. err says what would be right. */
enum rp_status feed_folder_check(const struct feed_folder *folder,
                                 struct rp_error *err) RP_MUST_USE;

/*
 * Brings the folder to hold files and, of ours, nothing else. Each file is replaced in one step,
 * lists after what they name; what is as it should be is not touched. On failure, err names the
 * file, and every file is either the old or the new one. *changed: whether anything was written.
 */
enum rp_status feed_folder_put(const struct feed_folder *folder, const struct feed_files *files,
                               bool *changed, struct rp_error *err) RP_MUST_USE;

#endif
