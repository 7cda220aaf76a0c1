#include "report_pen.h"

#include <stdarg.h>
#include <string.h>

#include "text.h"

#define WIDTH 100
#define WIDTH_MIN 40

struct pen pen_of(FILE *out, const struct report_style *style)
{
    struct pen pen = {.out = out};

    if (style != NULL) {
        pen.style = *style;
    }
    if (pen.style.width == 0) {
        pen.style.width = WIDTH;
    } else if (pen.style.width < WIDTH_MIN) {
        pen.style.width = WIDTH_MIN;
    }
    return pen;
}

void pen_ink(struct pen *pen, enum ink ink)
{
    static const char *const codes[] = {
        [INK_PLAIN] = "\033[0m", [INK_GOOD] = "\033[32m",  [INK_BAD] = "\033[31m",
        [INK_SOME] = "\033[33m", [INK_STRONG] = "\033[1m", [INK_FAINT] = "\033[2m",
    };

    if (pen->style.colour) {
        (void)fputs(codes[ink], pen->out);
    }
}

void pen_mark(struct pen *pen, enum mark mark)
{
    static const char *const utf8[] = {[MARK_GOOD] = "\xe2\x9c\x93",
                                       [MARK_BAD] = "\xe2\x9c\x97",
                                       [MARK_FAILED] = "!",
                                       [MARK_NONE] = "\xc2\xb7"};
    static const char *const ascii[] = {
        [MARK_GOOD] = "+", [MARK_BAD] = "-", [MARK_FAILED] = "!", [MARK_NONE] = "."};

    (void)fputs(pen->style.utf8 ? utf8[mark] : ascii[mark], pen->out);
    pen->column++;
}

void pen_add(struct pen *pen, const char *s)
{
    (void)fputs(s, pen->out);
    pen->column += (unsigned)strlen(s);
}

void pen_addf(struct pen *pen, const char *format, ...)
{
    char buffer[512];
    struct text t = text_of(buffer, sizeof buffer);
    va_list args;

    va_start(args, format);
    text_addv(&t, format, args);
    va_end(args);
    pen_add(pen, buffer);
}

void pen_pad(struct pen *pen, unsigned column)
{
    do {
        pen_add(pen, " ");
    } while (pen->column < column);
}

void pen_line(struct pen *pen)
{
    (void)fputc('\n', pen->out);
    pen->column = 0;
}

static void wrap(struct pen *pen, unsigned indent, const char *s, bool spaced)
{
    while (*s != '\0') {
        const size_t n = strcspn(s, " ");

        if (spaced && pen->column + 1 + n > pen->style.width) {
            pen_line(pen);
            (void)fprintf(pen->out, "%*s", (int)indent, "");
            pen->column = indent;
        } else if (spaced) {
            pen_add(pen, " ");
        }
        (void)fwrite(s, 1, n, pen->out);
        pen->column += (unsigned)n;
        s += n;
        s += strspn(s, " ");
        spaced = true;
    }
}

void pen_wrap(struct pen *pen, unsigned indent, const char *s)
{
    wrap(pen, indent, s, false);
}

void pen_wrap_on(struct pen *pen, unsigned indent, const char *s)
{
    wrap(pen, indent, s, true);
}
