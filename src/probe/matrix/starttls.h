/*
 * What is said in clear before TLS begins on a port of SMTP (RFC 3207): greeting, EHLO, STARTTLS.
 * No I/O: takes what the server sent, says what to send.
 */
#ifndef STARTTLS_H
#define STARTTLS_H

#include <stdbool.h>
#include <stddef.h>

#include <reprise/status.h>

#define STARTTLS_BYTES_MAX 8192 /* of the server's, in all */

/* What the client does next. */
enum starttls_next {
    STARTTLS_READ,
    STARTTLS_SEND, /* starttls_text, then read */
    STARTTLS_BEGIN,
    STARTTLS_FAILED, /* err says why */
};

/* Zeroed: ready for the server's greeting. */
struct starttls {
    unsigned n_replies; /* that are whole */
    bool offered;
    bool has_failed;
    size_t n_bytes;
    size_t line_len;
    char line[128]; /* what is longer is cut */
    struct rp_error err;
};

enum starttls_next starttls_feed(struct starttls *s, const char *p, size_t n);

/* After STARTTLS_SEND; static. */
const char *starttls_text(const struct starttls *s);

#endif
