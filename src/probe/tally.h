/*
 * What one mode of a load run has seen: every connection is counted in exactly one place, as a
 * seed, as measured (resumed or full) or as failed.
 */
#ifndef TALLY_H
#define TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include <reprise/status.h>

#include "client.h"
#include "latency.h"
#include "load_mode.h"

struct tally {
    enum load_mode mode;
    uint64_t n_begun;               /* connections, seeds among them */
    uint64_t n_connected;           /* by TCP */
    uint64_t n_seeds;               /* full handshakes that gave a session to resume */
    uint64_t n_resumed;             /* measured */
    uint64_t n_full;                /* measured */
    uint64_t n_failed[CLIENT_ENDS]; /* by end; CLIENT_OK stays 0 */
    uint64_t n_no_session;          /* seeds that gave nothing to resume: failures too */
    uint64_t n_replies[6];          /* by the first digit of the HTTP status */
    struct rp_error first_refusal;  /* why the first one that should have resumed did not */
    struct rp_error first_failure;
    const char *cipher;       /* of the first handshake; static storage */
    struct latency handshake; /* of the measured ones that did what the mode expects */
    struct latency connection;
    uint64_t elapsed_us; /* of the measuring, without the first seeds */
    uint64_t cpu_us;     /* this process in that time, user and system */
    uint64_t n_timed;    /* connections in that time, of whatever outcome */
};

/* A connection that was to give a session; address: for texts; has_session: it gave one of the
 * mode's kind. */
void tally_seed(struct tally *t, const struct client_outcome *o, const char *address,
                bool has_session);

/* A measured connection. context, which is appended to the text of a refusal, says what was
 * offered. */
void tally_measured(struct tally *t, const struct client_outcome *o, const char *address,
                    const char *context);

uint64_t tally_failed(const struct tally *t);

/* Measured connections that did what the mode expects. */
uint64_t tally_expected(const struct tally *t);
uint64_t tally_unexpected(const struct tally *t);

/* Every connection did as expected, and there was one. */
bool tally_is_good(const struct tally *t);

/* Connections a second in tenths, that did as expected. */
uint64_t tally_rate_tenths(const struct tally *t);

#endif
