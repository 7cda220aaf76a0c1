/* Ways of changing a ticket: where a bit is flipped, how much is cut or added. */
#ifndef TICKET_CHANGE_H
#define TICKET_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TICKET_CHANGES_MAX 160
#define TICKET_CHANGE_NAME_LEN 16 /* most stacks put a key name first; none has a longer one */

enum ticket_change_kind {
    CHANGE_NONE, /* a control */
    CHANGE_FLIP, /* one bit at a place */
    CHANGE_CUT,  /* to a length */
    CHANGE_GROW, /* by so many zero bytes */
    CHANGE_TWICE,
    CHANGE_RANDOM, /* all bytes but the first 16 at random */
};

/* Tickets of one server may differ in length, so a place near the end is counted from there. */
struct ticket_change {
    enum ticket_change_kind kind;
    size_t at;     /* byte, length or number of bytes, as kind has it */
    bool from_end; /* at is the distance from the end: 1 is the last byte */
    uint8_t mask;
};

/*
 * What is to be tried on a ticket of n bytes: bits all over it, closer where fields begin and end
 * in one layout or another; then lengths. How many.
 */
size_t ticket_changes(size_t n, struct ticket_change out[static TICKET_CHANGES_MAX]);

/* Room for 2 * n + 64 bytes; the new length; 0: it changes nothing in this ticket. */
size_t ticket_change_apply(const struct ticket_change *c, const uint8_t *ticket, size_t n,
                           uint8_t *out);

/* The change is a flipped bit behind where a key name is, in any ticket that is long enough. */
bool ticket_change_is_inside(const struct ticket_change *c);

/* "bit 3 of byte 17 flipped", "cut to 15 bytes". */
void ticket_change_text(const struct ticket_change *c, char *out, size_t size);

#endif
