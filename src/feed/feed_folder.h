/*
 * The folder into which a feed's files are put: written aside and renamed, the old bytes
 * overwritten before they are released (docs/formats/feeds.md, "Files").
 *
 * System calls of feed_folder_put and feed_folder_clear, for the sandbox of who calls them: openat,
 * newfstatat, fstat, getdents64, read, write, pwrite64, fchmod, fchown, utimensat, ftruncate,
 * renameat, unlinkat, lseek, fcntl, close, getrandom. They need no privilege but to own the folder,
 * and to be in the group that it names.
 */
#ifndef FEED_FOLDER_H
#define FEED_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <reprise/status.h>

#include "feed_files.h"

struct feed_folder {
    const char *path;
    gid_t group; /* (gid_t)-1: nobody but the owner */
    bool may_reach_disk;
    /* The one file that is ours; NULL: all with names that feeds give (nginx, files). What others
     * put there is left alone. */
    const char *only;
    /* The server would take a file whose time is ahead for a new one twice. */
    bool is_read_once;
};

/*
 * Whether keys may be put there: on ramfs, or tmpfs without swap, in a folder that not anybody may
 * write to; where there is none yet, the one in which it would be made is judged. Needs /proc.
 * RP_INVALID: err says what would be right; RP_SYSTEM: it cannot be looked at.
 */
enum rp_status feed_folder_check(const struct feed_folder *folder,
                                 struct rp_error *err) RP_MUST_USE;

/*
 * A descriptor of the folder, close-on-exec, if it is there and ours: it was when it was made, and
 * may be gone and another's since. -1: err says why not.
 */
int feed_folder_open(const struct feed_folder *folder, struct rp_error *err) RP_MUST_USE;

/*
 * Brings the folder to hold files and, of ours, nothing else. All are written aside first, then
 * each is renamed in one step, lists after what they name; what is as it should be is not touched.
 * On failure err names the file, and every file is either the old or the new one: all are the old
 * ones if it was for want of room or permission (RP_SYSTEM, RP_FULL). *changed: whether anything
 * was. RP_NO_MEMORY, RP_CRYPTO.
 *
 * Times of files are set a second ahead of now and of the file before: there are servers that read
 * a file anew only if its time, in whole seconds, is later than when they read it last. Not where
 * is_read_once.
 */
enum rp_status feed_folder_put(const struct feed_folder *folder, const struct feed_files *files,
                               bool *changed, struct rp_error *err) RP_MUST_USE;

/* Overwrites and removes all that is ours: of a feed of which there is no plan any more. */
enum rp_status feed_folder_clear(const struct feed_folder *folder,
                                 struct rp_error *err) RP_MUST_USE;

#endif
