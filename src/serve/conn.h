/*
 * The TLS connections of a worker. Each goes from the handshake to a backend, or to the built-in
 * page, to its end, and then frees itself; time-outs at every stage.
 */
#ifndef CONN_H
#define CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include <reprise/status.h>

#include "address.h"
#include "config.h"
#include "conn_count.h"
#include "limiter.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "network.h"
#include "page.h"

/* A listener, as its connections see it. */
struct conn_listener {
    SSL_CTX *ctx;             /* borrowed */
    size_t index;             /* of the configuration */
    const char *backend_name; /* borrowed; NULL: the built-in page */
    struct address backend;
    const struct config_listen *config; /* borrowed: times, PROXY protocol */
    const struct network *accept_proxy; /* borrowed: whose connections begin with a header */
    size_t n_accept_proxy;
};

struct conn;

/* What all connections of a worker share, and the connections themselves. */
struct conns {
    struct loop *loop;
    const struct log *log;
    bool log_connections;
    unsigned worker;
    struct page *page;              /* NULL: no listener has need of it */
    struct metrics_worker *metrics; /* NULL: nobody asks */

    struct conn_count *count; /* of all workers; NULL: nothing is counted */
    unsigned slot;            /* ours in it */
    unsigned max_per_address; /* 0: any number */

    void (*left)(struct conns *conns);    /* a connection is gone; may be NULL */
    void (*emptied)(struct conns *conns); /* it was the last one; may be NULL */

    /* Private from here on. */
    BIO_METHOD *bio_method;
    uint8_t *scratch;
    struct limiter handshake_failed;
    struct limiter backend_down;
    struct limiter flooded;
    struct limiter header_refused;
    struct limiter address_full;
    struct loop_timer turn; /* lets those go on that gave way to others */
    struct conn *waiting;
    struct conn *first;
    size_t n;
};

/* The fields above "private" are filled by the caller before. Stays at its place from now on. */
enum rp_status conns_init(struct conns *conns) RP_MUST_USE;

/* Breaks off what is left. Takes zeroes. */
void conns_fini(struct conns *conns);

/*
 * Takes fd over, a nonblocking socket that was just accepted, whatever becomes of it, and with it
 * what conn_count_enter counted.
 */
void conn_open(struct conns *conns, const struct conn_listener *listener, int fd,
               const struct address *peer);

#endif
