#include "http_answer.h"

#include <stdbool.h>
#include <string.h>

#include "memory.h"

enum rp_status http_answer_say(struct http_answer *out, unsigned status, const char *sentence)
{
    *out = (struct http_answer){
        .status = status,
        .type = "text/plain; charset=utf-8",
        .body = memory_string(sentence),
        .body_len = strlen(sentence),
    };
    return out->body != NULL ? RP_OK : RP_NO_MEMORY;
}

static bool add_fields(const struct http_answer *answer, struct MHD_Response *response)
{
    const struct {
        const char *name;
        const char *value;
    } fields[] = {
        {"Content-Type", answer->type},
        {"Cache-Control", "no-store"},
        {"Connection", "close"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Content-Security-Policy", answer->csp != NULL ? answer->csp : "default-src 'none'"},
        {"Allow", answer->status == 405 ? "GET, HEAD" : NULL},
    };

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].value != NULL &&
            MHD_add_response_header(response, fields[i].name, fields[i].value) != MHD_YES) {
            return false;
        }
    }
    return true;
}

enum MHD_Result http_answer_send(struct http_answer *answer, struct MHD_Connection *connection)
{
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(
        answer->body_len, answer->body, memory_free);
    enum MHD_Result sent = MHD_NO;

    if (response == NULL) {
        return MHD_NO;
    }
    answer->body = NULL; /* transferred */
    if (add_fields(answer, response)) {
        sent = MHD_queue_response(connection, answer->status, response);
    }
    MHD_destroy_response(response);
    return sent;
}

void http_answer_fini(struct http_answer *answer)
{
    memory_free(answer->body);
    *answer = (struct http_answer){0};
}
