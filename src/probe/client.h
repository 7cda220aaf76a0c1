/*
 * One TLS connection at a time on a libuv loop: TCP connect, handshake, optionally one HTTP request
 * and its reply, close. Reports how it ended and hands out every session that the server gave.
 *
 * How it closes matters to what it measures. After the reply it reads until the server has closed,
 * so that a TLS 1.3 ticket is never missed and the waiting state of TCP stays with the server;
 * without a request it sends close_notify first and then reads to the end, so that the server has
 * finished its handshake too. It never closes without close_notify on a server that is still there:
 * OpenSSL servers drop a session whose connection was cut.
 *
 * Not thread-safe. The process must ignore SIGPIPE.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>
#include <uv.h>

#include <reprise/status.h>

#include "client_tls.h"
#include "endpoint.h"

#define CLIENT_END_MAP(X)                                                                          \
    X(OK, "ok")                                                                                    \
    X(CONNECT, "connect")     /* no TCP connection */                                              \
    X(HANDSHAKE, "handshake") /* refused, cut off, or the certificate is not trusted */            \
    X(REPLY, "reply")         /* no whole HTTP reply */                                            \
    X(TIMEOUT, "timeout")                                                                          \
    X(LOCAL, "local") /* this host's fault: no descriptor, no port, no memory */

enum client_end {
#define CLIENT_END_ENUM(name, text) CLIENT_##name,
    CLIENT_END_MAP(CLIENT_END_ENUM)
#undef CLIENT_END_ENUM
};

#define CLIENT_ENDS 6

/* One word; never NULL. */
const char *client_end_word(enum client_end end);

struct client_outcome {
    enum client_end end;
    struct rp_error why;     /* empty when end is CLIENT_OK */
    bool connected;          /* TCP */
    bool established;        /* the handshake was done */
    bool reused;             /* SSL_session_reused */
    bool certificate_bad;    /* the handshake failed at its verification */
    unsigned n_sessions;     /* that the server gave */
    unsigned session_id_len; /* of the TLS 1.2 session */
    unsigned http_status;    /* 0: no reply */
    uint64_t handshake_us;   /* start of connect to the end of the handshake */
    uint64_t connection_us;  /* start of connect to the whole reply, or else to the end */
    const char *cipher;      /* static storage; NULL before the handshake is done */
};

/* Borrowed for the life of the client. */
struct client_config {
    SSL_CTX *ctx;
    struct client_names names;
    const char *request; /* NULL: handshake only */
    size_t request_len;
    uint64_t timeout_ms;
    void *cookie;
    void (*session)(void *cookie, SSL_SESSION *session); /* transferred */
    /* Once per start, from the loop, when the client can be started again or closed. */
    void (*done)(void *cookie, const struct client_outcome *outcome);
};

struct client;

/* Makes ctx, which several clients may share, hand out its sessions. Before client_new. */
void client_prepare(SSL_CTX *ctx);

enum rp_status client_new(uv_loop_t *loop, const struct client_config *config,
                          struct client **out) RP_MUST_USE;

/*
 * Begins a connection; every failure comes by done. offer: a session to resume, NULL for a full
 * handshake; a copy of it is offered, for libssl spoils a session that was used once.
 */
void client_start(struct client *c, const struct peer_address *address, SSL_SESSION *offer);

/* Frees the client as the loop runs on; only while no connection is under way. NULLs the pointer.
 */
void client_close(struct client **c);

#endif
