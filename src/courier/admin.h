/*
 * The admin server: HTTP/1.1 without keep-alive on the sockets that the parent bound, by
 * libmicrohttpd. It shows figures and takes nothing. Connections are few and short: at most
 * ADMIN_VISITS_MAX at a time, the next wait in the queue; each is closed after ADMIN_VISIT_MS,
 * whatever it does.
 */
#ifndef ADMIN_H
#define ADMIN_H

#include <stdbool.h>
#include <stddef.h>

#include <reprise/status.h>

#include "log.h"
#include "loop.h"
#include "metrics.h"

#define ADMIN_VISITS_MAX 64
#define ADMIN_VISIT_MS 10000

struct admin_start {
    const struct metrics *metrics;
    const int *listen_fds; /* nonblocking; left open */
    size_t n_listen;
    const char *fleet;     /* its name; NULL: none */
    const struct log *log; /* its n_lost_ever is shown; nothing is written to it */
};

struct admin;

/* start is copied; what it points to is borrowed for the server's life. */
/* Nobody is let in before admin_open. */
enum rp_status admin_new(struct loop *loop, const struct admin_start *start,
                         struct admin **out) RP_MUST_USE;
bool admin_open(struct admin *admin) RP_MUST_USE;
void admin_free(struct admin **admin);

#endif
