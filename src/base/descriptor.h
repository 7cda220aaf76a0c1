/*
 * All of what is to be read from or written to a descriptor that blocks; signals do not end it. And
 * the names in a folder.
 */
#ifndef DESCRIPTOR_H
#define DESCRIPTOR_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* False: errno says why not; some of it may have been written. */
bool descriptor_write_all(int fd, const void *p, size_t n);

/* How many bytes there were, up to n; what others append meanwhile is not read. -1: errno. */
ssize_t descriptor_read_all(int fd, uint8_t *out, size_t n);

/* A reader of a folder from its beginning; dir stays the caller's. NULL: errno. */
DIR *descriptor_names(int dir);

#endif
