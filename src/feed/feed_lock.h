/*
 * That one process alone feeds a place: it holds a lock (flock) on a file there, `.lock` or,
 * of a feed with one file, `.NAME.lock`, as long as it lives. Two would write their keys over each
 * other's. The file is its owner's alone, for whoever may open it can hold the lock; it stays.
 *
 * System calls: openat, unlinkat, fstat, newfstatat, flock, ftruncate, close.
 */
#ifndef FEED_LOCK_H
#define FEED_LOCK_H

#include <stdbool.h>

#include <reprise/status.h>

#include "feed_folder.h"

struct feed_lock {
    bool is_held; /* zeroes: it is not */
    int fd;
};

/*
 * Holds it, as before or from now on; anew, where another file or folder is in its place.
 * RP_INVALID: another has it, and err says so; RP_SYSTEM. It is not held then.
 */
enum rp_status feed_lock_take(struct feed_lock *lock, const struct feed_folder *folder,
                              struct rp_error *err) RP_MUST_USE;
void feed_lock_release(struct feed_lock *lock);

/*
 * One bit that outlives who holds it: whether the server was seen to have what is in the files. It
 * is the file's length. What cannot be noted is not: the server is told once more.
 */
void feed_lock_note(const struct feed_lock *lock, bool seen);
bool feed_lock_noted(const struct feed_lock *lock);

/* Whether somebody holds it just now. What we may not look at counts as free. */
bool feed_lock_is_held(const struct feed_folder *folder);

/* The sentence of whoever finds it held. */
void feed_lock_explain(const struct feed_folder *folder, struct rp_error *err);

#endif
