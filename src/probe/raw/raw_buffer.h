/* Bytes that grow at the end and are taken from the front. Wiped wherever they are given up. */
#ifndef RAW_BUFFER_H
#define RAW_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct raw_buffer {
    uint8_t *bytes; /* NULL while nothing was ever added */
    size_t len;
    size_t size;
};

/* Takes zeroes. */
void raw_buffer_fini(struct raw_buffer *b);

/* False when out of memory, and nothing is added then. */
bool raw_buffer_add(struct raw_buffer *b, const void *p, size_t n);

/* Room for n bytes more at the end, which count as added once len says so; NULL: no memory. */
uint8_t *raw_buffer_room(struct raw_buffer *b, size_t n);

/* Drops the first n, at most len. */
void raw_buffer_take(struct raw_buffer *b, size_t n);

#endif
