#include "page_answer.h"

#include <string.h>
#include <strings.h>

#include "authority.h"
#include "page_text.h"
#include "text.h"
#include "web_page.h"

/* The hashes of its one script and its one style are made when they are embedded. */
#define CSP                                                                                        \
    "default-src 'none'; script-src '" WEB_PAGE_SCRIPT_HASH "'; style-src '" WEB_PAGE_STYLE_HASH   \
    "'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "                  \
    "frame-ancestors 'none'"
#define TARGET_HOST_SIZE (AUTHORITY_HOST_MAX + 8)

/* Where a request goes, whichever form its target has. */
struct place {
    const char *path;
    const char *host; /* NULL: none */
    char target_host[TARGET_HOST_SIZE];
};

/* A whole URI as the target goes before the Host field (RFC 9112 section 3.2.2). */
static bool find_place(const struct page_request *request, struct place *out)
{
    static const char scheme[] = "https://";
    struct text t = text_of(out->target_host, sizeof out->target_host);
    const char *authority;
    size_t n;

    out->path = request->target;
    out->host = request->host;
    if (strncasecmp(request->target, scheme, sizeof scheme - 1) == 0) {
        authority = request->target + sizeof scheme - 1;
        n = strcspn(authority, "/");
        text_add_n(&t, authority, n);
        out->host = out->target_host;
        out->path = authority[n] == '/' ? authority + n : "/";
    }
    return !t.cut;
}

static bool host_is_good(const struct page_request *request, const char *host)
{
    char name[AUTHORITY_HOST_MAX + 1];

    if (request->n_hosts > 1 || (request->needs_host && request->n_hosts == 0)) {
        return false;
    }
    return host == NULL || authority_host(host, name);
}

static enum rp_status say_page(const struct facts *facts, struct http_answer *out)
{
    out->status = 200;
    out->type = "text/html; charset=utf-8";
    out->csp = CSP;
    return page_text_html(web_page_html, facts, &out->body, &out->body_len);
}

static enum rp_status say_facts(const struct facts *facts, struct http_answer *out)
{
    out->status = 200;
    out->type = "application/json";
    return page_text_json(facts, &out->body, &out->body_len);
}

enum rp_status page_answer_new(const struct sites *sites, const struct facts *facts,
                               const struct page_request *request, struct http_answer *out)
{
    const char *sni = facts->has_sni ? facts->sni : NULL;
    struct place place;

    *out = (struct http_answer){0};
    if (!find_place(request, &place) || !host_is_good(request, place.host)) {
        return http_answer_say(out, 400,
                               "The request names no host, more than one, or none that can be.\n");
    }
    if (place.host != NULL && !sites_host_allowed(sites, facts->listener, sni, place.host)) {
        return http_answer_say(out, 421, "This host is served on connections made for it.\n");
    }
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
        return http_answer_say(out, 405, "There is only GET and HEAD here.\n");
    }
    if (strcmp(place.path, "/") == 0) {
        return say_page(facts, out);
    }
    if (strcmp(place.path, "/session.json") == 0) {
        return say_facts(facts, out);
    }
    return http_answer_say(out, 404, "There is only / and /session.json here.\n");
}
