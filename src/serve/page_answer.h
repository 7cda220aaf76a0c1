/* Decides what the built-in page answers to a request. HTTP itself is not spoken here. */
#ifndef PAGE_ANSWER_H
#define PAGE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include <reprise/status.h>

#include "facts.h"
#include "http_answer.h"
#include "sites.h"

struct page_request {
    const char *method;
    const char *target; /* without query: a path, or a whole URI */
    const char *host;   /* of the Host field; NULL: there was none */
    unsigned n_hosts;   /* fields of this name */
    bool needs_host;    /* HTTP/1.1 */
};

/*
 * The page at /, the facts at /session.json, 404 elsewhere; 405 for other methods than GET and
 * HEAD; 400 for a Host that is missing, doubled or malformed, 421 for one that belongs to another
 * site than the connection's server name. http_answer_fini in any case.
 */
enum rp_status page_answer_new(const struct sites *sites, const struct facts *facts,
                               const struct page_request *request,
                               struct http_answer *out) RP_MUST_USE;

#endif
