/* What fuzz targets share. */
#ifndef FUZZ_KIT_H
#define FUZZ_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Exact, so that a sanitizer sees a write past the end. */
static inline uint8_t *room(size_t n)
{
    uint8_t *const p = malloc(n != 0 ? n : 1);

    require(p != NULL);
    return p;
}

#endif
