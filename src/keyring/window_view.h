/*
 * How a reader looks at the published slot of the window: opened, read word by word, and good only
 * if it is still whole afterwards (docs/formats/keyring.md, "Readers"). Private to the keyring.
 */
#ifndef WINDOW_VIEW_H
#define WINDOW_VIEW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "key_file.h"
#include "segment.h"

/* A slot that a reader is looking at. */
struct view {
    const struct segment_layout *layout;
    const _Atomic uint64_t *words;
    uint64_t generation;
    unsigned n_keys;
    unsigned n_domains;
};

/* An acquire, so that whoever sees a word of a later writing sees the change of seq too. */
static inline uint64_t view_word(const struct view *v, size_t at)
{
    return atomic_load_explicit(&v->words[at], memory_order_acquire);
}

static inline unsigned view_at_most(uint64_t value, unsigned max)
{
    return value < max ? (unsigned)value : max;
}

/* False: there is nothing in the window. Ends: `published` changes only with a whole successor. */
static inline bool view_open(const struct rp_keyring *keyring, struct view *v)
{
    const struct segment_header *const window = keyring->window;
    uint64_t generation = atomic_load_explicit(&window->published, memory_order_acquire);

    v->layout = &keyring->layout;
    while (generation != 0) {
        uint64_t again;

        v->generation = generation;
        v->words = segment_slot(v->layout, window, generation);
        if (view_word(v, SEGMENT_SEQ) == generation) {
            v->n_keys = view_at_most(view_word(v, SEGMENT_N_KEYS), v->layout->max_keys);
            v->n_domains = view_at_most(view_word(v, SEGMENT_N_DOMAINS), v->layout->max_domains);
            return true;
        }
        again = atomic_load_explicit(&window->published, memory_order_acquire);
        if (again == generation) {
            return false;
        }
        generation = again;
    }
    return false;
}

/* Nothing that was read since view_open has changed meanwhile. */
static inline bool view_whole(const struct view *v)
{
    return view_word(v, SEGMENT_SEQ) == v->generation;
}

static inline size_t view_pair(const struct view *v, unsigned domain, unsigned key)
{
    return (size_t)domain * v->layout->max_keys + key;
}

static inline size_t view_entry(unsigned key)
{
    return SEGMENT_ENTRIES + (size_t)key * SEGMENT_ENTRY_WORDS;
}

static inline void view_copy(const struct view *v, size_t at, uint8_t *out, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++) {
        const uint64_t value = view_word(v, at + i);

        memcpy(out + i * sizeof value, &value, sizeof value);
    }
}

static inline void view_copy_stek(const struct view *v, unsigned domain, unsigned key,
                                  struct stek *out)
{
    const size_t place = view_pair(v, domain, key);
    const size_t secrets = v->layout->secrets + place * SEGMENT_SECRET_WORDS;

    view_copy(v, v->layout->names + place * SEGMENT_NAME_WORDS, out->name, 2);
    view_copy(v, secrets, out->aes, 4);
    view_copy(v, secrets + 4, out->hmac, 4);
    /* One of the two lengths there are, whatever a spoilt window says: the buffers have 32. */
    out->key_len = view_word(v, v->layout->tags + place) >> 32 == 16 ? 16 : 32;
}

#endif
