/* The lines of a text, one after the other, without what ends them. */
#ifndef TICKET_LINES_H
#define TICKET_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct ticket_lines {
    const char *at;
    const char *end;
    const char *line; /* the current one, without white space at its end */
    size_t n;
    size_t number; /* from 1 */
};

struct ticket_lines ticket_lines_of(const void *p, size_t n);

/* False: there are no more. */
bool ticket_lines_next(struct ticket_lines *l);

/* The current line begins with this, white space before it aside; *rest is what follows. */
bool ticket_line_begins(const struct ticket_lines *l, const char *word, const char **rest,
                        size_t *n_rest);

#endif
