/* Facts of a survey as made-up hosts would have given them. */
#ifndef FACTS_KIT_H
#define FACTS_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "facts.h"

#define KIT_HOSTS_MAX 3

/* So many processes, and the keys that they issue under. */
#define KIT_KEYS(n, ...) .n_processes = (n), .processes = {__VA_ARGS__}

/*
 * What answers at one address. Keys are numbers from 1; a process is one of n_processes that take
 * connections in turn, and processes[k] is the key that it issues under. Zeroes are a sound host
 * with one process and key 1.
 */
struct kit_host {
    unsigned n_processes;
    uint8_t processes[4];
    unsigned opens;          /* mask of 1 << key, beside the process' own */
    bool own_alone;          /* each process opens its own key and no other of these */
    const char *context;     /* session ID context */
    const char *subject;     /* of the certificate */
    const char *subjects[4]; /* by process, instead */
    const char *server;
    const char *cipher, *hash;
    bool no_ems;
    bool asks;           /* for a client certificate */
    bool no_sessions;    /* issues none */
    bool forgets;        /* gives IDs that it does not keep */
    bool own_cache;      /* session IDs of this host (and process, own_alone) alone */
    bool stateful;       /* its tickets are session IDs */
    bool nameless;       /* its tickets show no key name */
    bool single_use;     /* a session resumes once */
    bool sni_only;       /* resumes only what was issued without a name */
    bool no_early;       /* refuses early data */
    bool unreachable;    /* connection refused */
    bool no_tls;         /* not TLS */
    bool no_version;     /* alert protocol_version */
    uint8_t alert;       /* answers sessions that it does not open with it */
    bool resets;         /* answers them with RST */
    uint32_t lifetime_s; /* 0: 300 */
};

/* n hosts at 127.0.0.1:443 and following, each looked at by these mechanisms so many times. */
struct facts *kit_facts(const struct kit_host *hosts, size_t n, unsigned mechanisms,
                        unsigned n_tries);

/* n hosts that are all like this one. */
struct facts *kit_fleet(const struct kit_host *host, size_t n, unsigned mechanisms,
                        unsigned n_tries);

#endif
