/*
 * A file that is an entry of a box, in a store that is a folder (docs/formats/mailbox.md).
 *
 *     magic 8 | boot id 16 | end 8 | value
 *
 * end: milliseconds of the boot-time clock at which it is over. It says so in terms of the boot
 * that it names; after the next one it is over as well. No wall clock has a say in it.
 *
 * A file is written aside and then takes its name in one step, so whoever reads it has all of it,
 * whatever instant its writer was killed at. What others may have put in its place (a pipe, a link,
 * a folder, something long or strange) is no entry, and nobody waits for it.
 */
#ifndef STORE_FILE_H
#define STORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"

#define STORE_BOOT_ID_LEN 16
#define STORE_FILE_NAME_SIZE 160 /* of any name of a file, with its NUL */

/* Now, as entries are dated; and what makes names of files new. */
struct store_moment {
    uint8_t boot_id[STORE_BOOT_ID_LEN];
    int64_t now_ms;
    uint32_t count;
};

/* False: the kernel does not say which boot this is. */
bool store_moment_init(struct store_moment *moment, int64_t now_ms, uint32_t count);

enum store_file_state {
    STORE_FILE_LIVE,
    STORE_FILE_OVER,
    STORE_FILE_ABSENT,
    STORE_FILE_STRANGE, /* none of ours */
    STORE_FILE_FAILED,  /* see errno */
};

/* The name of an entry's file, and the entry's name of a file's; NULL: it is none. */
void store_file_name(const char *entry, char out[static STORE_FILE_NAME_SIZE]);
const char *store_file_entry(const char *file);

/* Writes a file aside; its name is in out. False: errno says why, and nothing is left. */
bool store_file_write(int box, struct store_moment *moment, const uint8_t *value, size_t len,
                      int64_t lifetime_ms, char out[static STORE_FILE_NAME_SIZE]);

/* A file that somebody began to write aside and never will finish. */
bool store_file_abandoned(const char *file, const struct store_moment *moment);

/* With value, a LIVE one's is allocated: for memory_free. */
enum store_file_state store_file_read(int box, const char *file, const struct store_moment *moment,
                                      uint8_t **value, size_t *len);

/* Removes an entry that is over, and nothing that has taken its place meanwhile. The caller holds
 * the store's lock. */
void store_file_remove(int box, const char *file, struct store_moment *moment);

#endif
