/*
 * An HTTP server (libmicrohttpd) that listens nowhere: it serves the sockets that it is given.
 *
 * It runs without threads, on an epoll set of its own, which the loop watches as one descriptor.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <sys/socket.h>

#include <microhttpd.h>
#include <reprise/status.h>

#include "loop.h"

struct http;

struct http_start {
    unsigned visits_max;
    unsigned idle_s; /* after which a visit is ended */
    void *cookie;    /* of both */
    MHD_AccessHandlerCallback handle;
    MHD_NotifyConnectionCallback notified;
};

enum rp_status http_new(struct loop *loop, const struct http_start *start,
                        struct http **out) RP_MUST_USE;

/* Ends all visits, of which start->notified hears. Takes NULL. */
void http_free(struct http **http);

/* Serves what has come so far. */
void http_run(struct http *http);

/* Begins a visit; fd is taken over, also on failure. start->notified hears of it meanwhile. */
bool http_visit(struct http *http, int fd, const struct sockaddr *peer, socklen_t len);

#endif
