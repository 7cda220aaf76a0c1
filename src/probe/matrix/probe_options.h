/* The command line of `reprise probe`. */
#ifndef PROBE_OPTIONS_H
#define PROBE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "endpoint.h"
#include "expectation.h"
#include "mechanism.h"

#define PROBE_ADDRESSES_MAX 256
#define PROBE_TRIES_MAX 100
#define PROBE_AGES_MAX 16
#define PROBE_NAMES_MAX 16
#define PROBE_REQUEST_SIZE 4096
#define PROBE_ALPN_SIZE 128

enum probe_starttls { PROBE_STARTTLS_NONE, PROBE_STARTTLS_SMTP };

/* Strings point into argv. */
struct probe_options {
    struct endpoint target;
    struct endpoint at[PROBE_ADDRESSES_MAX]; /* none: all that the target resolves to */
    size_t n_at;
    bool only4, only6;      /* of the addresses that a name resolves to */
    const char *servername; /* SNI; NULL: none */
    unsigned mechanisms;    /* mask */
    unsigned tries;
    struct expectations expect;
    bool issue_only; /* full handshakes, and nothing is offered: all that is judged is a key */

    const char *cafile; /* NULL: the system's */
    const char *client_cert;
    const char *client_key;
    const char *ciphers; /* NULL: libssl's */
    const char *groups;
    uint8_t alpn[PROBE_ALPN_SIZE]; /* as it goes over the wire */
    size_t alpn_len;
    enum probe_starttls starttls;

    bool handshake_only;
    bool is_head;
    const char *http_host; /* NULL: of servername or target */
    const char *http_path; /* NULL: / */
    char request[PROBE_REQUEST_SIZE];
    size_t request_len;

    int64_t timeout_ms;
    int64_t patience_ms;
    unsigned concurrency;
    unsigned per_address;

    int64_t aged_ms[PROBE_AGES_MAX]; /* ascending */
    size_t n_aged;
    unsigned reconnect; /* 0: the matrix */

    bool audit;
    unsigned checks; /* of the audit: mask of 1 << enum audit_check; 0: all */
    int64_t wait_ms; /* how long its checks may wait for time to pass; 0: its default */
    const char *other_sni[PROBE_NAMES_MAX];
    size_t n_other_sni;

    bool json;
    const char *html; /* a file; NULL: none */
    bool quiet;
    bool verbose;
    bool help;
};

/* RP_INVALID: err says what is wrong, in one sentence. Not thread-safe: getopt. */
enum rp_status probe_options_parse(int argc, char *const *argv, struct probe_options *out,
                                   struct rp_error *err) RP_MUST_USE;

const char *probe_options_help(void);

#endif
