/* Bytes that a server chose, as text that no terminal, page or parser takes for anything else. */
#ifndef REPORT_TEXT_H
#define REPORT_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "text.h"

/* Printable ASCII as it is; a backslash doubled; every other byte as \xHH. */
void report_text_add(struct text *t, const char *s);

/* The first bytes in hex, with two dots where there are more. */
void report_text_add_hex(struct text *t, const uint8_t *p, size_t n, size_t shown);

#endif
