/* What a load run measures: a protocol version, and whether and how its connections resume. */
#ifndef LOAD_MODE_H
#define LOAD_MODE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

#include <reprise/status.h>

#define LOAD_MODE_MAP(X)                                                                           \
    X(FULL12, "full12", "full handshakes, TLS 1.2")                                                \
    X(FULL13, "full13", "full handshakes, TLS 1.3")                                                \
    X(ID, "id", "TLS 1.2 resumed by session ID")                                                   \
    X(TICKET, "ticket", "TLS 1.2 resumed by ticket")                                               \
    X(PSK, "psk", "TLS 1.3 resumed by PSK")

enum load_mode {
#define LOAD_MODE_ENUM(name, word, text) LOAD_##name,
    LOAD_MODE_MAP(LOAD_MODE_ENUM)
#undef LOAD_MODE_ENUM
};

#define LOAD_MODES 5

/* The word of an option, and a phrase for people. */
const char *load_mode_word(enum load_mode mode);
const char *load_mode_text(enum load_mode mode);

/* Words with commas between, each at most once, in the order in which they are to run. */
enum rp_status load_mode_parse(const char *list, enum load_mode modes[static LOAD_MODES], size_t *n,
                               struct rp_error *err) RP_MUST_USE;

/* Every measured connection of the mode is to be resumed; otherwise none is. */
bool load_mode_resumes(enum load_mode mode);

/*
 * A client context that can do nothing but this mode: its version alone, tickets off for session
 * IDs, X25519 and P-256. cafile NULL: certificates are not verified.
 */
enum rp_status load_mode_context(enum load_mode mode, const char *cafile, SSL_CTX **out,
                                 struct rp_error *err) RP_MUST_USE;

/* The session is of the kind that the mode resumes: an ID without a ticket, a ticket, a PSK. */
bool load_mode_accepts(enum load_mode mode, const SSL_SESSION *session);

#endif
