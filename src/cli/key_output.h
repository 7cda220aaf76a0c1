/* Where secret bytes are put: nobody but the owner can read them there, at no moment. */
#ifndef KEY_OUTPUT_H
#define KEY_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "key_format.h"

/*
 * Standard output, past stdio, in whose buffer the bytes would stay. A regular file there is closed
 * to others first; where that cannot be, nothing is written. Of a terminal a warning is printed.
 */
enum rp_status key_output_standard(const uint8_t *p, size_t n, struct rp_error *err) RP_MUST_USE;

/* Whether a file could be put at path: there is none, or force and it is a regular file. */
enum rp_status key_output_check(const char *path, bool force, struct rp_error *err) RP_MUST_USE;

/* A new file of mode 0600, whole or not at all; with force it replaces one that is there. */
enum rp_status key_output_file(const char *path, bool force, const uint8_t *p, size_t n,
                               struct rp_error *err) RP_MUST_USE;

/* Keys as a file of that format; path NULL: to standard output. RP_FORMAT: they do not fit it. */
enum rp_status key_output_keys(enum key_format format, const struct format_key *keys, size_t n,
                               const char *path, bool force, struct rp_error *err) RP_MUST_USE;

#endif
