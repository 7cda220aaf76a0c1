/* Session ticket key files, read and judged. */
#ifndef STATIC_KEYS_H
#define STATIC_KEYS_H

#include <stddef.h>

#include <reprise/status.h>

#include "key_file.h"

#define STATIC_KEYS_MAX 16

/*
 * Reads n files of nginx's formats into keys[n]. Refuses, naming the file and the remedy: one that
 * cannot be read or is no regular file, another length, a weak key, a key name that appears twice.
 * On failure keys is wiped.
 */
enum rp_status static_keys_read(const char *const *paths, size_t n, struct stek *keys,
                                struct rp_error *err) RP_MUST_USE;

/* The same of one key that was already read; name is used in the error. */
enum rp_status static_keys_check(const char *name, const struct stek *key,
                                 struct rp_error *err) RP_MUST_USE;

#endif
