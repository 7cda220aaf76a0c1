/*
 * What the fields of many NewSessionTickets of one server say together: whether a ticket, a nonce
 * or an age_add comes twice. Pure functions of what was seen.
 */
#ifndef TICKET_FIELDS_H
#define TICKET_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trial.h"

#define TICKET_FIELDS_MAX 96

struct seen_ticket {
    struct trial_ticket ticket;
    unsigned connection; /* tickets of one have one number */
};

struct ticket_fields {
    size_t n;
    struct seen_ticket tickets[TICKET_FIELDS_MAX];
};

/* Does nothing when it is full. */
void ticket_fields_add(struct ticket_fields *f, unsigned connection, const struct trial_ticket *t);

struct ticket_fields_verdict {
    size_t n13;               /* of TLS 1.3 */
    size_t n_repeats;         /* tickets that came before, byte for byte */
    size_t n_nonce_repeats;   /* in one connection */
    size_t n_age_add_repeats; /* of different tickets: chance gives none */
    bool age_add_small;       /* none of at least four is above 2^16 */
    uint32_t age_add;         /* one that came twice */
    uint32_t longest_s;       /* lifetime */
    uint16_t longest_version;
};

void ticket_fields_judge(const struct ticket_fields *f, struct ticket_fields_verdict *out);

#endif
