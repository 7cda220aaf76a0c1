/*
 * The two segments of secret memory, as laid out in docs/formats/keyring.md, and a process's hold
 * on them. Private to the keyring.
 */
#ifndef SEGMENT_H
#define SEGMENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <reprise/keyring.h>

#include "derive.h"
#include "rings.h"
#include "secret.h"
#include "static_keys.h"

#define SEGMENT_MAGIC "rp windo" /* 8 bytes, without the NUL */
#define SEGMENT_VERSION 3
#define SEGMENT_SLOTS 3
/* Of rings that follow each other fast: the epochs ahead of those that are held beside two, and for
 * each one the epochs around its beginning and end. */
#define SEGMENT_OVERLAP ((RINGS_HELD_MAX - 2) * (RINGS_LEAD_MAX + 1) + 2 * RINGS_MAX)
#define SEGMENT_RATIO_MAX 255 /* of accept to rotate */
/* The epochs ahead, the current one and the past, of two rings; and what more of them overlap by.
 */
#define SEGMENT_KEYS_MAX (2 * (RINGS_LEAD_MAX + 1 + SEGMENT_RATIO_MAX) + SEGMENT_OVERLAP)
#define SEGMENT_DOMAINS_MAX 4096

/* At offset 0 of the window. */
struct segment_header {
    uint8_t magic[8];
    uint32_t version;
    uint32_t header_len;
    uint64_t window_len;
    uint64_t chain_len;
    uint32_t max_keys;
    uint32_t max_domains;
    uint8_t unused[24];
    _Atomic uint64_t published;
    _Atomic int64_t offset_ms;
    uint8_t unused_too[48];
};

/* The words of a window slot; the arrays follow, at the offsets of struct segment_layout. */
enum segment_word {
    SEGMENT_SEQ,
    SEGMENT_RING_ID,
    SEGMENT_GENESIS = SEGMENT_RING_ID + 2,
    SEGMENT_ROTATE,
    SEGMENT_ACCEPT,
    SEGMENT_EPOCH,
    SEGMENT_IS_STATIC,
    SEGMENT_N_KEYS,
    SEGMENT_N_DOMAINS,
    SEGMENT_SEALING,
    SEGMENT_ENTRIES = 16,
};

/* How many words one of each array takes. */
#define SEGMENT_ENTRY_WORDS 3
#define SEGMENT_DOMAIN_WORDS 2
#define SEGMENT_NAME_WORDS 2
#define SEGMENT_SECRET_WORDS 16

/* Word offsets within a window slot, and sizes. Follows from the options alone. */
struct segment_layout {
    unsigned max_keys;
    unsigned max_domains;
    size_t domains;
    size_t names;
    size_t tags;
    size_t secrets;
    size_t index;
    size_t index_len; /* a power of two, at least twice the names */
    size_t slot_words;
    size_t window_len;
    size_t chain_domains; /* byte offset within a chain slot */
    size_t chain_slot_len;
    size_t chain_len;
};

/* The keeper's state at one generation. The rings follow, and then the domains. */
struct chain_slot {
    _Atomic uint64_t generation; /* 0: being written or wiped, or empty */
    uint32_t is_static;          /* the STEKs count, and the rings are zeroes; else the reverse */
    uint32_t n_steks;
    uint32_t n_domains;
    uint32_t unused;
    struct stek steks[STATIC_KEYS_MAX];
};

_Static_assert(sizeof(struct segment_header) == 128, "as documented");
_Static_assert(offsetof(struct segment_header, published) == 64, "as documented");
_Static_assert(offsetof(struct segment_header, offset_ms) == 72, "as documented");
_Static_assert(sizeof(_Atomic uint64_t) == 8 && ATOMIC_LLONG_LOCK_FREE == 2,
               "a reader in another process must find a plain word");
_Static_assert(sizeof(struct ring) == 80 && sizeof(struct ring_root) == 56 &&
                   sizeof(struct rings) == 40 + RINGS_MAX * sizeof(struct ring) &&
                   sizeof(struct stek) == 81,
               "no padding");
_Static_assert(sizeof(struct chain_slot) % 8 == 0, "rings and slots stay aligned");

struct rp_keyring {
    int64_t rotate_ms;
    int64_t accept_ms;
    struct segment_layout layout;
    struct secret window_memory;
    struct secret chain_memory;
    const struct segment_header *window; /* read-only, inherited */
    struct segment_header *writable;     /* the keeper's; valid in the process `keeper` alone */
    uint8_t *chain;                      /* the keeper's */
    uint64_t generation;                 /* the keeper's own count of what it published */
    pid_t keeper;                        /* 0: this process never was */
};

void segment_layout(struct segment_layout *layout, unsigned max_keys, unsigned max_domains);

/* Is this process the keeper? False in its children, which inherit the struct, not the mappings. */
bool segment_is_keeper(const struct rp_keyring *keyring);

static inline const _Atomic uint64_t *segment_slot(const struct segment_layout *layout,
                                                   const struct segment_header *window,
                                                   uint64_t generation)
{
    return (const _Atomic uint64_t *)(window + 1) + generation % SEGMENT_SLOTS * layout->slot_words;
}

static inline struct chain_slot *segment_chain_slot(const struct rp_keyring *keyring,
                                                    uint64_t generation)
{
    return (struct chain_slot *)(void *)(keyring->chain +
                                         generation % 2 * keyring->layout.chain_slot_len);
}

static inline const struct rings *segment_rings(const struct chain_slot *slot)
{
    return (const struct rings *)(const void *)(slot + 1);
}

static inline struct rings *segment_rings_writable(struct chain_slot *slot)
{
    return (struct rings *)(void *)(slot + 1);
}

/* DERIVE_DOMAIN_LEN bytes. */
static inline const uint8_t *segment_domain(const struct segment_layout *layout,
                                            const struct chain_slot *slot, size_t i)
{
    return (const uint8_t *)slot + layout->chain_domains + i * DERIVE_DOMAIN_LEN;
}

static inline unsigned segment_n_keys(const struct chain_slot *slot)
{
    return slot->is_static != 0 ? slot->n_steks : segment_rings(slot)->n_roots;
}

#endif
