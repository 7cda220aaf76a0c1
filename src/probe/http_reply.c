#include "http_reply.h"

#include <string.h>
#include <strings.h>

#include "number.h"
#include "text.h"

static void take_status_line(struct http_reply *r)
{
    uint64_t status = 0;
    char digits[4] = {0};

    /* HTTP/1.1 200 OK */
    if (r->line_len >= 12 && memcmp(r->line, "HTTP/1.", 7) == 0 && r->line[8] == ' ') {
        memcpy(digits, r->line + 9, 3);
    }
    if (!number_parse(digits, 599, &status) || status < 100) {
        r->state = HTTP_REPLY_BAD;
        return;
    }
    r->status = (unsigned)status;
    r->has_length = false;
    r->chunked = false;
    r->state = HTTP_REPLY_HEADER;
}

static const char *value_of(const struct http_reply *r, const char *name)
{
    const size_t len = strlen(name);

    if (strncasecmp(r->line, name, len) != 0 || r->line[len] != ':') {
        return NULL;
    }
    return r->line + len + 1 + strspn(r->line + len + 1, " \t");
}

static void take_server(struct http_reply *r, const char *value)
{
    struct text t = text_of(r->server, sizeof r->server);

    for (; *value != '\0'; value++) {
        text_add_char(&t, *value >= 0x20 && *value < 0x7f ? *value : '?');
    }
}

static void take_header(struct http_reply *r)
{
    const char *length = value_of(r, "Content-Length");
    const char *server = value_of(r, "Server");

    if (length != NULL) {
        r->has_length = number_parse(length, UINT64_MAX, &r->body_left);
        if (!r->has_length) {
            r->state = HTTP_REPLY_BAD;
        }
    } else if (value_of(r, "Transfer-Encoding") != NULL) {
        r->chunked = true;
    } else if (server != NULL) {
        take_server(r, server);
    }
}

static void end_header(struct http_reply *r)
{
    if (r->status < 200) {
        r->state = HTTP_REPLY_STATUS_LINE; /* an interim reply: another follows */
    } else if (r->bodiless || r->status == 204 || r->status == 304 ||
               (r->has_length && !r->chunked && r->body_left == 0)) {
        r->state = HTTP_REPLY_DONE;
    } else {
        r->state = r->has_length && !r->chunked ? HTTP_REPLY_BODY : HTTP_REPLY_UNTIL_CLOSE;
    }
}

static void take_line(struct http_reply *r)
{
    while (r->line_len != 0 && strchr("\r \t", r->line[r->line_len - 1]) != NULL) {
        r->line_len--;
    }
    r->line[r->line_len] = '\0';
    if (r->state == HTTP_REPLY_STATUS_LINE) {
        take_status_line(r);
    } else if (r->line_len == 0) {
        end_header(r);
    } else {
        take_header(r);
    }
    r->line_len = 0;
}

static void take_body(struct http_reply *r, size_t n)
{
    r->body_left -= n < r->body_left ? n : r->body_left;
    if (r->body_left == 0) {
        r->state = HTTP_REPLY_DONE;
    }
}

static bool is_in_header(const struct http_reply *r)
{
    return r->state == HTTP_REPLY_STATUS_LINE || r->state == HTTP_REPLY_HEADER;
}

enum http_reply_state http_reply_feed(struct http_reply *r, const char *p, size_t n)
{
    size_t at = 0;

    while (at < n && is_in_header(r)) {
        const char c = p[at++];

        if (c == '\n') {
            take_line(r);
        } else if (r->line_len < sizeof r->line - 1) {
            r->line[r->line_len++] = c;
        }
        if (++r->header_len == HTTP_REPLY_HEADER_MAX && is_in_header(r)) {
            r->state = HTTP_REPLY_TOO_LONG;
        }
    }
    if (r->state == HTTP_REPLY_BODY) {
        take_body(r, n - at);
    }
    return r->state;
}

bool http_reply_whole_at_end(const struct http_reply *r)
{
    return r->state == HTTP_REPLY_DONE || r->state == HTTP_REPLY_UNTIL_CLOSE;
}
