/*
 * Why a session did not resume, and what to change: causes found in what a survey learnt, each with
 * its evidence. A pure function of the facts.
 */
#ifndef DIAGNOSIS_H
#define DIAGNOSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "facts.h"

/* name, word in JSON, short text for people */
#define CAUSE_MAP(X)                                                                               \
    X(UNREACHABLE, "unreachable", "no connection")                                                 \
    X(NO_TLS, "no-tls", "no TLS handshake")                                                        \
    X(VERSION, "version", "this version of TLS is not spoken")                                     \
    X(UNSTABLE, "unstable", "connections fail, with a session and without")                        \
    X(NOT_ISSUED, "not-issued", "no session is issued")                                            \
    X(NOT_KEPT, "not-kept", "session IDs are given out, but not kept")                             \
    X(KEY_NOT_SHARED, "key-not-shared", "the ticket key is not shared")                            \
    X(KEY_LAGGING, "key-lagging", "one host is behind or ahead in rotating its key")               \
    X(KEY_PER_PROCESS, "key-per-process", "several keys behind one address, that are not shared")  \
    X(MIXED, "mixed-backends", "several hosts behind one address do not agree")                    \
    X(SAME_KEY_REFUSED, "same-key-refused", "same key name, and still refused")                    \
    X(CACHE_NOT_SHARED, "cache-not-shared", "sessions are known to the issuing host alone")        \
    X(CACHE_PER_PROCESS, "cache-per-process", "sessions are known to one process of several")      \
    X(EMS, "extended-master-secret", "extended master secret differs between hosts")               \
    X(CIPHER, "cipher", "the hosts choose other cipher suites")                                    \
    X(SNI, "sni", "refused under this server name, resumed without one")                           \
    X(SINGLE_USE, "single-use", "a session resumes once only")                                     \
    X(EXPIRED, "expired", "the lifetime was over when the session was offered")                    \
    X(EXPIRED_EARLY, "expired-early", "refused before its advertised lifetime was over")           \
    X(ALERT, "alert", "the server answered the session with an alert")                             \
    X(CUT, "cut-off", "the connection was cut when a session was offered")                         \
    X(INVALID, "invalid-answer", "the server's answer to the session was not valid")               \
    X(EARLY_REFUSED, "early-refused", "resumed, but the early data was refused")                   \
    X(UNKNOWN, "unknown", "declined, for a reason that cannot be seen from outside")

enum cause {
#define CAUSE_ENUM(name, word, text) CAUSE_##name,
    CAUSE_MAP(CAUSE_ENUM)
#undef CAUSE_ENUM
};

const char *cause_word(enum cause cause);
const char *cause_text(enum cause cause);

/* One cause for a set of cells, the same ones of one mechanism or of several. */
struct diagnosis {
    unsigned mechanisms; /* mask of 1 << mechanism */
    enum cause cause;
    bool harmless;     /* a policy, or made up for by another mechanism */
    size_t *addresses; /* n_addresses that are at fault; none: it lies between them */
    size_t n_addresses;
    size_t *cells; /* n_cells of them: issued_at * facts->n + offered_at */
    size_t n_cells;
    char *where;    /* "issued at 192.0.2.1, offered at 192.0.2.2 and 192.0.2.3" */
    char *evidence; /* what was seen that says so; all text of a server's is printable ASCII */
    char *advice;   /* what to change, in the words of the server that it seems to be */
};

#define KEY_NAME_MAX 40

/* What names the key of a ticket, in clear. */
struct key_name {
    uint8_t bytes[KEY_NAME_MAX];
    size_t len;
};

/* Addresses that issue tickets under one key name. An address may be in several. */
struct key_group {
    enum mechanism mechanism;
    struct key_name name;
    const char *stack; /* that the layout suggests; static; NULL: none */
    size_t *addresses;
    size_t n_addresses;
};

/* Addresses that resume each other's sessions, every time; as large as possible, and apart. */
struct resume_group {
    enum mechanism mechanism;
    size_t *addresses;
    size_t n_addresses;
};

struct findings {
    struct diagnosis *items; /* what is not harmless first */
    size_t n;
    struct key_group *keys;
    size_t n_keys;
    struct resume_group *groups;
    size_t n_groups;
    char *summary; /* one line */
};

/* facts may be those of a survey that was interrupted: what was not done is not judged. */
enum rp_status diagnose(const struct facts *facts, struct findings **out) RP_MUST_USE;
void findings_free(struct findings **findings);

#endif
