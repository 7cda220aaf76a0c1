#include "rings_fixture.h"

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
