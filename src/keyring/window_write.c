#include "window_write.h"

#include <string.h>

#include "memory.h"

#define NOT_IN_BASE UINT32_MAX

/* The keys of a state in the order in which they stand in a window. */
struct order {
    uint32_t n;
    uint32_t place[SEGMENT_KEYS_MAX]; /* of the root, or of the static key, in the state */
};

/* What a slot is written from. */
struct writing {
    const struct segment_layout *layout;
    const struct chain_slot *state;
    const struct chain_slot *base;
    const _Atomic uint64_t *from; /* the slot of base */
    _Atomic uint64_t *words;      /* the slot to write */
    struct order order;
    uint32_t base_key[SEGMENT_KEYS_MAX]; /* of each key, which of base's window it is */
};

static _Atomic uint64_t *writable_slot(const struct rp_keyring *keyring, uint64_t generation)
{
    return (_Atomic uint64_t *)(keyring->writable + 1) +
           generation % SEGMENT_SLOTS * keyring->layout.slot_words;
}

/* A release, so that whoever sees the word sees that seq was cleared before. */
static void put(_Atomic uint64_t *words, size_t at, uint64_t value)
{
    atomic_store_explicit(&words[at], value, memory_order_release);
}

static void put_bytes(_Atomic uint64_t *words, size_t at, const uint8_t *p, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++) {
        uint64_t value;

        memcpy(&value, p + i * sizeof value, sizeof value);
        put(words, at + i, value);
    }
}

static void put_zeroes(_Atomic uint64_t *words, size_t at, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++) {
        put(words, at + i, 0);
    }
}

static void copy_words(const struct writing *w, size_t to, size_t from, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++) {
        put(w->words, to + i, atomic_load_explicit(&w->from[from + i], memory_order_relaxed));
    }
}

static void order_roots(struct order *order, const struct rings *rings, bool of_sealing)
{
    for (uint32_t i = 0; i < rings->n_roots; i++) {
        if ((rings->roots[i].ring == rings->sealing) == of_sealing) {
            order->place[order->n] = i;
            order->n++;
        }
    }
}

/* First come those that most look-ups are for. */
static void order_keys(struct order *order, const struct chain_slot *state)
{
    order->n = 0;
    if (state->is_static == 0) {
        order_roots(order, segment_rings(state), true);
        order_roots(order, segment_rings(state), false);
        return;
    }
    for (uint32_t i = 0; i < state->n_steks; i++) {
        order->place[order->n] = i;
        order->n++;
    }
}

/* The root or STEK itself, by which two keys are the same. */
static const void *key_source(const struct chain_slot *state, uint32_t place, size_t *n)
{
    if (state->is_static != 0) {
        *n = sizeof state->steks[place];
        return &state->steks[place];
    }
    *n = DERIVE_ROOT_LEN;
    return segment_rings(state)->roots[place].root;
}

/* For a static key, the place in the list, no end, and fleet time as it is. */
static void write_entry(const struct writing *w, uint32_t key)
{
    const size_t entry = SEGMENT_ENTRIES + (size_t)key * SEGMENT_ENTRY_WORDS;
    const uint32_t place = w->order.place[key];
    uint64_t epoch = place;
    int64_t opens_until_ms = INT64_MAX;
    int64_t base_ms = 0;

    if (w->state->is_static == 0) {
        const struct rings *const rings = segment_rings(w->state);

        epoch = rings->roots[place].epoch;
        opens_until_ms = rings->roots[place].opens_until_ms;
        base_ms = rings->ring[rings->roots[place].ring].genesis_ms;
    }
    put(w->words, entry, epoch);
    put(w->words, entry + 1, (uint64_t)opens_until_ms);
    put(w->words, entry + 2, (uint64_t)base_ms);
}

static unsigned sealing_key(const struct writing *w)
{
    const struct rings *const rings = segment_rings(w->state);
    unsigned key = 0;

    while (w->state->is_static == 0 && key < w->order.n &&
           (rings->roots[w->order.place[key]].ring != rings->sealing ||
            rings->roots[w->order.place[key]].epoch != rings->ring[rings->sealing].epoch)) {
        key++;
    }
    return key;
}

/* Without a ring, that is, with static keys, its words are zeroes. */
static void write_head(const struct writing *w)
{
    const struct rings *const rings = segment_rings(w->state);
    const struct ring *const ring = &rings->ring[rings->sealing];

    put_bytes(w->words, SEGMENT_RING_ID, ring->id, 2);
    put(w->words, SEGMENT_GENESIS, (uint64_t)ring->genesis_ms);
    put(w->words, SEGMENT_ROTATE, (uint64_t)rings->rotate_ms);
    put(w->words, SEGMENT_ACCEPT, (uint64_t)rings->accept_ms);
    put(w->words, SEGMENT_EPOCH, ring->epoch);
    put(w->words, SEGMENT_IS_STATIC, w->state->is_static);
    put(w->words, SEGMENT_N_KEYS, w->order.n);
    put(w->words, SEGMENT_N_DOMAINS, w->state->n_domains);
    put(w->words, SEGMENT_SEALING, sealing_key(w));
    for (uint32_t i = 0; i < w->order.n; i++) {
        write_entry(w, i);
    }
}

static void copy_pair(const struct writing *w, size_t to, size_t from)
{
    const struct segment_layout *const layout = w->layout;

    copy_words(w, layout->names + to * SEGMENT_NAME_WORDS,
               layout->names + from * SEGMENT_NAME_WORDS, SEGMENT_NAME_WORDS);
    copy_words(w, layout->tags + to, layout->tags + from, 1);
    copy_words(w, layout->secrets + to * SEGMENT_SECRET_WORDS,
               layout->secrets + from * SEGMENT_SECRET_WORDS, SEGMENT_SECRET_WORDS);
}

static enum rp_status derive_pair(const struct writing *w, size_t to, unsigned domain, unsigned key)
{
    const struct chain_slot *const state = w->state;
    const uint32_t place = w->order.place[key];
    const uint8_t *const id = segment_domain(w->layout, state, domain);
    const size_t secrets = w->layout->secrets + to * SEGMENT_SECRET_WORDS;
    struct domain_keys keys;
    uint32_t hint;
    const enum rp_status status =
        state->is_static != 0
            ? derive_static_keys(&state->steks[place], id, &keys)
            : derive_domain_keys(segment_rings(state)->roots[place].root, id, &keys);

    if (status == RP_OK) {
        memcpy(&hint, keys.id_hint, sizeof hint);
        put_bytes(w->words, w->layout->names + to * SEGMENT_NAME_WORDS, keys.stek.name,
                  SEGMENT_NAME_WORDS);
        put(w->words, w->layout->tags + to, hint | (uint64_t)keys.stek.key_len << 32);
        put_bytes(w->words, secrets, keys.stek.aes, 4);
        put_bytes(w->words, secrets + 4, keys.stek.hmac, 4);
        put_bytes(w->words, secrets + 8, keys.record, 4);
        put_bytes(w->words, secrets + 12, keys.id_mac, 4);
    }
    memory_wipe(&keys, sizeof keys);
    return status;
}

/* Names are random: their own bits spread them. Never full, for it has twice the room. */
static void add_to_index(const struct writing *w, size_t place)
{
    const _Atomic uint64_t *const name = &w->words[w->layout->names + place * SEGMENT_NAME_WORDS];
    size_t bucket = (size_t)atomic_load_explicit(name, memory_order_relaxed);

    for (;; bucket++) {
        const size_t at = w->layout->index + (bucket & (w->layout->index_len - 1));

        if (atomic_load_explicit(&w->words[at], memory_order_relaxed) == 0) {
            put(w->words, at, place + 1);
            return;
        }
    }
}

static enum rp_status write_domain(const struct writing *w, unsigned domain)
{
    const size_t first = (size_t)domain * w->layout->max_keys;
    const bool in_base = w->base != NULL && domain < w->base->n_domains;

    put_bytes(w->words, w->layout->domains + (size_t)domain * SEGMENT_DOMAIN_WORDS,
              segment_domain(w->layout, w->state, domain), SEGMENT_DOMAIN_WORDS);
    for (unsigned i = 0; i < w->order.n; i++) {
        if (in_base && w->base_key[i] != NOT_IN_BASE) {
            copy_pair(w, first + i, first + w->base_key[i]);
        } else {
            const enum rp_status status = derive_pair(w, first + i, domain, i);

            if (status != RP_OK) {
                return status;
            }
        }
        if (w->state->is_static == 0) {
            add_to_index(w, first + i);
        }
    }
    return RP_OK;
}

static void find_in_base(struct writing *w)
{
    struct order base = {0};

    if (w->base != NULL && w->base->is_static == w->state->is_static) {
        order_keys(&base, w->base);
    }
    for (uint32_t i = 0; i < w->order.n; i++) {
        size_t n;
        const void *const source = key_source(w->state, w->order.place[i], &n);
        uint32_t j = 0;

        while (j < base.n && memcmp(key_source(w->base, base.place[j], &n), source, n) != 0) {
            j++;
        }
        w->base_key[i] = j < base.n ? j : NOT_IN_BASE;
    }
}

enum rp_status window_write(const struct rp_keyring *keyring, uint64_t generation,
                            const struct chain_slot *state, const struct chain_slot *base)
{
    struct writing w = {.layout = &keyring->layout,
                        .state = state,
                        .base = base,
                        .words = writable_slot(keyring, generation)};

    if (base != NULL) {
        w.from = writable_slot(keyring, atomic_load(&base->generation));
    }
    put(w.words, SEGMENT_SEQ, 0);
    order_keys(&w.order, state);
    find_in_base(&w);
    write_head(&w);
    for (unsigned d = 0; d < state->n_domains; d++) {
        const enum rp_status status = write_domain(&w, d);

        if (status != RP_OK) {
            window_wipe(keyring, generation, state->n_domains);
            return status;
        }
    }
    put(w.words, SEGMENT_SEQ, generation);
    return RP_OK;
}

void window_write_empty(const struct rp_keyring *keyring, uint64_t generation)
{
    put(writable_slot(keyring, generation), SEGMENT_SEQ, generation);
}

void window_publish(const struct rp_keyring *keyring, uint64_t generation)
{
    atomic_store_explicit(&keyring->writable->published, generation, memory_order_release);
}

void window_wipe(const struct rp_keyring *keyring, uint64_t generation, unsigned n_domains)
{
    const struct segment_layout *const layout = &keyring->layout;
    _Atomic uint64_t *const words = writable_slot(keyring, generation);
    const size_t n_pairs = (size_t)n_domains * layout->max_keys;

    put(words, SEGMENT_SEQ, 0);
    put_zeroes(words, layout->index, layout->index_len);
    put_zeroes(words, layout->secrets, n_pairs * SEGMENT_SECRET_WORDS);
    put_zeroes(words, layout->tags, n_pairs);
    put_zeroes(words, layout->names, n_pairs * SEGMENT_NAME_WORDS);
    put_zeroes(words, layout->domains, (size_t)n_domains * SEGMENT_DOMAIN_WORDS);
    put_zeroes(words, SEGMENT_RING_ID, layout->domains - SEGMENT_RING_ID);
}
