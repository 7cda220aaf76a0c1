/*
 * What a Redis answers (RESP2), read by hiredis' parser within our bounds: bytes and elements of a
 * reply, and the length of a line. The server may be anybody.
 */
#ifndef REDIS_REPLY_H
#define REDIS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#define REDIS_ELEMENTS_MAX 2048 /* of a reply with all that is in it */

enum redis_kind {
    REDIS_STRING,
    REDIS_ARRAY,
    REDIS_INTEGER,
    REDIS_NIL,
    REDIS_STATUS,
    REDIS_ERROR,
};

struct redis_reply {
    enum redis_kind kind;
    int64_t integer;
    char *text; /* of a string, a status, an error; NUL-terminated */
    size_t len;
    struct redis_reply **elements;
    size_t n; /* all of them are there in a reply that was handed out */
};

struct redis_parser;

enum redis_parse {
    REDIS_MORE, /* the rest of the reply has yet to come */
    REDIS_WHOLE,
    REDIS_BAD, /* no protocol, or too much: the end */
};

enum rp_status redis_parser_new(struct redis_parser **out) RP_MUST_USE;
void redis_parser_free(struct redis_parser **parser);

/* False: out of memory. */
bool redis_parser_feed(struct redis_parser *parser, const void *p, size_t n);

/* REDIS_WHOLE: a reply, for redis_reply_free. */
enum redis_parse redis_parser_next(struct redis_parser *parser, struct redis_reply **out);

void redis_reply_free(struct redis_reply *reply);

/* Whether an error has this code, its own or that of a call in a script. */
bool redis_reply_is_error(const struct redis_reply *reply, const char *code);

#endif
