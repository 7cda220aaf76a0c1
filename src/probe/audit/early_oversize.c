#include "early_oversize.h"

#include <string.h>

#include "early_volley.h"
#include "http_reply.h"
#include "memory.h"
#include "repeat.h"

#define EXCESS 1024     /* bytes beyond the limit: more than any way of counting records explains */
#define LIMIT_MIN 4096  /* room for the request within it */
#define LIMIT_MAX 65536 /* no server takes a header that is longer */
#define LINE_LEN 1000
#define REFUSALS 400           /* HTTP: one of a header that is too long looks like any other */
#define LAST_LEN (EXCESS + 76) /* of the last line, at least: it begins within the limit */
#define STILL_MS 1000          /* without a word before the request is complete */
#define REPLY_MS 500           /* and then this at most, so that it is the end which is answered */

static const char line_end[] = "\r\n";

struct oversize_case {
    unsigned status; /* of the same request, split in the same way, within the limit */
    uint32_t limit;  /* of the last ticket */
};

enum oversize_answer {
    OVERSIZE_ANSWERED, /* with an HTTP status */
    OVERSIZE_REFUSED,  /* early data was accepted and the connection then ended by an alert */
    OVERSIZE_NOTHING,  /* neither: early data was not accepted, no reply came */
};

/* A request without the empty line at its end, n bytes long by header lines of padding. */
static bool pad_request(const struct auditor *a, uint8_t *out, size_t n)
{
    static const char name[] = "X-Padding: ";
    const size_t request_len = strlen(a->request);
    const size_t len = request_len - (sizeof line_end - 1);
    size_t at = len;

    if (request_len < sizeof line_end || n < len + LAST_LEN) {
        return false;
    }
    memcpy(out, a->request, len);
    while (at < n) {
        const size_t left = n - at;
        const size_t line = left < LINE_LEN + LAST_LEN ? left : LINE_LEN;

        memset(out + at, 'x', line);
        memcpy(out + at, name, sizeof name - 1);
        memcpy(out + at + line - (sizeof line_end - 1), line_end, sizeof line_end - 1);
        at += line;
    }
    return true;
}

static unsigned status_of(struct raw_conn *conn)
{
    struct http_reply reply = {0};
    size_t n = 0;
    const uint8_t *p = raw_client_received(raw_conn_client(conn), &n);

    if (n != 0) {
        (void)http_reply_feed(&reply, (const char *)p, n);
    }
    return reply.status;
}

static enum oversize_answer answer_of(struct raw_conn *conn, unsigned *status)
{
    const struct raw_result *r = raw_conn_result(conn);

    (void)raw_conn_handshake(conn);
    if (r->early != RAW_EARLY_ACCEPTED) {
        return OVERSIZE_NOTHING;
    }
    if (r->established) {
        (void)raw_conn_read(conn, RAW_UNTIL_DATA, STILL_MS);
    }
    if (r->n_application_bytes != 0) {
        return OVERSIZE_NOTHING; /* it does not read requests to their end */
    }
    if (r->established &&
        raw_conn_request(conn, line_end, sizeof line_end - 1, RAW_UNTIL_DATA, REPLY_MS)) {
        *status = status_of(conn);
        return *status != 0 ? OVERSIZE_ANSWERED : OVERSIZE_NOTHING;
    }
    return r->end == RAW_END_ALERT ? OVERSIZE_REFUSED : OVERSIZE_NOTHING;
}

/* Sends so many bytes more than the ticket of a fresh session allows, or fewer. */
static enum oversize_answer send_early(struct auditor *a, bool too_much, struct oversize_case *c,
                                       unsigned *status)
{
    enum oversize_answer answer = OVERSIZE_NOTHING;
    struct raw_conn *conn = NULL;
    struct raw_config config;
    struct raw_session *s;
    uint8_t *early = NULL;
    size_t n;

    auditor_config_for(a, KIND_PSK13, &config);
    s = early_session(a, &config);
    if (s == NULL || s->max_early_data < LIMIT_MIN || s->max_early_data > LIMIT_MAX) {
        goto done;
    }
    c->limit = s->max_early_data;
    n = too_much ? (size_t)c->limit + EXCESS : strlen(a->request) + 2 * LINE_LEN;
    early = memory_new(n, 1);
    if (early == NULL || n > (size_t)c->limit + EXCESS || !pad_request(a, early, n)) {
        goto done;
    }
    early_config(a, s, &config);
    config.early = early;
    config.early_len = n;
    conn = early_open(a, &config, a->address);
    if (conn != NULL) {
        answer = answer_of(conn, status);
    }

done:
    raw_conn_close(&conn);
    memory_free(early);
    raw_session_free(&s);
    return answer;
}

static enum vote too_much(struct auditor *a, void *cookie)
{
    struct oversize_case *c = cookie;
    unsigned status = 0;

    switch (send_early(a, true, c, &status)) {
    case OVERSIZE_ANSWERED:
        return status == c->status ? VOTE_HIT : VOTE_VOID;
    case OVERSIZE_REFUSED:
        return VOTE_MISS;
    case OVERSIZE_NOTHING:
        break;
    }
    return VOTE_VOID;
}

unsigned early_oversize(struct auditor *a)
{
    struct oversize_case c = {0};
    struct votes v;

    if (a->request[0] == '\0' || send_early(a, false, &c, &c.status) != OVERSIZE_ANSWERED ||
        c.status >= REFUSALS) {
        return 0;
    }
    repeat(a, too_much, &c, &v);
    if (votes_found(&v)) {
        auditor_find(a, FINDING_EARLY_OVERSIZE,
                     "a request of which %lu bytes were sent as early data, %d more than the "
                     "ticket allows, was answered %u of %u times, by HTTP status %u as within the "
                     "limit",
                     (unsigned long)c.limit + EXCESS, EXCESS, v.n_hits, v.n, c.status);
    }
    return v.n;
}
