#include "text.h"

#include <stdio.h>
#include <string.h>

struct text text_of(char *buffer, size_t size)
{
    const struct text t = {buffer, 0, size, false};

    buffer[0] = '\0';
    return t;
}

void text_add_n(struct text *t, const char *s, size_t n)
{
    const size_t room = t->size - 1 - t->len;

    if (n > room) {
        n = room;
        t->cut = true;
    }
    if (n != 0) {
        memcpy(t->start + t->len, s, n);
        t->len += n;
        t->start[t->len] = '\0';
    }
}

void text_add(struct text *t, const char *s)
{
    text_add_n(t, s, strlen(s));
}

void text_add_char(struct text *t, char c)
{
    text_add_n(t, &c, 1);
}

void text_add_hex(struct text *t, const uint8_t *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        text_add_char(t, digits[p[i] >> 4]);
        text_add_char(t, digits[p[i] & 15]);
    }
}

void text_addf(struct text *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    text_addv(t, format, args);
    va_end(args);
}

void text_addv(struct text *t, const char *format, va_list args)
{
    const size_t room = t->size - t->len;
    const int n = vsnprintf(t->start + t->len, room, format, args);

    if (n < 0) {
        t->start[t->len] = '\0';
        t->cut = true;
    } else if ((size_t)n >= room) {
        t->len = t->size - 1;
        t->cut = true;
    } else {
        t->len += (size_t)n;
    }
}
