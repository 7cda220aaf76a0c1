/*
 * The only place that allocates from the heap: overflow-checked, zeroed, and able to fail on the
 * nth call for tests. What holds secrets is in secret memory (secret.h) or wiped with memory_wipe.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>

/* n objects of size bytes each, zeroed; NULL when out of memory or n * size overflows. */
void *memory_new(size_t n, size_t size) __attribute__((warn_unused_result));

/* Grows or shrinks; what is new is zeroed; on failure NULL, and the old block is as it was. */
void *memory_resize(void *p, size_t old_n, size_t n, size_t size)
    __attribute__((warn_unused_result));

/* A copy of a string, or of n bytes and a NUL. */
char *memory_string(const char *s) __attribute__((warn_unused_result));
char *memory_string_n(const char *s, size_t n) __attribute__((warn_unused_result));

void memory_free(void *p);

/*
 * For who hands blocks on to others, and knows how long they are (free_lists.h): not zeroed. Of a
 * block that is resized the first bytes stay, as many as both have; on failure NULL, and it is as
 * it was.
 */
void *memory_block(size_t size) __attribute__((warn_unused_result));
void *memory_block_resize(void *p, size_t size) __attribute__((warn_unused_result));

/* Overwrites in a way that the compiler does not remove. */
void memory_wipe(void *p, size_t n);

/* Tests: let n allocations of this process succeed, then fail every one; a negative n: none fails.
 * Not for threads. */
void memory_fail_after(long n);

#endif
