/*
 * Carries bytes between a TLS connection and a backend, both ways at once.
 *
 * Nothing is read that cannot be passed on: each way holds at most RELAY_HELD bytes, in memory that
 * it takes only while its target is slower than its source. An end is carried as an end of that way
 * alone: the client's close_notify as a FIN to the backend, the backend's FIN as a close_notify,
 * each after all that came before it. What breaks off (a TLS connection without close_notify, a
 * reset) is never carried as a clean end.
 *
 * A client that sends record after record without data in any (KeyUpdates, renegotiations, alerts),
 * each of which costs us more than it costs him, is a flood, and breaks.
 *
 * No descriptor is closed here, none is watched and no clock is read: the owner calls relay_run
 * after every event and does as it says.
 */
#ifndef RELAY_H
#define RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "stream.h"

#define RELAY_HELD 16384

enum relay_way_state {
    RELAY_OPEN,
    RELAY_ENDED, /* the source ended; what is held and then the end are still to be passed on */
    RELAY_CUT,   /* the source broke off; what is held is still to be passed on, but no end */
    RELAY_DROP,  /* the target takes no more: what comes is read and forgotten */
    RELAY_SHUT,  /* all is passed on */
};

struct relay_way {
    enum relay_way_state state;
    uint8_t *held; /* RELAY_HELD bytes; NULL: nothing is held */
    size_t at;
    size_t len;
};

struct relay {
    SSL *ssl;
    struct stream *client; /* what ssl reads and writes */
    struct stream *backend;
    struct relay_way up;   /* client to backend */
    struct relay_way down; /* backend to client */
    uint64_t n_up;         /* bytes passed on */
    uint64_t n_down;
    uint64_t n_down_at_end;           /* n_down when the client ended */
    void (*before_end)(void *cookie); /* called before the client's end is passed on; may be NULL */
    void *before_end_cookie;
    unsigned n_records; /* that came this turn */
    unsigned n_bare;    /* that came since the last of the client's data */
    bool flooded;       /* too many of these */
    bool greets;        /* what is held is our greeting, and nothing of it has gone */
    size_t n_greeting;  /* bytes of it that have not gone */
};

enum relay_state {
    RELAY_WAITS,    /* for an event of either stream */
    RELAY_GOES_ON,  /* there is more to do at once, but others want their turn */
    RELAY_LINGERS,  /* as RELAY_WAITS, but only to let the client read to the end: not for long */
    RELAY_FINISHED, /* all is passed on: close both */
    RELAY_BROKEN,   /* reset the backend, close the client */
};

/*
 * All borrowed for the relay's life; the handshake is complete. The relay stays at its place.
 * before_end may be set afterwards.
 */
void relay_init(struct relay *r, SSL *ssl, struct stream *client, struct stream *backend);

/*
 * Before the first relay_run: n bytes of ours that go before the client's first, n less than
 * RELAY_HELD. They go together with it if it is there already, and wait for nothing. False: no
 * memory.
 */
bool relay_greet(struct relay *r, const void *p, size_t n);

/* Takes zeroes. */
void relay_fini(struct relay *r);

/*
 * The backend cannot be reached: the client is told the end, nothing having come. relay_run does so
 * by itself where a call failed with the backend's stream still connecting.
 */
void relay_unreachable(struct relay *r);

/* scratch: RELAY_HELD bytes that hold nothing between two calls. */
enum relay_state relay_run(struct relay *r, uint8_t *scratch);

#endif
