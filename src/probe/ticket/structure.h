/* Whether bytes look like something, as encrypted bytes do not. */
#ifndef STRUCTURE_H
#define STRUCTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

struct structure {
    size_t text_at, text_len; /* the longest run of printable ASCII */
    uint8_t common;           /* the byte that comes most often */
    size_t n_common;
    size_t n;
};

struct structure structure_of(const uint8_t *p, size_t n);

/*
 * One byte comes in 16 places and in every eighth, or there are 40 printable characters in a row:
 * of random bytes, up to 64 kB of them, less than once in 2^50 times.
 */
bool structure_is_strong(const struct structure *s);

/* "byte 00 comes 40 times in 160", "44 printable characters in a row from byte 12 on". */
void structure_describe(const struct structure *s, struct text *t);

/* The n bytes at needle within the others: where, or SIZE_MAX. n is at least 1. */
size_t structure_find(const uint8_t *p, size_t len, const uint8_t *needle, size_t n);

/* All n bytes are equal; n is at least 1. */
bool structure_is_constant(const uint8_t *p, size_t n);

#endif
