/* Key files that are given to `reprise key`, in every way in which their bytes can be read. */
#ifndef KEY_INPUT_H
#define KEY_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include <reprise/status.h>

#include "key_format.h"

struct key_reading {
    enum key_format format;
    size_t n;
    struct format_key *keys; /* secret */
};

struct key_input {
    const char *name; /* for messages; borrowed */
    bool has_file;    /* else standard input */
    struct stat st;
    long filesystem; /* f_type of statfs; 0: not known */
    size_t len;
    size_t n;
    struct key_reading readings[KEY_FORMATS];
};

/*
 * Reads a regular file, or standard input if path is "-", once. format: in this one alone; NULL: in
 * all, where text is none of the binary ones if it can be read as text. RP_SYSTEM: it cannot be
 * read; RP_FORMAT: it is no key file, or none of that format. err has one sentence.
 */
enum rp_status key_input_read(const char *path, const enum key_format *format, int64_t now_s,
                              struct key_input *out, struct rp_error *err) RP_MUST_USE;
void key_input_fini(struct key_input *input); /* wipes */

#endif
