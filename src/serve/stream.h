/*
 * A nonblocking stream socket under edge-triggered readiness. What the last event said and the last
 * call found out is remembered, so that no call is made of which the answer is known: that saves a
 * failing read for every wait of a handshake.
 *
 * As a BIO (stream_bio), it is what an SSL reads and writes.
 */
#ifndef STREAM_H
#define STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/bio.h>

struct stream {
    int fd;
    bool readable;   /* there may be something to read */
    bool writable;   /* there may be room */
    bool ending;     /* the peer's end was announced: a short read does not mean that all is read */
    bool urgent;     /* a byte came out of band: a read may stop before it, with more behind */
    bool ended;      /* it was read */
    bool connecting; /* set by who connects; cleared when it is known to be connected */
    bool more;       /* set by the owner while what it writes is soon followed by something else */
    bool held;       /* something was written with more since the last that was not */
    size_t allowance; /* what the BIO may read until its owner allows more; at first, anything */
    int error;        /* errno of the call that failed; 0: none */
};

enum stream_result { STREAM_OK, STREAM_BLOCKED, STREAM_ENDED, STREAM_FAILED };

/* Reading waits for an event, writing is tried. */
void stream_init(struct stream *s, int fd);

/* Asks the system if need be; until it is so, writing waits for an event. */
bool stream_connected(struct stream *s);

/* What epoll found. */
void stream_event(struct stream *s, uint32_t events);

/*
 * At least one byte, at most n; *done is how many. While more is set the system may keep what is
 * written, over TCP for 200 ms at most, to send it in one packet with what follows; the next write
 * without more, a shutdown and a close all send it.
 */
enum stream_result stream_read(struct stream *s, void *p, size_t n, size_t *done);
enum stream_result stream_write(struct stream *s, const void *p, size_t n, size_t *done);

/* Sends now what more may have held back, of a TCP socket. */
void stream_push(struct stream *s);

/* As stream_read, but what was seen stays to be read; an end that is seen too. */
enum stream_result stream_peek(struct stream *s, void *p, size_t n, size_t *done);

/* The method for stream_bio; NULL when out of memory. BIO_meth_free it. */
BIO_METHOD *stream_bio_method(void);

/* s is borrowed for the BIO's life. NULL when out of memory. */
BIO *stream_bio(const BIO_METHOD *method, struct stream *s);

#endif
