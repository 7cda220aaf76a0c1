/* What an address does with sessions that nobody meddled with: which checks make sense there. */
#ifndef PROFILE_H
#define PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "endpoint.h"
#include "leaf_set.h"

#define PROFILE_NAMES_MAX 4

enum session_kind {
    KIND_ID12,
    KIND_TICKET12,
    KIND_PSK13,
    SESSION_KINDS,
};

const char *session_kind_text(enum session_kind kind); /* "TLS 1.2 ticket" */
uint16_t session_kind_version(enum session_kind kind);

/* Sessions of one kind, issued and offered once each, right away, at the same address. */
struct kind_profile {
    unsigned n_tries;
    unsigned n_full;     /* full handshakes that were done */
    unsigned n_refused;  /* that the server ended by an alert, as who does not speak the version */
    unsigned n_issued;   /* that gave a session of this kind */
    unsigned n_resumed;  /* of those that were issued */
    uint32_t lifetime_s; /* of the last one issued; 0: none was advertised */
    uint32_t max_early_data;
    uint16_t suite;
    bool extended_master_secret;
};

struct profile {
    bool answers; /* something of TLS came, an alert at least */
    char why_not[160];
    struct kind_profile kinds[SESSION_KINDS];
    struct leaf_set leaves; /* that full handshakes showed under the name that is audited */
    size_t n_names;
    char names[PROFILE_NAMES_MAX][ENDPOINT_HOST_SIZE]; /* other DNS names in its certificate */
};

/* A session of this kind resumed at least once, as it must for what a check concludes from one
 * that did not. */
bool profile_resumes(const struct profile *p, enum session_kind kind);

/* Handshakes of this version came to nothing, and not because the server said so: nothing is known
 * of its sessions. */
bool profile_unclear(const struct profile *p, enum session_kind kind);

#endif
