/*
 * Follows one HTTP/1.1 reply as its bytes come, to know its status and where it ends. A body whose
 * length is not given in Content-Length ends with the connection, for the request asked for that.
 */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_REPLY_HEADER_MAX ((size_t)64 * 1024) /* with all interim replies before it */

enum http_reply_state {
    HTTP_REPLY_STATUS_LINE, /* nothing read yet is not an end: the server never answered */
    HTTP_REPLY_HEADER,
    HTTP_REPLY_BODY,        /* body_left bytes to come */
    HTTP_REPLY_UNTIL_CLOSE, /* whole once the connection ends */
    HTTP_REPLY_DONE,
    HTTP_REPLY_BAD,      /* not HTTP */
    HTTP_REPLY_TOO_LONG, /* HTTP_REPLY_HEADER_MAX bytes, and still no body */
};

struct http_reply {
    enum http_reply_state state; /* zeroed: ready for the first byte */
    unsigned status;             /* 0 until known */
    bool bodiless;               /* set by the caller: the request was HEAD */
    bool has_length;
    bool chunked;
    uint64_t body_left;
    size_t header_len;
    size_t line_len;
    char line[128];  /* what is longer is cut: no header of interest is */
    char server[64]; /* the Server header, printable ASCII only; cut to fit; empty: none */
};

/* Takes n bytes; what comes after the end is ignored. Returns the state then reached. */
enum http_reply_state http_reply_feed(struct http_reply *r, const char *p, size_t n);

/* The connection ended: was the reply whole? */
bool http_reply_whole_at_end(const struct http_reply *r);

#endif
