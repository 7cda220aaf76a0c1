/* Cells with one cause, on their way to becoming a diagnosis. */
#ifndef FINDINGS_DRAFT_H
#define FINDINGS_DRAFT_H

#include <stdbool.h>
#include <stddef.h>

#include <reprise/status.h>

#include "diagnosis_cell.h"

struct draft {
    enum cause cause;
    unsigned detail;
    bool between; /* of some cell the fault lies between the two addresses */
    bool *at;     /* n: the addresses at fault */
    bool *in;     /* n: the addresses of its cells */
    size_t *cells;
    size_t n_cells, room;
};

struct drafts {
    size_t n_addresses;
    struct draft *items;
    size_t n;
};

/* drafts are zeroes but for n_addresses before the first. */
enum rp_status drafts_add(struct drafts *drafts, const struct judged *judged, size_t issued_at,
                          size_t offered_at) RP_MUST_USE;
void drafts_fini(struct drafts *drafts);

size_t draft_n_at(const struct draft *draft, size_t n_addresses);

#endif
