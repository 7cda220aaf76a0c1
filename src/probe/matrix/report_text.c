#include "report_text.h"

void report_text_add(struct text *t, const char *s)
{
    for (; *s != '\0'; s++) {
        const uint8_t byte = (uint8_t)*s;

        if (byte == '\\') {
            text_add(t, "\\\\");
        } else if (byte >= 0x20 && byte < 0x7f) {
            text_add_char(t, *s);
        } else {
            text_add(t, "\\x");
            text_add_hex(t, &byte, 1);
        }
    }
}

void report_text_add_hex(struct text *t, const uint8_t *p, size_t n, size_t shown)
{
    text_add_hex(t, p, n < shown ? n : shown);
    text_add(t, n > shown ? ".." : "");
}
