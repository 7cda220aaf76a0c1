/* What `reprise load` was asked to do: its command line, checked and with all defaults filled in.
 */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "endpoint.h"
#include "load_mode.h"

#define LOAD_AT_MAX 64
#define LOAD_REQUEST_SIZE 8192
#define LOAD_CONNECTIONS_MAX 10000

struct load_options {
    bool help;
    bool json;
    bool quiet;
    bool fresh; /* a session is resumed once only */
    struct endpoint target;
    struct endpoint at[LOAD_AT_MAX]; /* where to connect instead of the target; none: n_at is 0 */
    size_t n_at;
    enum load_mode modes[LOAD_MODES];
    size_t n_modes;
    unsigned connections;
    uint64_t count;         /* per mode; 0: by time */
    int64_t time_ms;        /* per mode, if count is 0 */
    int64_t timeout_ms;     /* per connection */
    const char *servername; /* borrowed from argv or from target; NULL: no SNI */
    const char *cafile;     /* borrowed; NULL: no verification */
    char request[LOAD_REQUEST_SIZE];
    size_t request_len; /* 0: handshake only */
};

/*
 * argv[0] is the command. RP_INVALID with a sentence if anything is wrong; out is then worth
 * nothing. With --help nothing else is checked. out must stay at its place: it points into itself.
 */
enum rp_status load_options_parse(int argc, char *const *argv, struct load_options *out,
                                  struct rp_error *err) RP_MUST_USE;

/* The help text; static storage. */
const char *load_options_help(void);

#endif
