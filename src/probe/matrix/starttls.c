#include "starttls.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "error.h"

/* The replies, in the order in which they come. */
enum { GREETING, EHLO, GO_AHEAD };

static enum starttls_next fail(struct starttls *s, const char *what)
{
    s->has_failed = true;
    error_set(&s->err, "%s", what);
    return STARTTLS_FAILED;
}

static bool is_code(const char *line, size_t len)
{
    return len >= 3 && isdigit((unsigned char)line[0]) && isdigit((unsigned char)line[1]) &&
           isdigit((unsigned char)line[2]) && (len == 3 || line[3] == ' ' || line[3] == '-');
}

static enum starttls_next refused(struct starttls *s)
{
    s->has_failed = true;
    error_set(&s->err, "SMTP: the server says %.3s to %s", s->line,
              s->n_replies == GREETING ? "the connection"
              : s->n_replies == EHLO   ? "EHLO"
                                       : "STARTTLS");
    return STARTTLS_FAILED;
}

static enum starttls_next take_line(struct starttls *s)
{
    while (s->line_len != 0 && s->line[s->line_len - 1] == '\r') {
        s->line_len--;
    }
    s->line[s->line_len] = '\0';
    if (!is_code(s->line, s->line_len)) {
        return fail(s, "what the server sends is not SMTP");
    }
    if (s->line[0] != '2') {
        return refused(s);
    }
    if (s->n_replies == EHLO && s->line_len > 4 && strcasecmp(s->line + 4, "STARTTLS") == 0) {
        s->offered = true;
    }
    if (s->line[3] == '-') {
        return STARTTLS_READ;
    }
    if (s->n_replies == EHLO && !s->offered) {
        return fail(s, "SMTP: the server does not offer STARTTLS");
    }
    s->n_replies++;
    return s->n_replies > GO_AHEAD ? STARTTLS_BEGIN : STARTTLS_SEND;
}

enum starttls_next starttls_feed(struct starttls *s, const char *p, size_t n)
{
    enum starttls_next next = s->has_failed ? STARTTLS_FAILED : STARTTLS_READ;

    for (size_t i = 0; i < n && next == STARTTLS_READ; i++) {
        if (++s->n_bytes > STARTTLS_BYTES_MAX) {
            return fail(s, "SMTP: the server's reply is too long");
        }
        if (p[i] != '\n') {
            if (s->line_len < sizeof s->line - 1) {
                s->line[s->line_len++] = p[i];
            }
            continue;
        }
        next = take_line(s);
        s->line_len = 0;
        if (next != STARTTLS_READ && next != STARTTLS_FAILED && i + 1 != n) {
            /* Somebody may have put in what would then seem to have come under TLS. */
            return fail(s, "SMTP: the server sends more than its turn");
        }
    }
    return next;
}

const char *starttls_text(const struct starttls *s)
{
    return s->n_replies == EHLO ? "EHLO reprise.invalid\r\n" : "STARTTLS\r\n";
}
