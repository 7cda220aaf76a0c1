/*
 * Reads bytes that someone else wrote. A read past the end fails the reader for good: that read and
 * all later ones yield zeroes and NULL, so a decoder checks once, at its end, before it acts.
 * Numbers are big-endian.
 */
#ifndef READER_H
#define READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

/* The n bytes at p, borrowed; p may be NULL if n is 0. */
struct reader reader_of(const void *p, size_t n);

uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u24(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);

/* The next n bytes, borrowed; NULL on failure. */
const uint8_t *reader_bytes(struct reader *r, size_t n);

/* Copies the next n bytes to out; zeroes on failure. */
void reader_copy(struct reader *r, uint8_t *out, size_t n);

/* A reader over a vector that its length precedes, in one byte or two; a failed one on failure. */
struct reader reader_vec8(struct reader *r);
struct reader reader_vec16(struct reader *r);

size_t reader_left(const struct reader *r); /* 0 if failed */

/* Fails the reader: for a decoder that finds a value out of range. */
void reader_fail(struct reader *r);

/* Nothing failed and nothing is left over. */
bool reader_done(const struct reader *r);

#endif
