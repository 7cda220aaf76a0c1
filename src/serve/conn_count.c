#include "conn_count.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/rand.h>
#include <sodium.h>

#include "memory.h"
#include "reader.h"
#include "writer.h"

#define HASH_BITS 15
#define WINDOW 64 /* places that an address may have, from where it hashes to */
#define LINE 64   /* of the processors' caches */

/* Where IPv4 stands among the networks of IPv6: reserved, so that no client comes from there. */
#define V4_BASE UINT64_C(0x0100ffff00000000)

_Static_assert(CONN_COUNT_ADDRESSES == 1 << HASH_BITS, "the hash finds every place");

struct place {
    _Atomic uint64_t key; /* 0: never used */
    _Atomic uint32_t n;
};

struct part {
    _Alignas(LINE) _Atomic uint32_t n;
    atomic_bool has_addresses;
};

struct table {
    _Alignas(LINE) struct place places[CONN_COUNT_ADDRESSES];
};

struct shared {
    _Alignas(LINE) _Atomic uint32_t n_parts; /* that ever were in use, from the first */
    struct part parts[CONN_COUNT_SLOTS];
};

struct conn_count {
    struct shared *shared;
    struct table *tables; /* one for each part; NULL: addresses are not counted */
    uint8_t hash_key[crypto_shorthash_KEYBYTES]; /* else clients could choose to collide */
};

static uint64_t key_of(const struct network *address)
{
    uint64_t key = 0;
    const unsigned n = address->family == AF_INET ? 4 : 8;

    for (unsigned i = 0; i < n; i++) {
        key = key << 8 | address->bytes[i];
    }
    return (address->family == AF_INET ? V4_BASE + key : key) + 1;
}

static uint32_t home_of(const struct conn_count *count, uint64_t key)
{
    uint8_t message[sizeof key];
    uint8_t hash[crypto_shorthash_BYTES];
    struct writer w = writer_of(message, sizeof message);
    struct reader r;

    writer_u64(&w, key);
    (void)crypto_shorthash(hash, message, sizeof message, count->hash_key);
    r = reader_of(hash, sizeof hash);
    return reader_u32(&r) >> (32 - HASH_BITS);
}

static struct place *place_at(struct table *table, uint32_t home, unsigned i)
{
    return &table->places[(home + i) % CONN_COUNT_ADDRESSES];
}

/* The address's own place in our table, one that is free, or NULL. */
static struct place *find_place(struct table *table, uint32_t home, uint64_t key)
{
    struct place *vacant = NULL;

    for (unsigned i = 0; i < WINDOW; i++) {
        struct place *place = place_at(table, home, i);
        const uint64_t there = atomic_load_explicit(&place->key, memory_order_relaxed);

        if (there == key) {
            return place;
        }
        if (vacant == NULL && atomic_load_explicit(&place->n, memory_order_relaxed) == 0) {
            vacant = place;
        }
        if (there == 0) {
            break;
        }
    }
    if (vacant != NULL) {
        atomic_store(&vacant->key, key);
    }
    return vacant;
}

/* Another worker may be giving the place to another address meanwhile. */
static uint32_t n_of(struct table *table, uint32_t home, uint64_t key)
{
    for (unsigned i = 0; i < WINDOW; i++) {
        struct place *place = place_at(table, home, i);
        const uint64_t there = atomic_load(&place->key);

        if (there == 0) {
            return 0;
        }
        if (there == key) {
            const uint32_t n = atomic_load(&place->n);

            return atomic_load(&place->key) == key ? n : 0;
        }
    }
    return 0;
}

/* Zeroes, shared with whoever is forked from now on, and taken as they are used. */
static void *map_shared(size_t size)
{
    void *p =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return p != MAP_FAILED ? p : NULL;
}

/* Public functions. */

enum rp_status conn_count_new(struct conn_count **out)
{
    struct conn_count *count = memory_new(1, sizeof *count);
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    if (count == NULL) {
        return RP_NO_MEMORY;
    }
    count->shared = map_shared(sizeof *count->shared);
    if (count->shared == NULL) {
        goto done;
    }
    if (RAND_bytes(count->hash_key, sizeof count->hash_key) != 1) {
        status = RP_CRYPTO;
        goto done;
    }
    *out = count;
    count = NULL; /* transferred */
    status = RP_OK;
done:
    conn_count_free(&count);
    return status;
}

enum rp_status conn_count_addresses(struct conn_count *count)
{
    if (count->tables == NULL) {
        count->tables = map_shared(CONN_COUNT_SLOTS * sizeof *count->tables);
    }
    return count->tables != NULL ? RP_OK : RP_NO_MEMORY;
}

void conn_count_free(struct conn_count **out)
{
    struct conn_count *count = *out;

    *out = NULL;
    if (count != NULL) {
        if (count->shared != NULL) {
            (void)munmap(count->shared, sizeof *count->shared);
        }
        if (count->tables != NULL) {
            (void)munmap(count->tables, CONN_COUNT_SLOTS * sizeof *count->tables);
        }
        memory_free(count);
    }
}

void conn_count_begin(struct conn_count *count, unsigned slot)
{
    conn_count_end(count, slot);
    if (atomic_load(&count->shared->n_parts) <= slot) {
        atomic_store(&count->shared->n_parts, slot + 1);
    }
}

void conn_count_end(struct conn_count *count, unsigned slot)
{
    struct part *part = &count->shared->parts[slot];

    atomic_store(&part->n, 0);
    /* A worker that is not ours any more could say so where there is no table. */
    if (count->tables != NULL && atomic_load(&part->has_addresses)) {
        struct place *places = count->tables[slot].places;

        for (size_t i = 0; i < CONN_COUNT_ADDRESSES; i++) {
            atomic_store_explicit(&places[i].n, 0, memory_order_relaxed);
            atomic_store_explicit(&places[i].key, 0, memory_order_relaxed);
        }
        atomic_store(&part->has_addresses, false);
    }
}

bool conn_count_enter(struct conn_count *count, unsigned slot, unsigned max)
{
    struct shared *shared = count->shared;
    const uint32_t n_parts = atomic_load(&shared->n_parts);
    uint64_t n = 0;

    (void)atomic_fetch_add(&shared->parts[slot].n, 1);
    for (uint32_t i = 0; i < n_parts && i < CONN_COUNT_SLOTS; i++) {
        n += atomic_load(&shared->parts[i].n);
    }
    if (n > max) {
        conn_count_leave(count, slot);
        return false;
    }
    return true;
}

void conn_count_leave(struct conn_count *count, unsigned slot)
{
    (void)atomic_fetch_sub(&count->shared->parts[slot].n, 1);
}

bool conn_count_enter_address(struct conn_count *count, unsigned slot,
                              const struct network *address, unsigned max, uint32_t *place)
{
    struct shared *shared = count->shared;
    struct part *part = &shared->parts[slot];
    const uint32_t n_parts = atomic_load(&shared->n_parts);
    const uint64_t key = key_of(address);
    const uint32_t home = home_of(count, key);
    struct place *own;
    uint64_t n = 0;

    *place = 0;
    if (count->tables == NULL) {
        return true;
    }
    if (!atomic_load_explicit(&part->has_addresses, memory_order_relaxed)) {
        atomic_store(&part->has_addresses, true);
    }
    own = find_place(&count->tables[slot], home, key);
    if (own == NULL) {
        return true;
    }
    (void)atomic_fetch_add(&own->n, 1);
    for (uint32_t i = 0; i < n_parts && i < CONN_COUNT_SLOTS; i++) {
        if (atomic_load(&shared->parts[i].has_addresses)) {
            n += n_of(&count->tables[i], home, key);
        }
    }
    if (n > max) {
        (void)atomic_fetch_sub(&own->n, 1);
        return false;
    }
    *place = (uint32_t)(own - count->tables[slot].places) + 1;
    return true;
}

void conn_count_leave_address(struct conn_count *count, unsigned slot, uint32_t place)
{
    if (place != 0) {
        (void)atomic_fetch_sub(&count->tables[slot].places[place - 1].n, 1);
    }
}
