#include "memory.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The one exception to "no mutable file-scope state": a switch for tests, -1 in every program. */
static long allowed = -1;

static bool fails(void)
{
    if (allowed < 0) {
        return false;
    }
    if (allowed == 0) {
        return true;
    }
    allowed--;
    return false;
}

void memory_fail_after(long n)
{
    allowed = n;
}

/* False if there can be no such block. A sanitizer's calloc would stop the program over it. */
static bool block_size(size_t n, size_t size, size_t *out)
{
    return !__builtin_mul_overflow(n, size, out) && *out <= PTRDIFF_MAX;
}

void *memory_new(size_t n, size_t size)
{
    size_t bytes;

    return fails() || !block_size(n, size, &bytes) ? NULL : calloc(1, bytes);
}

void *memory_resize(void *p, size_t old_n, size_t n, size_t size)
{
    size_t bytes;
    void *grown;

    if (fails() || !block_size(n, size, &bytes)) {
        return NULL;
    }
    /* A realloc to nothing would free p and return NULL. */
    grown = realloc(p, bytes != 0 ? bytes : 1);
    if (grown != NULL && n > old_n) {
        memset((char *)grown + old_n * size, 0, (n - old_n) * size);
    }
    return grown;
}

char *memory_string_n(const char *s, size_t n)
{
    char *copy = n != SIZE_MAX ? memory_new(n + 1, 1) : NULL;

    if (copy != NULL && n != 0) {
        memcpy(copy, s, n);
    }
    return copy;
}

char *memory_string(const char *s)
{
    return memory_string_n(s, strlen(s));
}

void memory_free(void *p)
{
    free(p);
}

void *memory_block(size_t size)
{
    size_t bytes;

    return fails() || !block_size(1, size, &bytes) ? NULL : malloc(bytes != 0 ? bytes : 1);
}

void *memory_block_resize(void *p, size_t size)
{
    size_t bytes;

    return fails() || !block_size(1, size, &bytes) ? NULL : realloc(p, bytes != 0 ? bytes : 1);
}

void memory_wipe(void *p, size_t n)
{
    if (n != 0) {
        explicit_bzero(p, n);
    }
}
