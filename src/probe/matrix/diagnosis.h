/*
 * Why a session did not resume, and what to change: causes found in what a survey learnt, each with
 * its evidence. A pure function of the facts.
 */
#ifndef DIAGNOSIS_H
#define DIAGNOSIS_H

#include <stddef.h>

#include <reprise/status.h>

#include "facts.h"

/* name, word in JSON, short text for people */
#define CAUSE_MAP(X)                                                                               \
    X(UNREACHABLE, "unreachable", "no connection")                                                 \
    X(NO_TLS, "no-tls", "no TLS handshake")                                                        \
    X(VERSION, "version", "the server does not speak this version of TLS")                         \
    X(NOT_ISSUED, "not-issued", "no session was issued")                                           \
    X(KEY_NOT_SHARED, "key-not-shared", "ticket not recognised: the key is not shared")            \
    X(KEY_LAGGING, "key-lagging", "one host is behind or ahead in rotating its key")               \
    X(KEY_PER_PROCESS, "key-per-process", "a random key in each process behind one address")       \
    X(MIXED, "mixed-backends", "several hosts behind one address do not agree")                    \
    X(SAME_KEY_REFUSED, "same-key-refused", "same key name, and still refused")                    \
    X(CACHE_NOT_SHARED, "cache-not-shared", "session IDs are known to the issuing host alone")     \
    X(EMS, "extended-master-secret", "extended master secret differs between hosts")               \
    X(CIPHER, "cipher", "the hosts choose other cipher suites, or their hash differs")             \
    X(SNI, "sni", "refused under this server name, resumed without one")                           \
    X(SINGLE_USE, "single-use", "a session resumes once only")                                     \
    X(EXPIRED, "expired", "refused before its advertised lifetime was over")                       \
    X(ALERT, "alert", "the server answered the session with an alert")                             \
    X(CUT, "cut-off", "the connection was cut when a session was offered")                         \
    X(EARLY_REFUSED, "early-refused", "resumed, but the early data was refused")                   \
    X(UNKNOWN, "unknown", "declined for a reason that cannot be seen from outside")

enum cause {
#define CAUSE_ENUM(name, word, text) CAUSE_##name,
    CAUSE_MAP(CAUSE_ENUM)
#undef CAUSE_ENUM
};

const char *cause_word(enum cause cause);
const char *cause_text(enum cause cause);

/* One cause for a set of cells of one mechanism. */
struct diagnosis {
    enum mechanism mechanism;
    enum cause cause;
    size_t *cells; /* n_cells of them: issued_at * facts->n + offered_at */
    size_t n_cells;
    char *where;    /* "issued at 192.0.2.1, offered at 192.0.2.2 and 3 more" */
    char *evidence; /* what was seen that says so */
    char *advice;   /* what to change, in the words of the server that it seems to be */
};

/* Addresses whose tickets bear one key name (the first bytes, as far as they are equal). */
struct key_group {
    enum mechanism mechanism;
    uint8_t name[32];
    size_t name_len;
    const char *stack; /* that the layout suggests; static; NULL: none */
    size_t *addresses;
    size_t n_addresses;
};

struct findings {
    struct diagnosis *items;
    size_t n;
    struct key_group *groups;
    size_t n_groups;
    char *summary; /* one line: "TLS 1.2 ticket: 4 of 9 cells resume ..." */
};

enum rp_status diagnose(const struct facts *facts, struct findings **out) RP_MUST_USE;
void findings_free(struct findings **findings);

#endif
