/* What to change, in the words of the server that it seems to be (docs/PROBE.md has all of it). */
#ifndef ADVICE_H
#define ADVICE_H

#include "diagnosis.h"
#include "diagnosis_view.h"
#include "findings_draft.h"
#include "text.h"

/* word in JSON, what people call it */
#define SERVER_KIND_MAP(X)                                                                         \
    X(OTHER, "other", "")                                                                          \
    X(NGINX, "nginx", "nginx")                                                                     \
    X(APACHE, "apache", "Apache httpd")                                                            \
    X(H2O, "h2o", "h2o")                                                                           \
    X(LIGHTTPD, "lighttpd", "lighttpd")                                                            \
    X(TRAFFIC_SERVER, "trafficserver", "Traffic Server")                                           \
    X(ENVOY, "envoy", "Envoy")                                                                     \
    X(GO, "go", "Go")                                                                              \
    X(CADDY, "caddy", "Caddy")                                                                     \
    X(GNUTLS, "gnutls", "GnuTLS")                                                                  \
    X(JAVA, "java", "Java")                                                                        \
    X(WINDOWS, "windows", "Windows")                                                               \
    X(REPRISED, "reprised", "reprised")

enum server_kind {
#define SERVER_KIND_ENUM(name, word, text) SERVER_##name,
    SERVER_KIND_MAP(SERVER_KIND_ENUM)
#undef SERVER_KIND_ENUM
};

const char *server_kind_word(enum server_kind kind);
const char *server_kind_text(enum server_kind kind);

/* By a Server header; the one behind a proxy may have set it. */
enum server_kind server_kind_of_header(const char *server);

/* By the Server header, else by the layout of the tickets. */
enum server_kind server_kind_of(const struct host_view *host);

void advice_add(struct text *t, const struct view *view, const struct draft *draft);

/* The sentence for one case; empty: there is none. */
const char *advice_text(enum cause cause, enum mechanism m, enum server_kind kind);

#endif
