/* Text for a terminal: colours, marks and lines that are broken at words. */
#ifndef REPORT_PEN_H
#define REPORT_PEN_H

#include <stdbool.h>
#include <stdio.h>

#include "report.h"

enum ink { INK_PLAIN, INK_GOOD, INK_BAD, INK_SOME, INK_STRONG, INK_FAINT };

/* As wide as a column each. */
enum mark { MARK_GOOD, MARK_BAD, MARK_FAILED, MARK_NONE };

struct pen {
    FILE *out;
    struct report_style style;
    unsigned column; /* that was reached in this line */
};

struct pen pen_of(FILE *out, const struct report_style *style);

void pen_ink(struct pen *pen, enum ink ink);
void pen_mark(struct pen *pen, enum mark mark);
void pen_add(struct pen *pen, const char *s); /* printable ASCII, as it is */
void pen_addf(struct pen *pen, const char *format, ...) __attribute__((format(printf, 2, 3)));
void pen_pad(struct pen *pen, unsigned column); /* spaces up to it; at least one if it is passed */
void pen_line(struct pen *pen);

/* Words, each in this line or at the indent of the next. */
void pen_wrap(struct pen *pen, unsigned indent, const char *s);
/* The same after a space, or in the next line if the first word does not fit in this one. */
void pen_wrap_on(struct pen *pen, unsigned indent, const char *s);

#endif
