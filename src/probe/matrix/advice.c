#include "advice.h"

#include <string.h>
#include <strings.h>

#include "advice_texts.h"

enum server_kind server_kind_of_header(const char *server)
{
    static const struct {
        const char *start;
        enum server_kind kind;
    } headers[] = {
        {"nginx", SERVER_NGINX},        {"openresty", SERVER_NGINX}, {"tengine", SERVER_NGINX},
        {"Apache-Coyote", SERVER_JAVA}, /* before Apache */
        {"Apache", SERVER_APACHE},      {"h2o", SERVER_H2O},         {"lighttpd", SERVER_LIGHTTPD},
        {"ATS", SERVER_TRAFFIC_SERVER}, {"envoy", SERVER_ENVOY},     {"istio-envoy", SERVER_ENVOY},
        {"Caddy", SERVER_CADDY},        {"Jetty", SERVER_JAVA},      {"Microsoft-", SERVER_WINDOWS},
        {"reprise", SERVER_REPRISED},
    };

    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        if (strncasecmp(server, headers[i].start, strlen(headers[i].start)) == 0) {
            return headers[i].kind;
        }
    }
    return SERVER_OTHER;
}

/* By the Server header, else by the layout of the tickets. */
static enum server_kind server_kind_of(const struct host_view *host)
{
    if (host->servers.n != 0) {
        const enum server_kind kind = server_kind_of_header(host->servers.items[0]);

        if (kind != SERVER_OTHER) {
            return kind;
        }
    }
    if (host->stack == NULL) {
        return SERVER_OTHER;
    }
    switch (host->layout) {
    case TICKET_LAYOUT_GNUTLS:
        return SERVER_GNUTLS;
    case TICKET_LAYOUT_SCHANNEL:
        return SERVER_WINDOWS;
    case TICKET_LAYOUT_GO:
    case TICKET_LAYOUT_GO_NEW:
        return SERVER_GO;
    case TICKET_LAYOUT_JSSE:
        return SERVER_JAVA;
    case TICKET_LAYOUT_BOTAN:
    case TICKET_LAYOUT_NSS:
    case TICKET_LAYOUT_MBEDTLS:
    case TICKET_LAYOUT_PLAIN:
    case TICKET_LAYOUT_STATEFUL:
    case TICKET_LAYOUT_OPENSSL:
    case TICKET_LAYOUT_S2N:
    case TICKET_LAYOUT_S2N_OLD:
    case TICKET_LAYOUT_RUSTLS:
    case TICKET_LAYOUTS:
        break;
    }
    return SERVER_OTHER;
}

static unsigned ways_of(enum mechanism m)
{
    if (m == MECHANISM_EARLY) {
        return ADVICE_EARLY;
    }
    if (mechanism_by_session_id(m)) {
        return ADVICE_ID;
    }
    return mechanism_version(m) >= 0x0304 ? ADVICE_TICKET13 : ADVICE_TICKET12;
}

const char *advice_text(enum cause cause, enum mechanism m, enum server_kind kind)
{
    const unsigned way = ways_of(m);
    const char *general = "";

    for (size_t i = 0; i < advice_texts_n; i++) {
        const struct advice_text *a = &advice_texts[i];

        if (a->cause != cause || (a->ways & way) == 0) {
            continue;
        }
        if (a->kind == kind) {
            return a->text;
        }
        if (a->kind == SERVER_OTHER) {
            general = a->text;
        }
    }
    return general;
}

void advice_add(struct text *t, const struct view *view, const struct draft *draft)
{
    enum server_kind kind = SERVER_OTHER;

    for (size_t a = 0; a < view->facts->n && kind == SERVER_OTHER; a++) {
        if (draft->in[a]) {
            kind = server_kind_of(&view->hosts[a]);
        }
    }
    text_add(t, advice_text(draft->cause, view->mechanism, kind));
}
