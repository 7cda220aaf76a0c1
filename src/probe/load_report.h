/* Writes what a load run found: a table for people, or JSON for programs (see reprise.1). */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include <reprise/status.h>

#include "load.h"

/* Both write to out; whether that succeeded is for the caller to see by ferror. */
void load_report_table(const struct load_options *options, const struct load_target *target,
                       const struct load_result *result, bool colour, FILE *out);

enum rp_status load_report_json(const struct load_options *options,
                                const struct load_target *target, const struct load_result *result,
                                FILE *out) RP_MUST_USE;

#endif
