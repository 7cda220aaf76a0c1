#include "writer.h"

#include <string.h>

struct writer writer_of(void *p, size_t n)
{
    uint8_t *start = p;
    /* NULL + 0 is undefined in C. */
    const struct writer w = {start, start, n != 0 ? start + n : start, false};

    return w;
}

static void number(struct writer *w, uint64_t value, size_t n)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < n; i++) {
        bytes[n - 1 - i] = (uint8_t)(value >> (8 * i));
    }
    writer_bytes(w, bytes, n);
}

void writer_u8(struct writer *w, uint8_t value)
{
    number(w, value, 1);
}

void writer_u16(struct writer *w, uint16_t value)
{
    number(w, value, 2);
}

void writer_u24(struct writer *w, uint32_t value)
{
    if (value > 0xffffff) {
        w->failed = true;
    }
    number(w, value, 3);
}

void writer_u32(struct writer *w, uint32_t value)
{
    number(w, value, 4);
}

void writer_u64(struct writer *w, uint64_t value)
{
    number(w, value, 8);
}

void writer_bytes(struct writer *w, const void *p, size_t n)
{
    if (w->failed || n > (size_t)(w->end - w->at)) {
        w->failed = true;
        return;
    }
    if (n != 0) {
        memcpy(w->at, p, n);
        w->at += n;
    }
}

size_t writer_open(struct writer *w, size_t n)
{
    const size_t mark = (size_t)(w->at - w->start);

    number(w, 0, n);
    return mark;
}

void writer_close(struct writer *w, size_t mark, size_t n)
{
    struct writer length = {w->start + mark, w->start + mark, w->at, w->failed};
    size_t len;

    if (w->failed) {
        return;
    }
    len = (size_t)(w->at - w->start) - mark - n;
    if (len >> (8 * n) != 0) {
        w->failed = true;
        return;
    }
    number(&length, len, n);
}

size_t writer_len(const struct writer *w)
{
    return w->failed ? 0 : (size_t)(w->at - w->start);
}
