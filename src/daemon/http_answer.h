/* What an HTTP server of ours answers, and how it is handed to libmicrohttpd. */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include <stddef.h>

#include <microhttpd.h>
#include <reprise/status.h>

struct http_answer {
    unsigned status;  /* of HTTP */
    const char *type; /* of the body; static storage */
    const char *csp;  /* Content-Security-Policy, static; NULL: nothing may be loaded */
    char *body;       /* memory_free's; NUL-terminated */
    size_t body_len;
};

/* Answers with a sentence as plain text. */
enum rp_status http_answer_say(struct http_answer *out, unsigned status,
                               const char *sentence) RP_MUST_USE;

/* Queues it, with the fields that no answer of ours goes without; the body is transferred. MHD_NO:
 * the connection is to be closed. */
enum MHD_Result http_answer_send(struct http_answer *answer, struct MHD_Connection *connection);

void http_answer_fini(struct http_answer *answer);

#endif
