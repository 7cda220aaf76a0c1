#include "rings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "rings_kit.h"

#define ROTATE 1000
#define ACCEPT 4500 /* no multiple, so keys expire within an epoch */
#define MAX_ROOTS 32
#define HOUR 3600000

static struct rings *rings_new(unsigned max_roots)
{
    struct rings *const r = memory_new(1, rings_size(max_roots));

    assert_non_null(r);
    r->max_roots = max_roots;
    return r;
}

static struct rings *begun(int64_t genesis_ms)
{
    struct rings *const r = rings_new(MAX_ROOTS);

    assert_int_equal(rings_begin(r, RINGS_RANK_FOUNDED, genesis_ms, ROTATE, ACCEPT), RP_OK);
    return r;
}

static void advance(struct rings *r, int64_t fleet_ms)
{
    assert_false(rings_lost(r, fleet_ms));
    assert_int_equal(rings_advance(r, fleet_ms), RP_OK);
}

static const struct ring_root *root_of(const struct rings *r, unsigned place, uint64_t epoch)
{
    for (unsigned i = 0; i < r->n_roots; i++) {
        if (r->roots[i].ring == place && r->roots[i].epoch == epoch) {
            return &r->roots[i];
        }
    }
    return NULL;
}

static unsigned count_roots(const struct rings *r, unsigned place)
{
    unsigned n = 0;

    for (unsigned i = 0; i < r->n_roots; i++) {
        n += r->roots[i].ring == place ? 1 : 0;
    }
    return n;
}

/* What holds of every state. */
static void assert_sound(const struct rings *r)
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
static void assert_same_roots(const struct rings *a, const struct rings *b, const uint8_t *id)
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

static void begins(void **state)
{
    struct rings *r = rings_new(MAX_ROOTS);
    uint8_t id[RATCHET_ID_LEN];

    (void)state;
    memset(r->roots, 0xee, MAX_ROOTS * sizeof r->roots[0]);
    assert_int_equal(rings_begin(r, RINGS_RANK_ALONE, -5000, ROTATE, ACCEPT), RP_OK);
    assert_sound(r);
    assert_int_equal(r->n, 1);
    assert_int_equal(r->n_roots, 2);
    assert_int_equal(r->lead, 1);
    assert_int_equal(r->ring[0].epoch, 0);
    assert_int_equal(rings_rank(r->ring[0].id), RINGS_RANK_ALONE);
    assert_non_null(root_of(r, 0, 0));
    assert_non_null(root_of(r, 0, 1));
    assert_int_equal(rings_next_ms(r), -4000);
    memcpy(id, r->ring[0].id, sizeof id);
    assert_int_equal(rings_begin(r, RINGS_RANK_FOUNDED, 0, ROTATE, ACCEPT), RP_OK);
    assert_sound(r);
    assert_int_equal(rings_rank(r->ring[0].id), RINGS_RANK_FOUNDED);
    assert_true(rings_compare(r->ring[0].id, id) < 0);
    assert_int_equal(rings_find(r, id), -1);
    memory_free(r);
}

static void steps_and_expires(void **state)
{
    struct rings *r = begun(0);

    (void)state;
    for (int64_t now = 0; now < 20000; now = rings_next_ms(r)) {
        advance(r, now);
        assert_sound(r);
        assert_int_equal(r->ring[0].epoch, now / ROTATE);
        assert_non_null(root_of(r, 0, r->ring[0].epoch));
        assert_non_null(root_of(r, 0, r->ring[0].epoch + 1));
        assert_null(root_of(r, 0, r->ring[0].epoch + 2));
        assert_true(r->roots[r->n_roots - 1].opens_until_ms > now);
        assert_true(rings_next_ms(r) > now);
        assert_true(r->n_roots <= 7);
    }
    assert_int_equal(r->n_roots, 6);
    memory_free(r);
}

static void never_steps_back(void **state)
{
    struct rings *r = begun(0);
    struct rings *const before = rings_new(MAX_ROOTS);

    (void)state;
    advance(r, 7200);
    memcpy(before, r, rings_size(MAX_ROOTS));
    advance(r, 100);
    assert_memory_equal(r, before, rings_size(MAX_ROOTS));
    memory_free(before);
    memory_free(r);
}

static void a_jump_gives_the_same_as_steps(void **state)
{
    struct rings *r = begun(0);
    struct rings *const jumps = rings_new(MAX_ROOTS);

    (void)state;
    memcpy(jumps, r, rings_size(MAX_ROOTS));
    for (int64_t now = 0; now <= 300000; now += 700) {
        advance(r, now);
    }
    advance(jumps, 299600);
    advance(r, 299600);
    assert_memory_equal(r, jumps, rings_size(MAX_ROOTS));
    assert_sound(jumps);
    memory_free(jumps);
    memory_free(r);
}

static void a_seed_waits_for_its_genesis(void **state)
{
    struct rings *r = begun(0);
    unsigned place = 9;

    (void)state;
    advance(r, 2500);
    assert_int_equal(rings_seed(r, RINGS_RANK_FOUNDED - 1, 5000, &place), RP_OK);
    assert_sound(r);
    assert_int_equal(place, 1);
    assert_int_equal(r->sealing, 0);
    assert_int_equal(r->ring[1].sealed_until_ms, INT64_MIN);
    assert_true(rings_compare(r->ring[1].id, r->ring[0].id) < 0);
    assert_int_equal(rings_time(r, 1, 2500), -2500);
    assert_int_equal(count_roots(r, 1), 2);
    advance(r, 4900);
    assert_int_equal(r->ring[1].epoch, 0);
    assert_int_equal(count_roots(r, 1), 2);
    advance(r, 6000);
    assert_int_equal(r->ring[0].epoch, 6);
    assert_int_equal(r->ring[1].epoch, 1);
    rings_seal_by(r, 1, 6000);
    assert_sound(r);
    assert_int_equal(r->ring[0].sealed_until_ms, 6000);
    memory_free(r);
}

static void a_late_seed_steps_to_now(void **state)
{
    struct rings *r = begun(0);
    unsigned place;

    (void)state;
    assert_int_equal(rings_seed(r, 1, -50000, &place), RP_OK);
    advance(r, 0);
    assert_int_equal(r->ring[place].epoch, 50);
    assert_sound(r);
    memory_free(r);
}

static void a_ring_is_taken_up_whole(void **state)
{
    struct rings *a = begun(0);
    struct rings *b = begun(-777);

    (void)state;
    advance(a, 20000);
    advance(b, HOUR + 20000);
    assert_int_equal(rings_kit_take_up(b, a, 0, HOUR, HOUR + 20000), RP_OK);
    assert_sound(b);
    assert_int_equal(b->n, 2);
    assert_int_equal(b->sealing, 0);
    assert_true(b->ring[1].held);
    assert_int_equal(b->ring[1].epoch, 20);
    assert_int_equal(count_roots(b, 1), a->n_roots);
    assert_same_roots(a, b, a->ring[0].id);
    assert_memory_equal(a->ring[0].chain, b->ring[1].chain, RATCHET_LEN);
    rings_seal_by(b, 1, HOUR + 20000);
    rings_drop(b, 0);
    advance(b, HOUR + 40000);
    advance(a, 40000);
    assert_sound(b);
    assert_int_equal(b->n, 1);
    assert_int_equal(b->sealing, 0);
    assert_int_equal(b->ring[0].epoch, 40);
    assert_same_roots(a, b, a->ring[0].id);
    memory_free(a);
    memory_free(b);
}

static void an_older_state_is_stepped_to_now(void **state)
{
    struct rings *a = begun(0);
    struct rings *b = begun(0);

    (void)state;
    advance(a, 20000);
    assert_int_equal(rings_kit_take_up(b, a, 0, 0, 23400), RP_OK);
    assert_sound(b);
    assert_int_equal(b->ring[1].epoch, 23);
    assert_null(root_of(b, 1, 17));
    assert_non_null(root_of(b, 1, 18));
    advance(a, 23400);
    assert_same_roots(a, b, a->ring[0].id);
    assert_int_equal(count_roots(b, 1), a->n_roots);
    memory_free(a);
    memory_free(b);
}

static void twice_is_once(void **state)
{
    struct rings *a = begun(0);
    struct rings *b = begun(0);
    struct rings *const before = rings_new(MAX_ROOTS);

    (void)state;
    advance(a, 9000);
    assert_int_equal(rings_kit_take_up(b, a, 0, 0, 9000), RP_OK);
    memcpy(before, b, rings_size(MAX_ROOTS));
    assert_int_equal(rings_kit_take_up(b, a, 0, 0, 9000), RP_OK);
    assert_memory_equal(b, before, rings_size(MAX_ROOTS));
    /* What is held has its own course, whatever another says. */
    advance(a, 15000);
    assert_int_equal(rings_kit_take_up(b, a, 0, 500, 9000), RP_OK);
    assert_memory_equal(b, before, rings_size(MAX_ROOTS));
    memory_free(before);
    memory_free(a);
    memory_free(b);
}

static void a_missing_past_comes_later(void **state)
{
    struct rings *a = begun(0);
    struct rings *b = begun(0);
    struct rings_kit_export out;

    (void)state;
    advance(a, 9000);
    rings_kit_export(a, 0, 0, &out);
    out.in.n_roots = 0;
    assert_int_equal(rings_take_up(b, &out.in, 9000), RP_OK);
    assert_sound(b);
    assert_int_equal(count_roots(b, 1), 1);
    assert_int_equal(rings_kit_take_up(b, a, 0, 0, 9000), RP_OK);
    assert_sound(b);
    assert_int_equal(count_roots(b, 1), a->n_roots);
    assert_same_roots(a, b, a->ring[0].id);
    memory_free(a);
    memory_free(b);
}

static void roots_alone_open_until_they_expire(void **state)
{
    struct rings *a = begun(0);
    struct rings *b = begun(-100000);
    struct rings_kit_export out;
    uint8_t id[RATCHET_ID_LEN];

    (void)state;
    advance(a, 9000);
    advance(b, 9000);
    memcpy(id, a->ring[0].id, sizeof id);
    rings_kit_export(a, 0, 0, &out);
    out.in.chain = NULL;
    assert_int_equal(rings_take_up(b, &out.in, 9600), RP_OK);
    assert_sound(b);
    assert_false(b->ring[1].held);
    assert_int_equal(count_roots(b, 1), 6); /* 5 to 10 */
    advance(b, 11000);
    assert_int_equal(count_roots(b, 1), 5);
    assert_int_equal(b->ring[1].epoch, 9);
    advance(b, 15499);
    assert_int_equal(rings_find(b, id), 1);
    advance(b, 15500);
    assert_int_equal(rings_find(b, id), -1);
    assert_sound(b);
    memory_free(a);
    memory_free(b);
}

static void a_chain_for_roots(void **state)
{
    struct rings *a = begun(0);
    struct rings *b = begun(0);
    struct rings_kit_export out;

    (void)state;
    advance(a, 9000);
    rings_kit_export(a, 0, 0, &out);
    out.in.chain = NULL;
    assert_int_equal(rings_take_up(b, &out.in, 9000), RP_OK);
    advance(a, 12000);
    rings_kit_export(a, 0, 40, &out);
    out.in.n_roots = 0;
    assert_int_equal(rings_take_up(b, &out.in, 12040), RP_OK);
    assert_sound(b);
    assert_true(b->ring[1].held);
    assert_int_equal(b->ring[1].genesis_ms, 40);
    assert_non_null(root_of(b, 1, 13));
    assert_null(root_of(b, 1, 12)); /* between what was given and what can be derived */
    assert_non_null(root_of(b, 1, 10));
    assert_same_roots(a, b, a->ring[0].id);
    memory_free(a);
    memory_free(b);
}

static void a_dropped_ring_comes_back_in_no_earlier_epoch(void **state)
{
    struct rings *a = begun(0);
    struct rings *b = begun(0);
    struct rings_kit_export old;

    (void)state;
    advance(a, 9000);
    rings_kit_export(a, 0, 0, &old);
    assert_int_equal(rings_kit_take_up(b, a, 0, 0, 12000), RP_OK);
    rings_drop(b, 1);
    assert_sound(b);
    assert_int_equal(b->ring[1].epoch, 12);
    assert_int_equal(rings_take_up(b, &old.in, 9000), RP_OK);
    assert_sound(b);
    assert_int_equal(b->ring[1].epoch, 12);
    advance(a, 12000);
    assert_memory_equal(b->ring[1].chain, a->ring[0].chain, RATCHET_LEN);
    memory_free(a);
    memory_free(b);
}

static void nothing_of_use_is_not_taken_up(void **state)
{
    struct rings *a = begun(0);
    struct rings *b = begun(0);
    struct rings_kit_export out;

    (void)state;
    advance(a, 9000);
    rings_kit_export(a, 0, 0, &out);
    out.in.chain = NULL;
    assert_int_equal(rings_take_up(b, &out.in, 15500), RP_OK);
    assert_int_equal(b->n, 1);
    out.in.n_roots = 0;
    assert_int_equal(rings_take_up(b, &out.in, 9000), RP_OK);
    assert_int_equal(b->n, 1);
    assert_sound(b);
    memory_free(a);
    memory_free(b);
}

static void the_impossible_is_refused(void **state)
{
    struct rings *a = begun(0);
    struct rings *b = begun(0);
    struct rings *const before = rings_new(MAX_ROOTS);
    struct rings_kit_export out;
    struct rings_import in;

    (void)state;
    memcpy(before, b, rings_size(MAX_ROOTS));
    advance(a, 9000);
    rings_kit_export(a, 0, 0, &out);
    in = out.in;
    in.first++; /* beyond the epoch after */
    assert_int_equal(rings_take_up(b, &in, 9000), RP_INVALID);
    in.first = UINT64_MAX;
    assert_int_equal(rings_take_up(b, &in, 9000), RP_INVALID);
    in = out.in;
    in.n_roots = SIZE_MAX;
    assert_int_equal(rings_take_up(b, &in, 9000), RP_INVALID);
    in = out.in;
    in.epoch = 9 + RINGS_GAP_MAX + 1;
    assert_int_equal(rings_take_up(b, &in, 9000), RP_INVALID);
    in.epoch = UINT64_MAX;
    assert_int_equal(rings_take_up(b, &in, 9000), RP_INVALID);
    in = out.in;
    assert_int_equal(rings_take_up(b, &in, (10 + (int64_t)RINGS_GAP_MAX) * ROTATE), RP_INVALID);
    in.genesis_ms = INT64_MIN;
    assert_int_equal(rings_take_up(b, &in, 9000), RP_INVALID);
    in.genesis_ms = INT64_MAX;
    assert_int_equal(rings_take_up(b, &in, 9000), RP_INVALID);
    assert_int_equal(rings_take_up(b, &in, -9000), RP_INVALID);
    assert_memory_equal(b, before, rings_size(MAX_ROOTS));
    memory_free(before);
    memory_free(a);
    memory_free(b);
}

static void a_bounded_number_is_held(void **state)
{
    struct rings *r = begun(0);
    struct rings *other = begun(0);
    struct rings_kit_export out;
    unsigned place;

    (void)state;
    for (unsigned i = 1; i < RINGS_HELD_MAX; i++) {
        assert_int_equal(rings_seed(r, i, 0, &place), RP_OK);
    }
    assert_int_equal(rings_seed(r, 77, 0, &place), RP_FULL);
    assert_int_equal(rings_kit_take_up(r, other, 0, 0, 0), RP_FULL);
    for (unsigned i = RINGS_HELD_MAX; i < RINGS_MAX; i++) {
        other->ring[0].id[0] = (uint8_t)i;
        rings_kit_export(other, 0, 0, &out);
        out.in.chain = NULL;
        assert_int_equal(rings_take_up(r, &out.in, 0), RP_OK);
    }
    assert_int_equal(r->n, RINGS_MAX);
    assert_sound(r);
    other->ring[0].id[0] = 0xee;
    assert_int_equal(rings_take_up(r, &out.in, 0), RP_FULL);
    rings_forget(r, 1);
    assert_int_equal(rings_kit_take_up(r, other, 0, 0, 0), RP_OK);
    assert_sound(r);
    memory_free(r);
    memory_free(other);
}

static void a_ring_is_forgotten_with_its_roots(void **state)
{
    struct rings *r = begun(0);
    uint8_t ids[3][RATCHET_ID_LEN];
    unsigned place;

    (void)state;
    assert_int_equal(rings_seed(r, 5, 0, &place), RP_OK);
    assert_int_equal(rings_seed(r, 4, 0, &place), RP_OK);
    rings_seal_by(r, 2, 100);
    for (unsigned i = 0; i < 3; i++) {
        memcpy(ids[i], r->ring[i].id, sizeof ids[i]);
    }
    rings_forget(r, 1);
    assert_sound(r);
    assert_int_equal(r->n, 2);
    assert_int_equal(r->n_roots, 4);
    assert_int_equal(rings_find(r, ids[1]), -1);
    assert_int_equal(rings_find(r, ids[2]), 1);
    assert_int_equal(r->sealing, 1);
    memory_free(r);
}

static void several_rings_advance_each_by_its_own_genesis(void **state)
{
    struct rings *r = begun(0);
    unsigned place;

    (void)state;
    assert_int_equal(rings_seed(r, 3, 300, &place), RP_OK);
    assert_int_equal(rings_seed(r, 2, 700, &place), RP_OK);
    for (int64_t now = 0; now < 12000; now = rings_next_ms(r)) {
        advance(r, now);
        assert_sound(r);
        for (unsigned i = 0; i < r->n; i++) {
            const int64_t time_ms = rings_time(r, i, now);

            assert_int_equal(r->ring[i].epoch, time_ms > 0 ? time_ms / ROTATE : 0);
            assert_non_null(root_of(r, i, r->ring[i].epoch));
            assert_non_null(root_of(r, i, r->ring[i].epoch + 1));
        }
    }
    memory_free(r);
}

static void lead_opens_epochs_ahead(void **state)
{
    struct rings *r = begun(0);
    struct rings *plain = rings_new(MAX_ROOTS);

    (void)state;
    memcpy(plain, r, rings_size(MAX_ROOTS));
    for (unsigned i = 0; i < 60; i++) {
        r->lead = 1 + (i * 7 % 13) % RINGS_LEAD_MAX;
        advance(r, i * 400);
        advance(plain, i * 400);
        assert_sound(r);
        assert_int_equal(r->roots[0].epoch, r->ring[0].epoch + r->lead);
        assert_int_equal(r->n_roots, plain->n_roots + r->lead - 1);
        assert_memory_equal(r->ring[0].chain, plain->ring[0].chain, RATCHET_LEN);
        assert_same_roots(r, plain, r->ring[0].id);
        assert_memory_equal(&r->roots[r->lead - 1], plain->roots,
                            plain->n_roots * sizeof plain->roots[0]);
    }
    r->lead = RINGS_LEAD_MAX;
    advance(r, 24000);
    advance(plain, 24000 + RINGS_LEAD_MAX * ROTATE);
    assert_memory_equal(root_of(r, 0, 24 + RINGS_LEAD_MAX), root_of(plain, 0, 24 + RINGS_LEAD_MAX),
                        sizeof plain->roots[0]);
    memory_free(plain);
    memory_free(r);
}

static void after_a_far_jump_it_is_lost(void **state)
{
    struct rings *r = begun(0);

    (void)state;
    assert_false(rings_lost(r, (int64_t)RINGS_GAP_MAX * ROTATE));
    assert_true(rings_lost(r, ((int64_t)RINGS_GAP_MAX + 1) * ROTATE));
    assert_true(rings_lost(r, INT64_MAX));
    assert_false(rings_lost(r, INT64_MIN));
    advance(r, 100000 * (int64_t)ROTATE);
    assert_int_equal(r->ring[0].epoch, 100000);
    assert_sound(r);
    memory_free(r);
}

static void times_saturate(void **state)
{
    struct rings *r = begun(INT64_MIN);

    (void)state;
    assert_int_equal(rings_time(r, 0, 5), INT64_MAX);
    assert_true(rings_lost(r, 5));
    assert_int_equal(rings_begin(r, 1, INT64_MAX, ROTATE, ACCEPT), RP_OK);
    assert_int_equal(rings_time(r, 0, -5), INT64_MIN);
    assert_false(rings_lost(r, -5));
    advance(r, -5);
    assert_int_equal(rings_next_ms(r), INT64_MAX);
    assert_int_equal(rings_begin(r, 1, 0, INT64_MAX / 2, INT64_MAX / 2), RP_OK);
    assert_int_equal(rings_next_ms(r), INT64_MAX / 2);
    advance(r, INT64_MAX - 1);
    assert_int_equal(r->ring[0].epoch, 2);
    memory_free(r);
}

static void without_room_the_shortest_lived_root_goes(void **state)
{
    struct rings *r = rings_new(12);
    struct rings *other = begun(0);
    unsigned place;

    (void)state;
    assert_int_equal(rings_begin(r, 9, 0, ROTATE, ACCEPT), RP_OK);
    assert_int_equal(rings_seed(r, 8, 0, &place), RP_OK);
    for (int64_t now = 0; now < 30000; now += 500) {
        advance(r, now);
        assert_sound(r);
        assert_int_equal(count_roots(r, 0), now / ROTATE < 4    ? now / ROTATE + 2
                                            : now % ROTATE == 0 ? 7 - (now / ROTATE == 4)
                                                                : 6);
        assert_non_null(root_of(r, 1, r->ring[1].epoch));
        assert_non_null(root_of(r, 1, r->ring[1].epoch + 1));
    }
    assert_int_equal(count_roots(r, 1), 5);
    advance(other, 30000);
    assert_int_equal(rings_kit_take_up(r, other, 0, 0, 30000), RP_OK);
    assert_sound(r);
    advance(r, 30000);
    assert_sound(r);
    assert_int_equal(count_roots(r, 0), 7);
    assert_non_null(root_of(r, 2, 31));
    memory_free(other);
    memory_free(r);
}

/* A small generator: the same numbers each run. */
static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % below;
}

static void hosts_with_other_clocks_derive_the_same(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 40; round++) {
        uint32_t seed = round;
        const int64_t base = (int64_t)draw(&seed, 1 << 24) * 1000 - (1LL << 33);
        struct rings *a = begun(draw(&seed, 5000));
        struct rings *b = begun(base - draw(&seed, 5000));
        int64_t now = draw(&seed, 100000);

        advance(a, now);
        advance(b, now + base);
        assert_int_equal(rings_kit_take_up(b, a, 0, base, now + base), RP_OK);
        for (int i = 0; i < 50; i++) {
            now += draw(&seed, 6000);
            a->lead = 1 + draw(&seed, RINGS_LEAD_MAX);
            b->lead = 1 + draw(&seed, RINGS_LEAD_MAX);
            advance(a, now + draw(&seed, 300));
            advance(b, now + base - draw(&seed, 300));
            assert_sound(a);
            assert_sound(b);
            assert_same_roots(a, b, a->ring[0].id);
        }
        memory_free(a);
        memory_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins),
        cmocka_unit_test(steps_and_expires),
        cmocka_unit_test(never_steps_back),
        cmocka_unit_test(a_jump_gives_the_same_as_steps),
        cmocka_unit_test(a_seed_waits_for_its_genesis),
        cmocka_unit_test(a_late_seed_steps_to_now),
        cmocka_unit_test(a_ring_is_taken_up_whole),
        cmocka_unit_test(an_older_state_is_stepped_to_now),
        cmocka_unit_test(twice_is_once),
        cmocka_unit_test(a_missing_past_comes_later),
        cmocka_unit_test(roots_alone_open_until_they_expire),
        cmocka_unit_test(a_chain_for_roots),
        cmocka_unit_test(a_dropped_ring_comes_back_in_no_earlier_epoch),
        cmocka_unit_test(nothing_of_use_is_not_taken_up),
        cmocka_unit_test(the_impossible_is_refused),
        cmocka_unit_test(a_bounded_number_is_held),
        cmocka_unit_test(a_ring_is_forgotten_with_its_roots),
        cmocka_unit_test(several_rings_advance_each_by_its_own_genesis),
        cmocka_unit_test(lead_opens_epochs_ahead),
        cmocka_unit_test(after_a_far_jump_it_is_lost),
        cmocka_unit_test(times_saturate),
        cmocka_unit_test(without_room_the_shortest_lived_root_goes),
        cmocka_unit_test(hosts_with_other_clocks_derive_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
