/*
 * What full handshakes under one server name showed: enough to tell whether two names are two
 * sites, and whether who shows no certificate, or a wrong one, is let in.
 */
#ifndef SITE_VIEW_H
#define SITE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leaf_set.h"

struct site_view {
    unsigned n;             /* connections that were answered */
    unsigned n_full;        /* handshakes that were done */
    unsigned n_asked;       /* that asked for a client certificate */
    unsigned n_denied;      /* ended by an alert, or by an HTTP status that says: not without */
    unsigned n_alerts;      /* that ended by an alert, whenever */
    uint8_t alert;          /* the last one */
    unsigned denied_status; /* HTTP, of the last that was denied so; 0: none */
    unsigned status;        /* HTTP, of the last; 0: none */
    struct leaf_set leaves;
};

/* One connection, with the reply to a request where one was sent. */
struct site_answer {
    bool answered; /* anything at all of TLS came */
    bool full;
    bool resumed;
    bool asked;
    bool alert;
    bool closed; /* without an alert */
    uint8_t alert_description;
    unsigned http_status;
    const uint8_t *leaf; /* LEAF_LEN bytes; NULL: none came */
};

void site_view_add(struct site_view *v, const struct site_answer *answer);

/*
 * Two sites: no certificate in common; or one of them never lets a handshake be done and the other
 * always; or one always asks for a client certificate and the other never. why: a few words.
 */
bool site_view_differs(const struct site_view *a, const struct site_view *b, char *why,
                       size_t size);

/* A client certificate was asked for every time, and without a right one nobody got in. */
bool site_view_denies(const struct site_view *v);

/* By a session, somebody got where that view says that nobody gets in without. */
bool site_view_bypassed(const struct site_view *v, const struct site_answer *answer);

#endif
