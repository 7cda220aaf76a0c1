/* What the tests of rings alone share. */
#ifndef RINGS_FIXTURE_H
#define RINGS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "rings_kit.h"

#define ROTATE 1000
#define ACCEPT 4500 /* no multiple, so keys expire within an epoch */
#define MAX_ROOTS 32

static inline struct rings *rings_new(unsigned max_roots)
{
    struct rings *const r = memory_new(1, rings_size(max_roots));

    assert_non_null(r);
    r->max_roots = max_roots;
    return r;
}

static inline struct rings *begun(int64_t genesis_ms)
{
    struct rings *const r = rings_new(MAX_ROOTS);

    assert_int_equal(rings_begin(r, RINGS_RANK_FOUNDED, genesis_ms, ROTATE, ACCEPT), RP_OK);
    return r;
}

static inline void advance(struct rings *r, int64_t fleet_ms)
{
    assert_false(rings_lost(r, fleet_ms));
    assert_int_equal(rings_advance(r, fleet_ms), RP_OK);
}

static inline const struct ring_root *root_of(const struct rings *r, unsigned place, uint64_t epoch)
{
    for (unsigned i = 0; i < r->n_roots; i++) {
        if (r->roots[i].ring == place && r->roots[i].epoch == epoch) {
            return &r->roots[i];
        }
    }
    return NULL;
}

static inline unsigned count_roots(const struct rings *r, unsigned place)
{
    unsigned n = 0;

    for (unsigned i = 0; i < r->n_roots; i++) {
        n += r->roots[i].ring == place ? 1 : 0;
    }
    return n;
}

/* What holds of every state. */
static inline void assert_sound(const struct rings *r)
{
    static const uint8_t zero[sizeof(struct ring_root)];

    assert_true(r->n >= 1 && r->n <= RINGS_MAX && r->sealing < r->n);
    assert_true(r->ring[r->sealing].held && r->n_roots <= r->max_roots);
    for (unsigned i = 0; i < r->n; i++) {
        const bool seals = r->ring[i].sealed_until_ms == INT64_MAX;

        assert_true(seals == (i == r->sealing));
        assert_int_equal(rings_find(r, r->ring[i].id), i);
        if (!r->ring[i].held) {
            assert_memory_equal(r->ring[i].chain, zero, RATCHET_LEN);
        }
    }
    for (unsigned i = 0; i < r->n_roots; i++) {
        const struct ring_root *const root = &r->roots[i];
        const struct ring *const ring = &r->ring[root->ring];

        assert_true(root->ring < r->n);
        assert_int_equal(root->opens_until_ms, ring->genesis_ms +
                                                   (int64_t)(root->epoch + 1) * r->rotate_ms +
                                                   r->accept_ms);
        if (i != 0) {
            assert_true(root->ring > root[-1].ring ||
                        (root->ring == root[-1].ring && root->epoch < root[-1].epoch));
        }
    }
    for (unsigned i = r->n_roots; i < r->max_roots; i++) {
        assert_memory_equal(&r->roots[i], zero, sizeof zero);
    }
}

/* Every root that both hold of that ring is the same. */
static inline void assert_same_roots(const struct rings *a, const struct rings *b,
                                     const uint8_t *id)
{
    const int in_a = rings_find(a, id);
    const int in_b = rings_find(b, id);
    unsigned n_common = 0;

    assert_true(in_a >= 0 && in_b >= 0);
    for (unsigned i = 0; i < a->n_roots; i++) {
        const struct ring_root *const other = root_of(b, (unsigned)in_b, a->roots[i].epoch);

        if (a->roots[i].ring == (unsigned)in_a && other != NULL) {
            assert_memory_equal(a->roots[i].root, other->root, DERIVE_ROOT_LEN);
            n_common++;
        }
    }
    assert_true(n_common != 0);
}

#endif
