#include "probe_request.h"

#include <string.h>

#include "comma_list.h"
#include "error.h"
#include "text.h"

#define PORT_HTTPS 443

static void add_host(struct text *t, const struct probe_options *o)
{
    const char *name = o->servername != NULL ? o->servername : o->target.name;
    const bool brackets = strchr(name, ':') != NULL;

    if (o->http_host != NULL) {
        text_add(t, o->http_host);
        return;
    }
    text_addf(t, brackets ? "[%s]" : "%s", name);
    if (o->target.port != PORT_HTTPS) {
        text_addf(t, ":%u", (unsigned)o->target.port);
    }
}

static enum rp_status build_request(struct probe_options *o, const char *given,
                                    struct rp_error *err)
{
    const char *method = given != NULL ? given : "HEAD";
    struct text t = text_of(o->request, sizeof o->request);

    if (o->handshake_only) {
        return RP_OK;
    }
    if (o->starttls == PROBE_STARTTLS_SMTP) {
        text_add(&t, "QUIT\r\n"); /* so that the server ends it too */
    } else {
        text_addf(&t, "%s %s HTTP/1.1\r\nHost: ", method,
                  o->http_path != NULL ? o->http_path : "/");
        add_host(&t, o);
        text_addf(&t, "\r\nUser-Agent: reprise/%s\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                  REPRISE_VERSION);
        o->is_head = strcmp(method, "HEAD") == 0;
    }
    if (t.cut) {
        error_set(err, "the request is too long");
        return RP_INVALID;
    }
    o->request_len = t.len;
    return RP_OK;
}

/* "none" or names with commas; http/1.1 where that is what is spoken. */
static enum rp_status build_alpn(struct probe_options *o, const char *given, struct rp_error *err)
{
    const bool is_http = !o->handshake_only && o->starttls == PROBE_STARTTLS_NONE;
    const char *list = given != NULL ? given : is_http ? "http/1.1" : "none";
    char item[PROBE_ALPN_SIZE];

    if (strcmp(list, "none") == 0) {
        return RP_OK;
    }
    while (comma_list_next(&list, item, sizeof item)) {
        const size_t len = strlen(item);

        if (len == 0 || len > 255 || o->alpn_len + 1 + len > sizeof o->alpn) {
            error_set(err, "--alpn: \"%s\" is empty or too long", item);
            return RP_INVALID;
        }
        o->alpn[o->alpn_len++] = (uint8_t)len;
        memcpy(o->alpn + o->alpn_len, item, len);
        o->alpn_len += len;
    }
    return RP_OK;
}

enum rp_status probe_request_build(struct probe_options *o, const char *method, const char *alpn,
                                   struct rp_error *err)
{
    const enum rp_status status = build_alpn(o, alpn, err);

    return status == RP_OK ? build_request(o, method, err) : status;
}
