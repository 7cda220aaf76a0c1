/*
 * Makes one connection after the other on a libuv loop and tells what each showed (visit.h): TCP
 * connect, perhaps STARTTLS, handshake with or without a session, perhaps early data, perhaps a
 * request; waits for the tickets that come after a TLS 1.3 handshake, and closes in order.
 *
 * It ends with close_notify and reads until the server has closed as well, within bounds: a server
 * may drop the session of a connection that was cut, and keeps one only when it is done.
 *
 * Not thread-safe. The process must ignore SIGPIPE.
 */
#ifndef VISITOR_H
#define VISITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>
#include <uv.h>

#include <reprise/status.h>

#include "client_tls.h"
#include "endpoint.h"
#include "visit.h"

/* What the visits of one visitor have in common. */
struct visitor_config {
    uint64_t timeout_ms; /* of the connect, and again of the handshake */
    uint64_t began_ns;   /* uv_hrtime: what visit.at_ms counts from */
    void *cookie;
    /* Once per start, from the loop, when the visitor can be started again or closed. sessions are
     * those that the server gave, the visitor's: who wants one takes a reference. */
    void (*done)(void *cookie, const struct visit *visit, SSL_SESSION *const *sessions,
                 size_t n_sessions);
};

/* One visit. All is borrowed until done. */
struct visitor_order {
    const struct peer_address *address;
    SSL_CTX *ctx; /* visitor_prepare */
    struct client_names names;
    SSL_SESSION *offer;  /* NULL: a full handshake. A copy is offered. */
    const char *request; /* after the handshake; NULL: nothing */
    size_t request_len;
    bool is_http;       /* request is HTTP, and so is the reply; else all is read to its end */
    bool is_head;       /* and its method is HEAD */
    bool early;         /* the request goes as early data */
    bool starttls;      /* SMTP before TLS */
    bool wants_tickets; /* without a request: wait for the first ticket of TLS 1.3 */
    bool only_tickets;  /* nothing but: it leaves when one has come, and a request that brings
                         * none before TLS 1.3 is not sent */
    bool is_patient;    /* up to twice patience_ms where the handshake took long */
    const uint64_t *patience_ms; /* after the handshake, for tickets and a reply; read then */
};

struct visitor;

/* Lets ctx, which several visitors may share, hand out its sessions. */
void visitor_prepare(SSL_CTX *ctx);

enum rp_status visitor_new(uv_loop_t *loop, const struct visitor_config *config,
                           struct visitor **out) RP_MUST_USE;

/* Begins; every failure comes by done, never from within this call. */
void visitor_start(struct visitor *v, const struct visitor_order *order);

/* Ends a visit that is under way, if any: done comes, with VISIT_LOCAL unless the visit had reached
 * its aim. */
void visitor_stop(struct visitor *v);

/* Frees it as the loop runs on; only while no visit is under way. NULLs the pointer. */
void visitor_close(struct visitor **v);

#endif
