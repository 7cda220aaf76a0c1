/*
 * Builds NUL-terminated text in a buffer of fixed size. What does not fit is cut off and
 * remembered, never written past the end; UTF-8 sequences are not looked at.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *start;
    size_t len;  /* without the NUL */
    size_t size; /* of the buffer, at least 1 */
    bool cut;
};

struct text text_of(char *buffer, size_t size);

void text_add(struct text *t, const char *s);
void text_add_n(struct text *t, const char *s, size_t n);
void text_add_char(struct text *t, char c);
void text_add_hex(struct text *t, const uint8_t *p, size_t n); /* lower case */
void text_addf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_addv(struct text *t, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

#endif
