/* The fleet as one host sees it, for people and for programs. */
#ifndef FLEET_STATUS_H
#define FLEET_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "fleet_findings.h"

/* A line a member, a line in sum, and what is wrong. */
void fleet_status_put(const struct fleet_facts *facts, const struct fleet_findings *findings,
                      bool colour, FILE *out);

/* What the admin socket said, n bytes of JSON, with "ok" and "findings" added. False: no memory. */
bool fleet_status_put_json(const char *json, size_t n, const struct fleet_facts *facts,
                           const struct fleet_findings *findings, FILE *out);

#endif
