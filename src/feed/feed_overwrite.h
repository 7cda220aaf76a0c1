/* Overwriting what is about to be released. */
#ifndef FEED_OVERWRITE_H
#define FEED_OVERWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

/*
 * A file of dir that is to be overwritten later, though its name be another's by then: a
 * descriptor, close-on-exec. -1: there is none, or it is no regular file that we may write to.
 */
int feed_overwrite_open(int dir, const char *name);

/*
 * The n bytes first, then random ones up to the file's end, of which nothing beyond n is left. fd
 * is closed, -1 is nothing. RP_CRYPTO: no random bytes were to be had; RP_SYSTEM: errno.
 */
enum rp_status feed_overwrite_close(int fd, const uint8_t *p, size_t n) RP_MUST_USE;

/* Overwrites a file with random bytes and removes it; what is no regular file is removed only.
 * True: there is none any more. False: errno. */
bool feed_overwrite_remove(int dir, const char *name);

#endif
