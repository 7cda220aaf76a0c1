/*
 * The sessions that one address issued for one mechanism, and how often each was offered. They hold
 * secrets, in libssl's keeping, and are freed with the pool.
 */
#ifndef SESSION_POOL_H
#define SESSION_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include <reprise/status.h>

struct pooled_session {
    SSL_SESSION *session;
    size_t visit;  /* index of the full handshake that it is from */
    int64_t at_ms; /* when it came */
    unsigned n_offers;
    bool spent; /* not to be offered any more */
};

struct session_pool {
    struct pooled_session *items;
    size_t n;
    size_t room;
};

/* Takes a reference. */
enum rp_status session_pool_add(struct session_pool *pool, SSL_SESSION *session, size_t visit,
                                int64_t now_ms) RP_MUST_USE;

struct session_wish {
    bool unused; /* one that was never offered */
    bool by_visit;
    size_t visit; /* of n_visits, if by_visit: rather one of these, modulo n_visits */
    size_t n_visits;
    int64_t now_ms; /* those whose lifetime is over, or all but, are passed over */
};

/* Picks the session that was offered the least, and counts it as offered. false: there is none. */
bool session_pool_pick(struct session_pool *pool, const struct session_wish *wish, size_t *out);

void session_pool_fini(struct session_pool *pool);

#endif
