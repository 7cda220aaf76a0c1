/* Rings that come from another host. */
#include "rings_fixture.h"

#define HOUR 3600000

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
