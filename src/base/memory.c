#include "memory.h"

#include <stdbool.h>
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

void *memory_new(size_t n, size_t size)
{
    return fails() ? NULL : calloc(n, size);
}

void *memory_resize(void *p, size_t old_n, size_t n, size_t size)
{
    const bool empty = n == 0 || size == 0; /* realloc to nothing would free p and say NULL */
    void *grown = fails() ? NULL : reallocarray(p, empty ? 1 : n, empty ? 1 : size);

    if (grown != NULL && n > old_n) {
        memset((char *)grown + old_n * size, 0, (n - old_n) * size);
    }
    return grown;
}

char *memory_string_n(const char *s, size_t n)
{
    char *copy = n + 1 != 0 ? memory_new(n + 1, 1) : NULL;

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

void memory_wipe(void *p, size_t n)
{
    if (n != 0) {
        explicit_bzero(p, n);
    }
}
