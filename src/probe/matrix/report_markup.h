/* Text in a page: what HTML gives a meaning is escaped, and all that is not printable ASCII. */
#ifndef REPORT_MARKUP_H
#define REPORT_MARKUP_H

#include <stdio.h>

/* May stand in an element as well as in a quoted attribute. */
void markup_text(FILE *out, const char *s);

#endif
