/* Which names in a folder are a feed's. */
#ifndef FEED_NAMES_H
#define FEED_NAMES_H

#include <stdbool.h>

#include "feed_files.h"

/* What feeds call the files of a folder that is all theirs: a list of the others, all keys in one,
 * each key by itself. */
#define FEED_NAME_LIST "session_ticket_keys.conf"
#define FEED_NAME_ALL "keys"
#define FEED_NAME_SUFFIX ".key"

#define FEED_ASIDE_MAX (FEED_FILE_NAME_MAX + 6) /* .NAME.new, .NAME.lock */

/* only: as in struct feed_folder. */
bool feed_name_is_ours(const char *name, const char *only);

/* The name under which one of ours is written before it is renamed. */
bool feed_name_is_aside(const char *name, const char *only);
void feed_name_aside(const char *name, char out[static FEED_ASIDE_MAX + 1]);

/* Of the file whose lock says who feeds (feed_lock.h): neither ours nor aside. */
void feed_name_lock(const char *only, char out[static FEED_ASIDE_MAX + 1]);

#endif
