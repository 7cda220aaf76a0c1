#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* The one exception to "no mutable file-scope state": a switch for tests, -1 in every program. */
static long allowed = -1;

static int fails(void)
{
    if (allowed < 0) {
        return 0;
    }
    if (allowed == 0) {
        return 1;
    }
    allowed--;
    return 0;
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
    void *grown = fails() ? NULL : reallocarray(p, n, size);

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
