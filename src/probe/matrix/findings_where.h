/* Addresses in sentences. */
#ifndef FINDINGS_WHERE_H
#define FINDINGS_WHERE_H

#include <stdbool.h>
#include <stddef.h>

#include "facts.h"
#include "text.h"

/* 192.0.2.1; with its port only if it is not that of the endpoint. */
void where_add_address(struct text *t, const struct facts *facts, size_t address);

/* Empty, " (not reached)", " (no TLS)" or, where an interrupt came first, " (not tried)" or " (no
 * answer yet)". */
const char *where_state(const struct facts *facts, size_t address);

/* "192.0.2.1, 192.0.2.2 and 192.0.2.3", "192.0.2.1, 192.0.2.2 and 9 more", "all 50 addresses". */
void where_add_set(struct text *t, const struct facts *facts, const bool *members);

/* "issued at A, offered at B and C"; "between A, B and C"; what is not that simple in parts. */
enum rp_status where_add_cells(struct text *t, const struct facts *facts, const size_t *cells,
                               size_t n_cells) RP_MUST_USE;

#endif
