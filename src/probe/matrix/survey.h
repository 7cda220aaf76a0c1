/*
 * The survey: full handshakes at every address for every mechanism, then every session offered at
 * every address, then what tells causes apart where something did not resume.
 *
 * A session is offered again and again where that is found to do no harm; otherwise each try has
 * one of its own, and as many are fetched as it takes. An address that nobody can connect to, or
 * that speaks no TLS, is left alone after its first tries, and one that does not answer holds up no
 * other. With issue_only nothing is offered.
 */
#ifndef SURVEY_H
#define SURVEY_H

#include <stdbool.h>
#include <stddef.h>

#include <reprise/status.h>

#include "facts.h"
#include "probe_options.h"

struct survey_progress {
    const char *doing; /* "full handshakes" */
    unsigned n_done;   /* connections */
    size_t n_left;     /* that are known of */
};

/* --reconnect: a connection was made. */
struct survey_connection {
    const struct peer_address *address;
    enum mechanism mechanism;
    unsigned index; /* 0: the first, which has nothing to offer */
    const struct visit *visit;
};

struct survey_observer {
    void *cookie;
    /* Ten times a second; NULL: none. What it gets is borrowed for the call. */
    void (*progress)(void *cookie, const struct survey_progress *progress);
    /* --reconnect, each connection as it ends; NULL: none. Borrowed for the call. */
    void (*connected)(void *cookie, const struct survey_connection *connection);
    /* SIGINT or SIGTERM ends the survey in order; a second one ends the process. */
    bool catch_signals;
};

/*
 * Resolves what the options name; blocks. addresses has room for PROBE_ADDRESSES_MAX. RP_NOT_FOUND:
 * a name that has no address; err says so.
 */
enum rp_status survey_resolve(const struct probe_options *options, struct peer_address *addresses,
                              size_t *n, struct rp_error *err) RP_MUST_USE;

/*
 * Runs on a loop of its own; blocks until all is done. What servers do is never an error. With
 * --reconnect there is no matrix: the observer is told all, and the facts say who was reached.
 * RP_INVALID: an option that only now shows to be no good, a file that cannot be read.
 */
enum rp_status survey_run(const struct probe_options *options, const struct peer_address *addresses,
                          size_t n, const struct survey_observer *observer, struct facts **out,
                          struct rp_error *err) RP_MUST_USE;

#endif
