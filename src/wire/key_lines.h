/* The lines of a key file that is text. */
#ifndef KEY_LINES_H
#define KEY_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader.h"

/* Nothing but printable ASCII, tabs and ends of lines, and at least one of them. */
bool key_lines_are_text(const uint8_t *p, size_t n);

/* The next line without white space around it, borrowed; false: no more. */
bool key_lines_next(struct reader *r, const char **line, size_t *n);

#endif
