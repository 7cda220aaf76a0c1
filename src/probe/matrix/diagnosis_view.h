/*
 * What the visits to each address showed, one mechanism at a time: the key names of the tickets it
 * gave, and what else tells hosts apart. Borrows from the facts.
 */
#ifndef DIAGNOSIS_VIEW_H
#define DIAGNOSIS_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include <reprise/status.h>

#include "diagnosis.h"
#include "facts.h"
#include "ticket_layout.h"

#define VIEW_KEYS_MAX 16
#define VIEW_KINDS_MAX 4

/* The first different texts that were seen, in the order of their coming. */
struct view_texts {
    const char *items[VIEW_KINDS_MAX];
    size_t n;
};

struct host_view {
    /* full handshakes */
    struct view_texts ciphers, hashes, alpns;
    const struct visit_certificate *certificates[VIEW_KINDS_MAX];
    size_t n_certificates; /* the first different ones */
    bool ems, no_ems;      /* seen with and without */
    bool asked, not_asked; /* for a client certificate */
    bool id, no_id;        /* a session ID in the ServerHello */

    /* all that were established */
    struct view_texts servers; /* Server headers; an absent one is none */

    size_t n_tickets; /* that came, of those that visits keep */
    bool stateful;    /* its tickets are session IDs: there is no ticket key */
    enum ticket_layout layout;
    const char *stack; /* that the layout suggests; NULL: it is not likely enough to say */
    struct key_name keys[VIEW_KEYS_MAX];
    size_t n_keys;   /* 0: the tickets show no key name; at most VIEW_KEYS_MAX */
    size_t name_at;  /* where in a ticket the key name is */
    size_t name_len; /* 0: none */
};

struct view {
    const struct facts *facts;
    enum mechanism mechanism;
    struct host_view *hosts; /* facts->n */
};

enum rp_status view_new(const struct facts *facts, enum mechanism m, struct view **out) RP_MUST_USE;
void view_free(struct view **view);

/* False: the host's tickets show none. */
bool view_key_of(const struct host_view *host, const struct visit_ticket *ticket,
                 struct key_name *out);
bool view_has_key(const struct host_view *host, const struct key_name *key);
bool key_name_equal(const struct key_name *a, const struct key_name *b);

/* The first full handshake that failed; where none was tried, because the address had failed
 * before, that of another mechanism. NULL: there is none. */
const struct visit *view_failure(const struct view *view, size_t address);

/* One address showed different things in different full handshakes. */
bool view_is_mixed(const struct host_view *host);

/* All tries of a cell resumed; in EARLY: with early data. */
bool view_is_green(const struct view *view, size_t issued_at, size_t offered_at);
const struct cell *view_cell(const struct view *view, size_t issued_at, size_t offered_at);
const struct issue_facts *view_issue(const struct view *view, size_t address);

#endif
