/* Files that hold secrets, written whole or not at all: an error leaves what was there before. */
#ifndef FILE_WRITE_H
#define FILE_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * A file that was not there, of mode 0600. like: it gets the owner of that, and what access its
 * owner has; NULL: ourselves. False: errno.
 */
bool file_write_new(const char *path, const struct stat *like, const uint8_t *p, size_t n);

/* The same in the place of one that may be there, by way of a file beside it (.new). */
bool file_write_over(const char *path, const struct stat *like, const uint8_t *p, size_t n);

#endif
