/*
 * What the addresses showed, in lines of text: addresses that say the same share one. The table and
 * the page both show these.
 */
#ifndef REPORT_LINES_H
#define REPORT_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include <reprise/status.h>

#include "facts.h"

struct report_line {
    bool *members; /* facts->n */
    bool bad;      /* something a person should look at */
    char *text;    /* printable ASCII */
};

struct report_lines {
    struct report_line *items;
    size_t n;
};

/* "TLSv1.3, TLS_AES_256_GCM_SHA384, X25519; 2 tickets a handshake ..." */
enum rp_status report_lines_issued(const struct facts *facts, enum mechanism m,
                                   struct report_lines *out) RP_MUST_USE;
/* Subject, issuer, end, and what is wrong with it. */
enum rp_status report_lines_certificates(const struct facts *facts,
                                         struct report_lines *out) RP_MUST_USE;
/* Server headers. */
enum rp_status report_lines_servers(const struct facts *facts,
                                    struct report_lines *out) RP_MUST_USE;
void report_lines_fini(struct report_lines *lines);

#endif
