#include "fleet_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RESEED_MS (10 * (int64_t)KIT_ROTATE_MS)

/* Half of the hosts start beside the others, each half with a ring of its own. */
static void start_split(struct sim *s)
{
    for (uint32_t i = 1; i < s->options.n_hosts; i += 2) {
        sim_take_side(s, i, 1);
    }
    kit_start_all(s);
    sim_run(s, s->options.rotate_ms);
    assert_int_equal(sim_n_rings(s), 2);
}

static void split(struct sim *s, uint32_t n)
{
    kit_init(s, n, 0);
    start_split(s);
}

static void heal(struct sim *s, uint8_t side)
{
    for (uint32_t i = 0; i < s->options.n_hosts; i++) {
        sim_take_side(s, i, side);
    }
}

static void healed(uint8_t side)
{
    struct sim s;
    uint8_t rings[2][RATCHET_ID_LEN];
    const uint8_t *best;

    split(&s, 6);
    memcpy(rings[0], kit_seals(&s, 0), RATCHET_ID_LEN);
    memcpy(rings[1], kit_seals(&s, 1), RATCHET_ID_LEN);
    best = rings_compare(rings[0], rings[1]) < 0 ? rings[0] : rings[1];
    heal(&s, side);
    assert_in_range(kit_agree(&s, 10 * KIT_PACE_MS), 0, 4 * KIT_PACE_MS);
    for (uint32_t i = 0; i < 6; i++) {
        assert_memory_equal(kit_seals(&s, i), best, RATCHET_ID_LEN);
    }
    sim_run(&s, KIT_PACE_MS);
    for (uint32_t i = 0; i < 6; i++) {
        assert_true(rings_find(s.hosts[i].rings, rings[0]) >= 0);
        assert_true(rings_find(s.hosts[i].rings, rings[1]) >= 0);
    }
    assert_true(kit_all_open(&s));
    sim_fini(&s);
}

static void a_healed_split_comes_to_the_smaller_ring(void **state)
{
    (void)state;
    healed(0);
    healed(1);
}

static void the_loser_is_dropped_two_epochs_after_it_was_used(void **state)
{
    struct sim s;
    uint8_t rings[2][RATCHET_ID_LEN];
    const uint8_t *worst;

    (void)state;
    split(&s, 4);
    memcpy(rings[0], kit_seals(&s, 0), RATCHET_ID_LEN);
    memcpy(rings[1], kit_seals(&s, 1), RATCHET_ID_LEN);
    worst = rings_compare(rings[0], rings[1]) > 0 ? rings[0] : rings[1];
    heal(&s, 0);
    assert_true(kit_agree(&s, 10 * KIT_PACE_MS) >= 0);
    sim_run(&s, 2 * KIT_ROTATE_MS - KIT_PACE_MS);
    assert_int_equal(s.stats.events[FLEET_DROPPED], 0);
    sim_run(&s, 4 * KIT_PACE_MS);
    for (uint32_t i = 0; i < 4; i++) {
        assert_false(kit_holds(&s, i, worst));
        assert_true(rings_find(s.hosts[i].rings, worst) >= 0);
    }
    sim_run(&s, KIT_ACCEPT_MS + 2 * KIT_ROTATE_MS);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(rings_find(s.hosts[i].rings, worst), -1);
    }
    assert_in_range(s.stats.events[FLEET_DROPPED], 2, 4);
    sim_fini(&s);
}

/* A presence may be four paces old, and counts for four more: two epochs may be less than that. */
static void where_epochs_are_short_the_loser_is_kept_for_eight_paces(void **state)
{
    const int64_t rotate_ms = 1000;
    const int64_t pace_ms = 500;
    struct sim s;

    (void)state;
    sim_init(&s, &(struct sim_options){.n_hosts = 4,
                                       .seed = 4,
                                       .rotate_ms = rotate_ms,
                                       .accept_ms = 60 * rotate_ms,
                                       .latency_ms = 2});
    start_split(&s);
    heal(&s, 0);
    assert_true(kit_agree(&s, 10 * pace_ms) >= 0);
    sim_run(&s, 6 * pace_ms);
    assert_int_equal(s.stats.events[FLEET_DROPPED], 0);
    sim_run(&s, 6 * pace_ms);
    assert_in_range(s.stats.events[FLEET_DROPPED], 2, 4);
    sim_fini(&s);
}

/* Who joins while the others still hold a ring that nobody uses gets its roots, not its chain. */
static void a_chain_out_of_use_is_not_handed_on(void **state)
{
    struct sim s;
    uint8_t rings[2][RATCHET_ID_LEN];
    const uint8_t *worst;

    (void)state;
    split(&s, 4);
    memcpy(rings[0], kit_seals(&s, 0), RATCHET_ID_LEN);
    memcpy(rings[1], kit_seals(&s, 1), RATCHET_ID_LEN);
    worst = rings_compare(rings[0], rings[1]) > 0 ? rings[0] : rings[1];
    heal(&s, 0);
    assert_true(kit_agree(&s, 10 * KIT_PACE_MS) >= 0);
    sim_run(&s, KIT_PACE_MS);
    assert_true(kit_holds(&s, 0, worst));
    sim_stop(&s, 3);
    sim_run(&s, 100);
    sim_start(&s, 3, NULL);
    sim_run(&s, KIT_SETTLE_MS);
    assert_true(kit_is_member(&s, 3));
    assert_false(kit_holds(&s, 3, worst));
    assert_true(rings_find(s.hosts[3].rings, worst) >= 0);
    sim_fini(&s);
}

static bool has_next(const struct sim *s, uint32_t host)
{
    const struct rings *const r = s->hosts[host].rings;

    for (uint32_t i = 0; i < r->n; i++) {
        if (rings_compare(r->ring[i].id, r->ring[r->sealing].id) < 0) {
            return true;
        }
    }
    return false;
}

static uint32_t run_until_seeded(struct sim *s)
{
    const uint64_t before = s->stats.events[FLEET_SEEDED];

    while (s->stats.events[FLEET_SEEDED] == before) {
        assert_true(s->now_ms < 3 * RESEED_MS);
        sim_run(s, 5);
    }
    for (uint32_t i = 0; i < s->options.n_hosts; i++) {
        if (s->hosts[i].fleet != NULL && fleet_count(s->hosts[i].fleet, FLEET_SEEDED) != 0) {
            return i;
        }
    }
    fail();
    return 0;
}

static void a_reseed_begins_everywhere_at_its_genesis(void **state)
{
    struct sim s;
    int64_t first_ms = 0;

    (void)state;
    kit_init(&s, 8, RESEED_MS);
    kit_start_all(&s);
    (void)run_until_seeded(&s);
    assert_in_range(s.now_ms, RESEED_MS, RESEED_MS * 12 / 10);
    sim_run(&s, 2 * KIT_PACE_MS);
    assert_int_equal(s.stats.events[FLEET_SEEDED], 1);
    for (uint32_t i = 0; i < 8; i++) {
        assert_true(has_next(&s, i));
    }
    assert_int_equal(s.stats.events[FLEET_SWITCHED], 0);
    while (s.stats.events[FLEET_SWITCHED] != 8) {
        first_ms = s.stats.events[FLEET_SWITCHED] == 0 ? s.now_ms : first_ms;
        sim_run(&s, 1);
        assert_true(kit_all_open(&s));
    }
    assert_in_range(s.now_ms - first_ms, 0, 100);
    assert_int_equal(rings_rank(kit_seals(&s, 0)), RINGS_RANK_FOUNDED - 1);
    sim_fini(&s);
}

static void reseeds_follow_on_one_another_and_nothing_is_lost(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 5, RESEED_MS);
    sim_try_tickets(&s, 100);
    kit_start_all(&s);
    sim_run(&s, 5 * RESEED_MS);
    assert_in_range(s.stats.events[FLEET_SEEDED], 3, 5);
    assert_true(s.stats.n_presented > 1000);
    assert_int_equal(s.stats.n_presented, s.stats.n_resumed);
    sim_fini(&s);
}

static void a_member_without_the_next_ring_holds_all_back(void **state)
{
    struct sim s;
    uint32_t seeder;
    uint32_t deaf;

    (void)state;
    kit_init(&s, 4, RESEED_MS);
    kit_start_all(&s);
    seeder = run_until_seeded(&s);
    deaf = seeder == 0 ? 1 : 0;
    sim_sleep(&s, deaf, 4 * KIT_PACE_MS - KIT_PACE_MS / 2, false);
    sim_run(&s, 4 * KIT_PACE_MS - KIT_PACE_MS);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(has_next(&s, i), i != deaf);
    }
    sim_run(&s, KIT_PACE_MS + 3 * KIT_ROTATE_MS);
    assert_int_equal(s.stats.events[FLEET_SWITCHED], 4);
    assert_true(kit_all_open(&s));
    sim_fini(&s);
}

/* The store goes on showing the presence of one that is dead: that counts for four paces, once. */
static void a_ghost_delays_by_four_paces_at_most(void **state)
{
    struct sim s;
    uint32_t seeder;
    int64_t genesis_ms = 0;

    (void)state;
    kit_init(&s, 4, RESEED_MS);
    s.stores[0].forgets_never = true;
    kit_start_all(&s);
    seeder = run_until_seeded(&s);
    sim_kill(&s, seeder == 0 ? 1 : 0);
    const struct rings *const r = s.hosts[seeder].rings;

    for (uint32_t i = 0; i < r->n; i++) {
        if (i != r->sealing) {
            const int64_t fleet_ms =
                sim_boot_ms(&s.hosts[seeder], s.now_ms) + s.hosts[seeder].offset_ms;

            genesis_ms = s.now_ms - rings_time(r, i, fleet_ms);
        }
    }
    while (s.stats.events[FLEET_SWITCHED] != 3) {
        assert_true(s.now_ms < genesis_ms + 6 * KIT_PACE_MS);
        sim_run(&s, 10);
    }
    sim_run(&s, 3 * RESEED_MS / 2);
    assert_true(s.stats.events[FLEET_SEEDED] >= 2);
    assert_true(s.stats.events[FLEET_SWITCHED] >= 6);
    sim_fini(&s);
}

static void two_that_got_the_claim_come_to_one_ring(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 6, RESEED_MS);
    kit_start_all(&s);
    s.stores[0].grants_all = true;
    sim_run(&s, 4 * RESEED_MS);
    assert_int_equal(sim_n_rings(&s), 1);
    assert_true(kit_all_open(&s));
    sim_fini(&s);
}

static void without_a_store_nobody_reseeds(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 3, RESEED_MS);
    kit_start_all(&s);
    sim_store_down(&s, true);
    sim_run(&s, 30 * RESEED_MS);
    assert_int_equal(s.stats.events[FLEET_SEEDED], 0);
    assert_true(kit_all_open(&s));
    sim_fini(&s);
}

/* Whatever it held when the store went: those who know that all hold it switch, and none else. */
static void a_store_that_goes_in_the_middle_of_a_reseed_loses_nothing(void **state)
{
    (void)state;
    for (int64_t after_ms = 0; after_ms < 3 * KIT_PACE_MS; after_ms += KIT_PACE_MS / 5) {
        struct sim s;

        kit_init(&s, 5, RESEED_MS);
        kit_start_all(&s);
        (void)run_until_seeded(&s);
        sim_run(&s, after_ms);
        sim_store_down(&s, true);
        for (int i = 0; i < 50; i++) {
            sim_run(&s, KIT_ACCEPT_MS / 55);
            assert_true(kit_all_open(&s));
        }
        sim_store_down(&s, false);
        sim_run(&s, 6 * KIT_PACE_MS);
        assert_int_equal(sim_n_rings(&s), 1);
        assert_true(kit_all_open(&s));
        sim_fini(&s);
    }
}

static void a_host_cut_off_for_long_is_in_step_when_it_comes_back(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 3, 0);
    kit_start_all(&s);
    sim_cut(&s, 2, true);
    for (int i = 0; i < 60; i++) {
        sim_run(&s, KIT_ROTATE_MS / 2 + 7);
        assert_true(kit_all_open(&s));
    }
    sim_cut(&s, 2, false);
    sim_run(&s, 4 * KIT_PACE_MS);
    assert_int_equal(sim_n_rings(&s), 1);
    assert_int_equal(s.stats.events[FLEET_SWITCHED], 0);
    assert_true(kit_all_open(&s));
    sim_fini(&s);
}

static void epochs_cost_no_message_of_their_own(void **state)
{
    struct sim s;
    uint64_t n[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        kit_init(&s, 3, 0);
        s.options.rotate_ms = i == 0 ? 240000 : 2400000;
        s.options.accept_ms = s.options.rotate_ms * 2;
        kit_start_all(&s);
        const uint64_t before = s.stats.n_puts + s.stats.n_lists;

        sim_run(&s, 2400000);
        n[i] = s.stats.n_puts + s.stats.n_lists - before;
        sim_fini(&s);
    }
    assert_in_range(n[0], n[1] * 9 / 10, n[1] * 11 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healed_split_comes_to_the_smaller_ring),
        cmocka_unit_test(the_loser_is_dropped_two_epochs_after_it_was_used),
        cmocka_unit_test(where_epochs_are_short_the_loser_is_kept_for_eight_paces),
        cmocka_unit_test(a_chain_out_of_use_is_not_handed_on),
        cmocka_unit_test(a_reseed_begins_everywhere_at_its_genesis),
        cmocka_unit_test(reseeds_follow_on_one_another_and_nothing_is_lost),
        cmocka_unit_test(a_member_without_the_next_ring_holds_all_back),
        cmocka_unit_test(a_ghost_delays_by_four_paces_at_most),
        cmocka_unit_test(two_that_got_the_claim_come_to_one_ring),
        cmocka_unit_test(without_a_store_nobody_reseeds),
        cmocka_unit_test(a_store_that_goes_in_the_middle_of_a_reseed_loses_nothing),
        cmocka_unit_test(a_host_cut_off_for_long_is_in_step_when_it_comes_back),
        cmocka_unit_test(epochs_cost_no_message_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
