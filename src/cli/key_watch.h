/*
 * Watches static key files by looking at them each second: at size, inode and times, so that a
 * replacement by rename, a write in place and a network file system are all noticed. A change
 * counts when two looks in a row saw the same, so that a file that is being written is left alone.
 */
#ifndef KEY_WATCH_H
#define KEY_WATCH_H

#include <stdbool.h>

#include <reprise/status.h>

#include "config.h"

#define KEY_WATCH_INTERVAL_MS 1000

struct key_watch;

enum rp_status key_watch_new(const struct config_strings *paths,
                             struct key_watch **out) RP_MUST_USE;
void key_watch_free(struct key_watch **watch);

/* One look. True: the files differ from those at the last key_watch_mark, and stand still. */
bool key_watch_changed(struct key_watch *watch);

/* The files, as they are now, are about to be read. */
void key_watch_mark(struct key_watch *watch);

#endif
