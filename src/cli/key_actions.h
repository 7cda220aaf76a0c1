/* What `reprise key` does about key files, each action in a file of its own (cmd_key.c chooses). */
#ifndef KEY_ACTIONS_H
#define KEY_ACTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "key_format.h"

/* What is not asked for is zero; the strings are the command line's. */
struct key_request {
    bool has_format; /* --format, --to */
    enum key_format format;
    enum key_format from; /* convert */
    bool is_short;
    bool secrets;
    bool json;
    bool force;
    size_t n_keys; /* 0: as few as the format allows */
    int64_t rotate_s;
    int64_t accept_s;
    const char *output;  /* NULL: standard output */
    const char *checked; /* fleet-secret */
    char *const *files;
    size_t n_files;
    int64_t now_s;
};

/* Each returns the exit code. */
int key_new(const struct key_request *r);
int key_show(const struct key_request *r);
int key_convert(const struct key_request *r);
int key_check(const struct key_request *r);
int key_fleet_secret(const struct key_request *r);

/* One sentence to standard error; returns code. */
int key_fail(const char *text, int code);

#endif
