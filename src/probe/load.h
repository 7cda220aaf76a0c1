/*
 * A load run: measures handshakes a second and their latency against any TLS server, in several
 * modes, and verifies that each connection was resumed or not as its mode says.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "endpoint.h"
#include "load_options.h"
#include "tally.h"

/* Where the connections go. */
struct load_target {
    struct peer_address addresses[LOAD_AT_MAX];
    size_t n;
};

struct load_result {
    bool interrupted; /* by SIGINT or SIGTERM: modes may be missing, the last one may be short */
    size_t n_modes;
    struct tally modes[LOAD_MODES];
};

/* The exit codes of the tool. */
enum load_verdict {
    LOAD_GOOD = 0,
    LOAD_BAD = 1,         /* a connection was not as its mode expects, or failed */
    LOAD_UNREACHABLE = 3, /* not one TCP connection */
};

struct load_progress {
    const struct tally *tally;
    size_t index;        /* of the mode in the run */
    uint64_t elapsed_us; /* of measuring; 0 while seeding */
};

struct load_observer {
    void *cookie;
    /* Ten times a second; NULL: none. What it gets is borrowed for the call. */
    void (*progress)(void *cookie, const struct load_progress *progress);
    /* SIGINT or SIGTERM ends the run in order; a second one ends the process. */
    bool catch_signals;
};

/*
 * The addresses of --at, all of them, or else of the target the first one that takes a connection
 * (if none does: the first one). Blocks.
 */
enum rp_status load_resolve(const struct load_options *options, struct load_target *out,
                            struct rp_error *err) RP_MUST_USE;

/*
 * Runs all modes on a loop of its own; blocks until they are done. A mode in which not one TCP
 * connection succeeds is the last. Connections that fail are no error: they are counted. result is
 * large: it belongs on the heap.
 */
enum rp_status load_run(const struct load_options *options, const struct load_target *target,
                        const struct load_observer *observer, struct load_result *result,
                        struct rp_error *err) RP_MUST_USE;

enum load_verdict load_judge(const struct load_result *result);

#endif
