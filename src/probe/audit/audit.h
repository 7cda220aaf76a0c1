/*
 * `reprise probe --audit`: what can be wrong with the resumption of a server, looked for from
 * outside. It speaks TLS by the raw client (../raw), for most of what it sends no TLS library would
 * send, and it ends in findings (finding.h), each with what was seen.
 *
 * It never cries wolf: what was seen once is tried again, a control (a full handshake, the session
 * unchanged) goes with every trial, and a check that cannot be judged says so and why. A server
 * that has one site, whatever name it is asked for, has no other name under which it could resume
 * wrongly: the findings about names need a name that a full handshake answers differently.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "endpoint.h"
#include "finding.h"

/* name, word in JSON, what is looked at. In the order in which they are made. */
#define AUDIT_CHECK_MAP(X)                                                                         \
    X(NAMES, "names", "sessions under another server name, none, an unknown one")                  \
    X(CLIENT_CERTIFICATE, "client-certificate", "sessions where a client certificate is demanded") \
    X(TICKETS, "tickets", "tickets with a bit flipped, cut, extended, doubled, empty")             \
    X(TICKETBLEED, "ticketbleed", "session IDs of 1 to 32 bytes beside a ticket")                  \
    X(PSK_MODES, "psk-modes", "a PSK without a key exchange")                                      \
    X(BINDERS, "binders", "wrong, missing, swapped and stale binders")                             \
    X(HASH, "hash", "a PSK with suites of another hash alone")                                     \
    X(VERSIONS, "versions", "a ticket of TLS 1.2 in TLS 1.3, and the reverse")                     \
    X(EMS, "ems", "extended master secret dropped and added")                                      \
    X(ALPN, "alpn", "another protocol in a resumption than that of its session")                   \
    X(RENEGOTIATION, "renegotiation", "a client that asks to renegotiate")                         \
    X(THIRD_PARTY, "third-party", "a session after somebody else failed to resume it")             \
    X(IDENTITIES, "identities", "many and long PSK identities")                                    \
    X(EARLY_DATA, "early-data",                                                                    \
      "early data sent again, where it does not fit, and too much of it")                          \
    X(TICKET_FIELDS, "ticket-fields", "tickets, nonces and age_add given twice; lifetimes")        \
    X(CHAIN, "chain", "sessions resumed again and again")                                          \
    X(LIFETIME, "lifetime", "sessions before and after the end of their lifetime")                 \
    X(KEYS, "keys", "tickets that open with a known key, or are not encrypted")                    \
    X(CERTIFICATES, "certificates", "sessions at addresses that show another certificate")

enum audit_check {
#define AUDIT_CHECK_ENUM(name, word, text) AUDIT_CHECK_##name,
    AUDIT_CHECK_MAP(AUDIT_CHECK_ENUM)
#undef AUDIT_CHECK_ENUM
        AUDIT_CHECKS
};

#define AUDIT_ALL ((1U << AUDIT_CHECKS) - 1)

const char *audit_check_word(enum audit_check check);
const char *audit_check_text(enum audit_check check);

/* word in JSON. */
#define AUDIT_OUTCOME_MAP(X)                                                                       \
    X(PASSED, "passed")                                                                            \
    X(FOUND, "found")                   /* there are findings of it */                             \
    X(NOT_APPLICABLE, "not-applicable") /* the server has not what it is about: note says */       \
    X(NOT_JUDGED, "not-judged")         /* it could not be told: note says why */

enum audit_outcome {
#define AUDIT_OUTCOME_ENUM(name, word) AUDIT_##name,
    AUDIT_OUTCOME_MAP(AUDIT_OUTCOME_ENUM)
#undef AUDIT_OUTCOME_ENUM
};

const char *audit_outcome_word(enum audit_outcome outcome);

#define AUDIT_NOTE_SIZE 256

/* How one check ended at one address. */
struct audit_result {
    enum audit_check check;
    size_t address; /* index into the config's */
    enum audit_outcome outcome;
    unsigned n_connections;
    int64_t took_ms;
    char note[AUDIT_NOTE_SIZE]; /* what was tried, or why not; a sentence without a full stop */
};

struct audit {
    size_t n_addresses;
    struct finding *findings; /* by address, in the order of the checks */
    size_t n_findings;
    struct audit_result *results; /* by address, in the order of the checks */
    size_t n_results;
    unsigned n_connections;
    int64_t took_ms;
    bool interrupted; /* not all was done */
};

/* What is to be audited; borrowed while it runs. Zeroes stand for the defaults. */
struct audit_config {
    const struct peer_address *addresses;
    size_t n;
    const char *servername;         /* SNI; NULL or empty: none */
    const char *const *other_names; /* asked for by the user; more come from the certificate */
    size_t n_other_names;
    const char *client_cert; /* PEM file, shown where a certificate is asked for; NULL: none */
    const char *client_key;  /* PEM file; NULL: client_cert has it too */
    const char *http_host;   /* Host of the requests; NULL: servername, or the address */
    const char *http_path;   /* NULL: / */
    bool no_http;            /* send no request: handshakes alone are judged */
    unsigned checks;         /* mask of 1 << check; 0: all */
    unsigned timeout_ms;     /* of each connection; 0: 5000 */
    unsigned per_check_ms;   /* no further trial is begun after that; 0: 20000 */
    unsigned wait_s;         /* how long CHAIN and LIFETIME may wait for time to pass; 0: 10 */
    unsigned concurrency;    /* addresses at a time; 0: 4 */
};

struct audit_progress {
    size_t n_done; /* checks, of all addresses */
    size_t n_all;
    unsigned n_connections;
    size_t n_findings;
};

struct audit_observer {
    void *cookie;
    void (*progress)(void *cookie, const struct audit_progress *progress); /* NULL: none */
    const atomic_bool *cancel; /* becomes true: what there is is handed out; NULL: never */
};

/*
 * Blocks, on a loop of its own, until all is done. Addresses that do not answer have results that
 * say so. RP_INVALID: no address, or the client certificate cannot be read (err).
 * progress is called on this thread, a few times a second.
 */
enum rp_status audit_run(const struct audit_config *config, const struct audit_observer *observer,
                         struct audit **out, struct rp_error *err) RP_MUST_USE;

/* Takes NULL, NULLs the pointer. */
void audit_free(struct audit **audit);

/* The gravest finding; false if there is none. */
bool audit_worst(const struct audit *audit, enum severity *out);

#endif
