#include "fleet_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void the_first_one_founds_the_fleet(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 1, 0);
    sim_start(&s, 0, NULL);
    assert_false(fleet_is_settled(s.hosts[0].fleet));
    sim_run(&s, 200);
    assert_true(fleet_is_settled(s.hosts[0].fleet));
    assert_true(kit_is_member(&s, 0));
    assert_int_equal(rings_rank(kit_seals(&s, 0)), RINGS_RANK_FOUNDED);
    assert_int_equal(s.hosts[0].rings->n, 1);
    assert_int_equal(fleet_count(s.hosts[0].fleet, FLEET_FOUNDED), 1);
    sim_fini(&s);
}

static void of_all_at_once_one_founds_and_the_others_join(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 30, 0);
    kit_start_all(&s);
    assert_int_equal(s.stats.events[FLEET_FOUNDED], 1);
    assert_int_equal(s.stats.events[FLEET_JOINED], 29);
    assert_int_equal(s.stats.events[FLEET_ALONE], 0);
    assert_int_equal(sim_n_rings(&s), 1);
    assert_true(kit_all_open(&s));
    sim_fini(&s);
}

static void a_joiner_is_quick_and_opens_what_was_sealed_before(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 4, 0);
    for (uint32_t i = 0; i < 3; i++) {
        sim_start(&s, i, NULL);
    }
    sim_run(&s, 3 * KIT_ROTATE_MS);
    sim_start(&s, 3, NULL);
    sim_run(&s, KIT_SETTLE_MS);
    assert_in_range(s.hosts[3].joined_ms, 1, 200);
    assert_true(kit_all_open(&s));
    assert_int_equal(s.hosts[3].rings->n_roots, s.hosts[0].rings->n_roots);
    for (uint32_t i = 0; i < s.hosts[0].rings->n_roots; i++) {
        assert_memory_equal(s.hosts[3].rings->roots[i].root, s.hosts[0].rings->roots[i].root,
                            DERIVE_ROOT_LEN);
    }
    sim_fini(&s);
}

static void a_joiner_is_late_by_the_way_at_most_and_never_early(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 2, 0);
    sim_start(&s, 0, NULL);
    sim_run(&s, KIT_SETTLE_MS);
    sim_start(&s, 1, NULL);
    sim_run(&s, 400);
    for (uint32_t i = 0; i < 2; i++) {
        struct sim_host *const h = &s.hosts[i];

        h->boot_ms = sim_boot_ms(h, s.now_ms);
        h->since_ms = s.now_ms;
    }
    const int64_t late_ms =
        rings_time(s.hosts[0].rings, 0, s.hosts[0].boot_ms + s.hosts[0].offset_ms) -
        rings_time(s.hosts[1].rings, 0, s.hosts[1].boot_ms + s.hosts[1].offset_ms);

    assert_in_range(late_ms + 1, 0, 10);
    sim_fini(&s);
}

static void without_a_store_it_goes_on_alone_in_time(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 1, 0);
    sim_store_down(&s, true);
    sim_start(&s, 0, NULL);
    sim_run(&s, 990);
    assert_false(fleet_is_settled(s.hosts[0].fleet));
    sim_run(&s, 20);
    assert_true(fleet_is_settled(s.hosts[0].fleet));
    assert_false(kit_is_member(&s, 0));
    assert_int_equal(rings_rank(kit_seals(&s, 0)), RINGS_RANK_ALONE);
    sim_run(&s, 100 * KIT_ROTATE_MS);
    assert_int_equal(fleet_count(s.hosts[0].fleet, FLEET_ALONE), 1);
    sim_store_down(&s, false);
    sim_run(&s, KIT_RETURN_MS);
    assert_true(kit_is_member(&s, 0));
    sim_fini(&s);
}

/* The members are on their way back, too: who started meanwhile must not take their place. */
static void a_store_that_comes_back_empty_is_not_taken_for_a_new_fleet(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 4, 0);
    for (uint32_t i = 0; i < 3; i++) {
        sim_start(&s, i, NULL);
    }
    sim_run(&s, KIT_SETTLE_MS);
    sim_store_down(&s, true);
    sim_run(&s, 2 * KIT_ROTATE_MS);
    sim_start(&s, 3, NULL);
    sim_run(&s, KIT_ROTATE_MS);
    sim_store_empty(&s.stores[0]);
    sim_store_down(&s, false);
    sim_run(&s, KIT_RETURN_MS);
    assert_int_equal(s.stats.events[FLEET_FOUNDED], 1);
    assert_int_equal(sim_n_rings(&s), 1);
    assert_true(kit_all_open(&s));
    sim_fini(&s);
}

static void all_restarted_at_once_begin_anew_at_once(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 3, 0);
    kit_start_all(&s);
    for (uint32_t i = 0; i < 3; i++) {
        sim_stop(&s, i);
    }
    sim_run(&s, 100);
    kit_start_all(&s);
    assert_int_equal(s.stats.events[FLEET_FOUNDED], 2);
    assert_int_equal(s.stats.events[FLEET_ALONE], 0);
    assert_int_equal(sim_n_rings(&s), 1);
    assert_true(kit_all_open(&s));
    sim_fini(&s);
}

static void one_that_was_alone_follows_the_fleet_and_both_open_all(void **state)
{
    struct sim s;
    uint8_t alone[RATCHET_ID_LEN];

    (void)state;
    kit_init(&s, 4, 0);
    for (uint32_t i = 0; i < 3; i++) {
        sim_start(&s, i, NULL);
    }
    sim_run(&s, KIT_SETTLE_MS);
    sim_cut(&s, 3, true);
    sim_start(&s, 3, NULL);
    sim_run(&s, KIT_ROTATE_MS + KIT_SETTLE_MS);
    memcpy(alone, kit_seals(&s, 3), sizeof alone);
    sim_cut(&s, 3, false);
    sim_run(&s, 2 * KIT_PACE_MS);
    assert_int_equal(sim_n_rings(&s), 1);
    assert_memory_equal(kit_seals(&s, 3), kit_seals(&s, 0), RATCHET_ID_LEN);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(rings_find(s.hosts[i].rings, alone) >= 0);
        assert_false(kit_holds(&s, i, alone));
    }
    assert_true(kit_all_open(&s));
    sim_fini(&s);
}

static void all_alone_come_to_one_ring(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 12, 0);
    sim_store_down(&s, true);
    kit_start_all(&s);
    assert_int_equal(s.stats.events[FLEET_ALONE], 12);
    sim_run(&s, KIT_ROTATE_MS);
    sim_store_down(&s, false);
    sim_run(&s, 12 * KIT_PACE_MS);
    assert_int_equal(sim_n_rings(&s), 1);
    assert_true(kit_all_open(&s));
    sim_fini(&s);
}

/* Their PRESENCE stays behind, so those who come see members, and nobody answers. */
static void after_a_blackout_ghosts_do_not_keep_hosts_apart(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 6, 0);
    kit_start_all(&s);
    sim_run(&s, KIT_ROTATE_MS);
    for (uint32_t i = 0; i < 6; i++) {
        sim_kill(&s, i);
    }
    sim_run(&s, 100);
    kit_start_all(&s);
    for (uint32_t i = 0; i < 6; i++) {
        assert_true(fleet_is_settled(s.hosts[i].fleet));
    }
    assert_true(kit_agree(&s, 6 * KIT_PACE_MS) >= 0);
    sim_run(&s, KIT_PACE_MS);
    assert_true(kit_all_open(&s));
    sim_fini(&s);
}

/* More of the dead than there may be questions open: who lives is asked all the same. */
static void after_a_blackout_of_many_they_are_together_soon(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 20, 0);
    kit_start_all(&s);
    sim_run(&s, KIT_ROTATE_MS);
    for (uint32_t i = 0; i < 20; i++) {
        sim_kill(&s, i);
    }
    sim_run(&s, 100);
    kit_start_all(&s);
    assert_true(kit_agree(&s, KIT_PACE_MS / 2) >= 0);
    assert_int_equal(sim_n_rings(&s), 1);
    sim_fini(&s);
}

static void a_claim_that_is_lost_delays_and_no_more(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 2, 0);
    assert_true(sim_store_claim(&s.stores[0], 0, "found", 10000));
    sim_start(&s, 0, NULL);
    sim_run(&s, KIT_SETTLE_MS);
    assert_true(fleet_is_settled(s.hosts[0].fleet));
    assert_false(kit_is_member(&s, 0));
    sim_run(&s, 20000);
    assert_true(kit_is_member(&s, 0));
    sim_start(&s, 1, NULL);
    sim_run(&s, KIT_SETTLE_MS);
    assert_int_equal(sim_n_rings(&s), 1);
    assert_true(kit_all_open(&s));
    sim_fini(&s);
}

static void a_store_that_grants_everybody_makes_rings_that_lose(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 3, 0);
    s.stores[0].grants_all = true;
    for (uint32_t i = 0; i < 3; i++) {
        sim_start(&s, i, NULL);
    }
    sim_run(&s, KIT_SETTLE_MS);
    assert_in_range(s.stats.events[FLEET_FOUNDED], 2, 3);
    assert_true(kit_agree(&s, 6 * KIT_PACE_MS) >= 0);
    assert_true(kit_all_open(&s));
    sim_fini(&s);
}

static void a_restarted_host_is_back_at_once(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 3, 0);
    kit_start_all(&s);
    for (uint32_t i = 0; i < 3; i++) {
        sim_stop(&s, i);
        sim_run(&s, 100);
        sim_start(&s, i, NULL);
        sim_run(&s, KIT_SETTLE_MS);
        assert_in_range(s.hosts[i].joined_ms, 1, 800);
        assert_int_equal(sim_n_rings(&s), 1);
        assert_true(kit_all_open(&s));
    }
    assert_int_equal(s.stats.events[FLEET_FOUNDED], 1);
    sim_fini(&s);
}

static void a_new_keeper_is_a_member_without_joining(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 3, 0);
    kit_start_all(&s);
    sim_replace(&s, 1);
    assert_true(fleet_is_settled(s.hosts[1].fleet));
    assert_true(kit_is_member(&s, 1));
    sim_run(&s, 2 * KIT_ROTATE_MS);
    assert_int_equal(fleet_count(s.hosts[1].fleet, FLEET_JOINED), 0);
    assert_true(kit_all_open(&s));
    sim_fini(&s);
}

static void a_hundred_that_come_at_once_do_not_stampede(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 101, 0);
    sim_start(&s, 0, NULL);
    sim_run(&s, KIT_SETTLE_MS);
    const struct sim_stats before = s.stats;

    for (uint32_t i = 1; i < 101; i++) {
        sim_start(&s, i, NULL);
    }
    sim_run(&s, KIT_SETTLE_MS);
    assert_int_equal(s.stats.events[FLEET_JOINED], 100);
    assert_int_equal(s.stats.events[FLEET_ALONE], 0);
    assert_in_range(s.stats.n_letters - before.n_letters, 200, 1200);
    assert_in_range(s.stats.n_lists - before.n_lists, 200, 600);
    assert_true(kit_all_open(&s));
    sim_fini(&s);
}

/* A listing shows 32 of them: who lives is found among the dead all the same. */
static void of_a_hundred_that_died_at_once_one_founds_and_the_others_find_it(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 100, 0);
    s.options.budget_ms = 5000;
    kit_start_all(&s);
    sim_run(&s, KIT_PACE_MS);
    assert_int_equal(sim_n_rings(&s), 1);
    for (uint32_t i = 0; i < 100; i++) {
        sim_kill(&s, i);
    }
    memset(s.stats.events, 0, sizeof s.stats.events);
    kit_start_all(&s);
    sim_run(&s, 2000);
    for (uint32_t i = 0; i < 100; i++) {
        assert_true(kit_is_member(&s, i));
    }
    assert_int_equal(s.stats.events[FLEET_FOUNDED], 1);
    assert_int_equal(s.stats.events[FLEET_ALONE], 0);
    assert_int_equal(sim_n_rings(&s), 1);
    sim_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_one_founds_the_fleet),
        cmocka_unit_test(of_all_at_once_one_founds_and_the_others_join),
        cmocka_unit_test(a_joiner_is_quick_and_opens_what_was_sealed_before),
        cmocka_unit_test(a_joiner_is_late_by_the_way_at_most_and_never_early),
        cmocka_unit_test(without_a_store_it_goes_on_alone_in_time),
        cmocka_unit_test(a_store_that_comes_back_empty_is_not_taken_for_a_new_fleet),
        cmocka_unit_test(all_restarted_at_once_begin_anew_at_once),
        cmocka_unit_test(one_that_was_alone_follows_the_fleet_and_both_open_all),
        cmocka_unit_test(all_alone_come_to_one_ring),
        cmocka_unit_test(after_a_blackout_ghosts_do_not_keep_hosts_apart),
        cmocka_unit_test(after_a_blackout_of_many_they_are_together_soon),
        cmocka_unit_test(a_claim_that_is_lost_delays_and_no_more),
        cmocka_unit_test(a_store_that_grants_everybody_makes_rings_that_lose),
        cmocka_unit_test(a_restarted_host_is_back_at_once),
        cmocka_unit_test(a_new_keeper_is_a_member_without_joining),
        cmocka_unit_test(of_a_hundred_that_died_at_once_one_founds_and_the_others_find_it),
        cmocka_unit_test(a_hundred_that_come_at_once_do_not_stampede),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
