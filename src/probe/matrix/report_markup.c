#include "report_markup.h"

void markup_text(FILE *out, const char *s)
{
    for (; *s != '\0'; s++) {
        const unsigned char c = (unsigned char)*s;

        switch (c) {
        case '&':
            (void)fputs("&amp;", out);
            break;
        case '<':
            (void)fputs("&lt;", out);
            break;
        case '>':
            (void)fputs("&gt;", out);
            break;
        case '"':
            (void)fputs("&quot;", out);
            break;
        case '\'':
            (void)fputs("&#39;", out);
            break;
        default:
            if (c >= 0x20 && c < 0x7f) {
                (void)fputc(c, out);
            } else {
                (void)fprintf(out, "\\x%02x", c);
            }
        }
    }
}
