/*
 * Writes what a probe found: a table for people, JSON for programs (docs/formats/probe-json.md), or
 * one self-contained page. All three say the same. Whatever a server sent is escaped: control
 * bytes for the terminal, and what JSON and HTML demand.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include <reprise/status.h>

#include "diagnosis.h"
#include "facts.h"

struct audit; /* ../audit/audit.h */

/* How people see it; JSON and HTML do not look at it. */
struct report_style {
    bool colour;    /* a terminal that wants it */
    bool utf8;      /* the locale's character set is UTF-8; else ASCII alone is written */
    bool verbose;   /* how long handshakes took at every address */
    unsigned width; /* columns of the terminal; 0: not a terminal, 100 is taken */
};

/*
 * findings are those of the same facts; audit is NULL where none was asked for; style may be NULL
 * (nothing but ASCII). RP_SYSTEM: out could not be written; what is buffered in it is for the
 * caller to flush.
 */
enum rp_status report_table(const struct facts *facts, const struct findings *findings,
                            const struct audit *audit, FILE *out,
                            const struct report_style *style) RP_MUST_USE;
enum rp_status report_json(const struct facts *facts, const struct findings *findings,
                           const struct audit *audit, FILE *out,
                           const struct report_style *style) RP_MUST_USE;
enum rp_status report_html(const struct facts *facts, const struct findings *findings,
                           const struct audit *audit, FILE *out,
                           const struct report_style *style) RP_MUST_USE;

#endif
