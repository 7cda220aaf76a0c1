/* Plain structs in shared memory, word by word: whoever reads a torn one reads words, at least. */
#ifndef SHARED_WORDS_H
#define SHARED_WORDS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* n words from a struct of that size. */
static inline void shared_words_put(_Atomic uint64_t *words, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t word;

        memcpy(&word, (const uint8_t *)from + i * sizeof word, sizeof word);
        atomic_store_explicit(&words[i], word, memory_order_relaxed);
    }
}

static inline void shared_words_get(const _Atomic uint64_t *words, void *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint64_t word = atomic_load_explicit(&words[i], memory_order_relaxed);

        memcpy((uint8_t *)out + i * sizeof word, &word, sizeof word);
    }
}

#endif
