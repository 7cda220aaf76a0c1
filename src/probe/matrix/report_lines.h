/*
 * What the addresses showed, in lines of text: addresses that say the same share one. The table and
 * the page both show these.
 */
#ifndef REPORT_LINES_H
#define REPORT_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include <reprise/status.h>

#include "diagnosis.h"
#include "facts.h"
#include "text.h"

struct report_line {
    bool *members; /* facts->n */
    bool bad;      /* something a person should look at */
    char *text;    /* printable ASCII */
};

struct report_lines {
    struct report_line *items;
    size_t n;
};

/* Whether there is something to say of it that is not said of another. */
bool report_lines_has(const struct facts *facts, enum mechanism m);
/* "TLS_AES_256_GCM_SHA384, X25519; 2 tickets a handshake ..." */
enum rp_status report_lines_issued(const struct facts *facts, enum mechanism m,
                                   struct report_lines *out) RP_MUST_USE;
/* Subject, issuer, end, and what is wrong with it. */
enum rp_status report_lines_certificates(const struct facts *facts,
                                         struct report_lines *out) RP_MUST_USE;
/* Server headers. */
enum rp_status report_lines_servers(const struct facts *facts,
                                    struct report_lines *out) RP_MUST_USE;
/* "key 4f2a19c0.. at 192.0.2.1, 9c01a2b3.. at 192.0.2.2"; nothing if no key names are seen. */
enum rp_status report_keys_add(struct text *t, const struct facts *facts,
                               const struct findings *findings, enum mechanism m) RP_MUST_USE;
/* "2 groups that resume among themselves: 192.0.2.1 and 192.0.2.2; 192.0.2.3"; nothing for one. */
enum rp_status report_groups_add(struct text *t, const struct facts *facts,
                                 const struct findings *findings, enum mechanism m) RP_MUST_USE;

#define REPORT_ABOUT_SIZE 1024

/* All of the above that is said of one mechanism. */
struct report_about {
    struct report_lines lines;
    char keys[REPORT_ABOUT_SIZE];   /* empty: nothing */
    char groups[REPORT_ABOUT_SIZE]; /* empty: nothing */
};

/* On success report_lines_fini frees out->lines. */
enum rp_status report_about(const struct facts *facts, const struct findings *findings,
                            enum mechanism m, struct report_about *out) RP_MUST_USE;

/* Sessions of one age, of one mechanism, over all addresses. */
struct report_age {
    enum mechanism mechanism;
    int64_t age_ms;
    uint32_t lifetime_s; /* the first address'; 0: not advertised */
    unsigned n_tries, n_resumed;
};

/* That of facts->aged[i]; false: an earlier one has been of the same mechanism and age. */
bool report_age_of(const struct facts *facts, size_t i, struct report_age *out);

void report_lines_fini(struct report_lines *lines);

#endif
