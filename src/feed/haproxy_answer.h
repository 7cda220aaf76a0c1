/*
 * What HAProxy is asked by its runtime API, and what it answers: text in lines, an empty one at the
 * end. Pure. An answer is somebody else's: whatever it is, nothing is read of it but what is below.
 *
 * Read off HAProxy 2.6: `show tls-keys FILE` answers "# id secret", "# 0 (FILE)" and three lines
 * "0.0 BASE64", the key that seals second; `show tls-keys` answers "# id (file)" and lines
 * "0 (FILE)". Of all levels a socket can have (user, operator, admin), each shows and sets keys.
 */
#ifndef HAPROXY_ANSWER_H
#define HAPROXY_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "key_file.h"
#include "text.h"

#define HAPROXY_KEYS 3
#define HAPROXY_FILE_MAX 1024 /* bytes of a file's name */

/* Commands, with their newline. False: it does not fit into t. */
bool haproxy_ask_keys(struct text *t, const char *file);
bool haproxy_ask_files(struct text *t);
bool haproxy_ask_push(struct text *t, const char *file, const struct stek *key); /* secret */

/* What a file may be called: not empty, no control characters, not too long. */
bool haproxy_file_valid(const char *s);

enum haproxy_answer {
    HAPROXY_SHOWS_KEYS,
    HAPROXY_SHOWS_FILES,
    HAPROXY_TOOK_KEY,
    HAPROXY_KNOWS_NO_FILE, /* of that name */
    HAPROXY_KEYS_OF_OTHER_SIZE,
    HAPROXY_DENIES,           /* the socket's level does not do */
    HAPROXY_KNOWS_NO_COMMAND, /* the master's socket, or a build without TLS */
    HAPROXY_ELSE,             /* no answer of HAProxy to any of the above */
};

struct haproxy_shown {
    struct stek keys[HAPROXY_KEYS]; /* secret, all of one length; does not judge them */
};

/* Whether the n bytes are all of an answer. */
bool haproxy_answer_whole(const char *p, size_t n);

/* shown is filled for HAPROXY_SHOWS_KEYS, and zeroes otherwise. */
enum haproxy_answer haproxy_answer_read(const char *p, size_t n, struct haproxy_shown *shown);

/* Of HAPROXY_SHOWS_FILES: adds the names, after commas, in plain characters. How many there are. */
size_t haproxy_answer_files(const char *p, size_t n, struct text *names);

#endif
