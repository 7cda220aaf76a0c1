/* One connection that an audit makes: what is to be waited for, and what came. Blocks. */
#ifndef TRIAL_H
#define TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "endpoint.h"
#include "raw_conn.h"

#define TRIAL_SESSIONS_MAX 4
#define TRIAL_NAMES_MAX 4

#define TRIAL_TICKETS_MAX 8
#define TRIAL_NONCE_MAX 32
#define TRIAL_DIGEST_LEN 32

/* The fields of a NewSessionTicket, and the ticket's hash. */
struct trial_ticket {
    uint16_t version;
    uint32_t lifetime_s;
    uint32_t age_add;
    size_t nonce_len; /* as sent; of a longer one the first TRIAL_NONCE_MAX bytes are kept */
    uint8_t nonce[TRIAL_NONCE_MAX];
    size_t len;
    uint8_t digest[TRIAL_DIGEST_LEN];
};

enum trial_want {
    TRIAL_HANDSHAKE, /* and nothing after it */
    TRIAL_SESSIONS,  /* sessions that can be offered again, and the names in the certificate */
    TRIAL_TICKETS,   /* the same, and whatever other tickets may come for a moment after it */
    TRIAL_REPLY,     /* the answer to the request: also to an empty Certificate in TLS 1.3 */
};

struct trial_setup {
    const struct raw_config *config;
    const struct peer_address *address;
    const char *request; /* NULL: none is sent */
    int timeout_ms;
    enum trial_want want;
    bool ask_first; /* do not wait for tickets before the request is sent */
};

struct trial {
    struct raw_result result;
    unsigned http_status; /* of TRIAL_REPLY; 0: no HTTP reply came */
    bool late_tickets;    /* of TLS 1.3: the first came after the request, or kept us waiting */
    size_t n_sessions;
    struct raw_session *sessions[TRIAL_SESSIONS_MAX];
    size_t n_tickets;
    struct trial_ticket tickets[TRIAL_TICKETS_MAX]; /* with the sessions */
    size_t n_names;
    char names[TRIAL_NAMES_MAX][ENDPOINT_HOST_SIZE]; /* DNS names of the leaf, no wildcards */
};

/* Always fills out; what goes wrong here is in its result, as RAW_END_LOCAL. */
void trial_run(const struct trial_setup *setup, struct trial *out);

/* Frees the sessions. Takes zeroes. */
void trial_fini(struct trial *t);

/* The session with that index, which is the caller's from now on; NULL if there is none. */
struct raw_session *trial_take(struct trial *t, size_t i);

/* The handshake was done, its Finished checked: with or without a session of ours. */
bool trial_full(const struct trial *t);
bool trial_resumed(const struct trial *t);

/* "a full handshake", "resumed", "alert 51 decrypt_error", "closed" ... for an evidence. */
void trial_outcome(const struct raw_result *r, char *out, size_t size);

#endif
