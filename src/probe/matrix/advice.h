/* What to change, in the words of the server that it seems to be (docs/PROBE.md has all of it). */
#ifndef ADVICE_H
#define ADVICE_H

#include "diagnosis.h"
#include "diagnosis_view.h"
#include "findings_draft.h"
#include "text.h"

enum server_kind {
    SERVER_OTHER,
    SERVER_NGINX,
    SERVER_APACHE,
    SERVER_H2O,
    SERVER_LIGHTTPD,
    SERVER_TRAFFIC_SERVER,
    SERVER_ENVOY,
    SERVER_GO,
    SERVER_CADDY,
    SERVER_GNUTLS,
    SERVER_JAVA,
    SERVER_WINDOWS,
    SERVER_REPRISED,
};

/* By a Server header; the one behind a proxy may have set it. */
enum server_kind server_kind_of_header(const char *server);

void advice_add(struct text *t, const struct view *view, const struct draft *draft);

/* The sentence for one case; empty: there is none. */
const char *advice_text(enum cause cause, enum mechanism m, enum server_kind kind);

#endif
