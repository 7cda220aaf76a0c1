/*
 * Writes bytes into a buffer of fixed size. A write that does not fit fails the writer for good and
 * writes nothing; an encoder checks once, at its end. Numbers are big-endian.
 */
#ifndef WRITER_H
#define WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool failed;
};

/* Room for n bytes at p, borrowed; p may be NULL if n is 0. */
struct writer writer_of(void *p, size_t n);

void writer_u8(struct writer *w, uint8_t value);
void writer_u16(struct writer *w, uint16_t value);
void writer_u24(struct writer *w, uint32_t value);
void writer_u32(struct writer *w, uint32_t value);
void writer_u64(struct writer *w, uint64_t value);
void writer_bytes(struct writer *w, const void *p, size_t n);

/* Leaves room for a length of n bytes (1 to 3); writer_close fills it with what was written since.
 */
size_t writer_open(struct writer *w, size_t n);
void writer_close(struct writer *w, size_t mark, size_t n);

size_t writer_len(const struct writer *w); /* 0 if failed */

#endif
