/* What the files of a connection share. */
#ifndef CONN_STATE_H
#define CONN_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "conn.h"
#include "proxy_protocol.h"
#include "relay.h"
#include "sites_visit.h"
#include "stream.h"

#define CONN_LINGER_MS 2000 /* for a client to read what we said last */

enum conn_phase {
    CONN_HEADER, /* of the PROXY protocol, before the handshake */
    CONN_HANDSHAKE,
    CONN_REACHING, /* the backend's queue is full, or no descriptor is free */
    CONN_RELAYING,
    CONN_LINGERING, /* nothing more is said; what comes is forgotten */
};

struct conn {
    struct conns *conns;
    const struct conn_listener *listener;
    struct conn *next;
    struct conn *previous;
    struct conn *next_waiting;
    bool is_waiting;

    enum conn_phase phase;
    SSL *ssl;
    struct stream client;
    struct stream backend;
    struct relay relay;
    struct loop_watch client_watch;
    struct loop_watch backend_watch;
    bool client_watched;
    bool backend_watched;

    /* The timer is set once and comes early, if the deadline has moved since. */
    struct loop_timer timer;
    int64_t timer_ms; /* when it comes; INT64_MAX: not set */
    int64_t deadline_ms;
    int64_t give_up_ms; /* on a backend whose queue is full */
    bool deadline_stays;

    struct proxy_decoder *header; /* that came, or comes; NULL: none, or it is done with */
    uint32_t place;               /* where the address is counted */
    struct address peer;          /* or whom the header named */
    uint64_t opened_us;           /* of conn_metrics_now_us */
    struct sites_visit visit;
};

/* conn.c: its life. A connection that was finished or lingers may be gone when the call returns. */
void conn_set_deadline(struct conn *c, int64_t delay_ms);
void conn_advance(struct conn *c);
void conn_wait_for_events(struct conn *c);
void conn_wait_for_turn(struct conn *c); /* others come first */
void conn_close_backend(struct conn *c, bool reset);
void conn_finish(struct conn *c, bool reset_backend);

/*
 * Closing a socket with unread bytes in it sends a reset, which may overtake an alert or the last
 * of an answer: so the client gets a little time to read.
 */
void conn_linger(struct conn *c);

/* Counts it for its address. False: there are too many; it was told. */
bool conn_admitted(struct conn *c);

/* conn_proxy.c: the header that must come first, and the one that the backend gets first. */
bool conn_header_wanted(const struct conn_listener *listener, const struct address *peer);
void conn_header(struct conn *c);
void conn_header_overdue(struct conn *c);
bool conn_greet(struct conn *c); /* false: no memory */

/* conn_handshake.c: goes on with it, and then with the relay. */
void conn_handshake(struct conn *c);
void conn_handshake_overdue(struct conn *c);

/* conn_relay.c: from the end of the handshake on. */
void conn_reach(struct conn *c); /* the backend or the built-in page */
void conn_reach_again(struct conn *c);
void conn_relay(struct conn *c);
void conn_relay_overdue(struct conn *c);

#endif
