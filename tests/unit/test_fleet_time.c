#include "fleet_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define LONG_ROTATE_MS (3600 * INT64_C(1000))

static void kit_long(struct sim *s, uint32_t n, int drift_ppm)
{
    sim_init(s, &(struct sim_options){.n_hosts = n,
                                      .seed = 3,
                                      .rotate_ms = LONG_ROTATE_MS,
                                      .accept_ms = 6 * LONG_ROTATE_MS,
                                      .latency_ms = 2,
                                      .drift_ppm = drift_ppm});
}

/* Ring time of a host, whatever its clock says. */
static int64_t ring_ms(const struct sim *s, uint32_t host)
{
    const struct sim_host *const h = &s->hosts[host];

    return rings_time(h->rings, h->rings->sealing, sim_boot_ms(h, s->now_ms) + h->offset_ms);
}

static int64_t apart_ms(const struct sim *s)
{
    int64_t least = INT64_MAX;
    int64_t most = INT64_MIN;

    for (uint32_t i = 0; i < s->options.n_hosts; i++) {
        const int64_t ms = ring_ms(s, i);

        least = ms < least ? ms : least;
        most = ms > most ? ms : most;
    }
    return most - least;
}

static void clocks_that_run_apart_are_kept_together(void **state)
{
    struct sim s;

    (void)state;
    kit_long(&s, 5, 100);
    kit_start_all(&s);
    for (int i = 0; i < 4; i++) {
        sim_run(&s, LONG_ROTATE_MS);
        assert_in_range(apart_ms(&s), 0, 200);
    }
    assert_int_equal(s.stats.events[FLEET_LATE], 0);
    sim_fini(&s);
}

static void a_host_that_lost_hours_is_set_forward_at_once(void **state)
{
    struct sim s;

    (void)state;
    kit_long(&s, 4, 20);
    kit_start_all(&s);
    sim_run(&s, LONG_ROTATE_MS);
    sim_sleep(&s, 2, 3 * LONG_ROTATE_MS, true);
    sim_run(&s, 3 * LONG_ROTATE_MS);
    assert_true(apart_ms(&s) > 2 * LONG_ROTATE_MS);
    sim_run(&s, 600000);
    assert_int_equal(fleet_count(s.hosts[2].fleet, FLEET_LATE), 1);
    assert_in_range(apart_ms(&s), 0, 200);
    assert_int_equal(s.stats.events[FLEET_LATE], 1);
    sim_fini(&s);
}

/* What members write of their rings tells that one is behind, before it can ask for the time. */
static void a_host_that_lost_hours_opens_ahead_as_soon_as_it_lists(void **state)
{
    struct sim s;

    (void)state;
    kit_long(&s, 4, 20);
    kit_start_all(&s);
    sim_run(&s, LONG_ROTATE_MS);
    sim_sleep(&s, 2, 3 * LONG_ROTATE_MS, true);
    sim_run(&s, 3 * LONG_ROTATE_MS + 1);
    while (!sim_opens(&s, 2, 0)) {
        sim_run(&s, 1000);
        assert_true(s.now_ms < 5 * LONG_ROTATE_MS);
    }
    sim_run(&s, LONG_ROTATE_MS);
    assert_int_equal(s.hosts[2].rings->lead, 1);
    sim_fini(&s);
}

static void a_host_that_is_ahead_is_never_set_back_at_once(void **state)
{
    struct sim s;
    int64_t before;

    (void)state;
    kit_long(&s, 4, 0);
    kit_start_all(&s);
    s.hosts[1].offset_ms += LONG_ROTATE_MS / 2;
    before = ring_ms(&s, 1);
    for (int i = 0; i < 3600; i++) {
        int64_t now;

        sim_run(&s, 1000);
        now = ring_ms(&s, 1);
        assert_true(now > before);
        before = now;
    }
    assert_in_range(apart_ms(&s), LONG_ROTATE_MS / 2 - 4000, LONG_ROTATE_MS / 2 - 2500);
    assert_int_equal(s.stats.events[FLEET_LATE], 0);
    sim_fini(&s);
}

static void a_quarter_behind_is_made_up_slowly(void **state)
{
    struct sim s;

    (void)state;
    kit_long(&s, 4, 0);
    kit_start_all(&s);
    s.hosts[1].offset_ms -= 10000;
    sim_run(&s, 10 * 60 * 1000);
    assert_in_range(apart_ms(&s), 9000, 10000);
    sim_run(&s, 3 * LONG_ROTATE_MS);
    assert_in_range(apart_ms(&s), 0, 50);
    assert_int_equal(s.stats.events[FLEET_LATE], 0);
    sim_fini(&s);
}

/* Answers are under way for longer than a second and a quarter of an epoch: they count for nothing,
 * and what a host cannot know it opens. */
static void answers_that_take_too_long_are_no_answers(void **state)
{
    struct sim s;
    int64_t offset_ms;

    (void)state;
    sim_init(
        &s,
        &(struct sim_options){
            .n_hosts = 3, .seed = 3, .rotate_ms = 2000, .accept_ms = 60000, .latency_ms = 1000});
    kit_start_all(&s);
    sim_run(&s, 60000);
    assert_int_equal(sim_n_rings(&s), 1);
    for (uint32_t i = 0; i < 3; i++) {
        offset_ms = s.hosts[i].offset_ms;
        sim_run(&s, 20000);
        assert_int_equal(s.hosts[i].offset_ms, offset_ms);
    }
    for (int i = 0; i < 200; i++) {
        sim_run(&s, 333);
        assert_true(kit_all_open(&s));
    }
    sim_fini(&s);
}

static void slow_ways_do_not_push_all_clocks(void **state)
{
    struct sim s;

    (void)state;
    sim_init(&s, &(struct sim_options){.n_hosts = 5,
                                       .seed = 3,
                                       .rotate_ms = LONG_ROTATE_MS,
                                       .accept_ms = 6 * LONG_ROTATE_MS,
                                       .latency_ms = 300});
    kit_start_all(&s);
    sim_run(&s, LONG_ROTATE_MS);
    const int64_t error_ms = s.now_ms - ring_ms(&s, 0);

    sim_run(&s, 3 * LONG_ROTATE_MS);
    assert_in_range(s.now_ms - ring_ms(&s, 0) - error_ms + 2000, 0, 4000);
    assert_in_range(apart_ms(&s), 0, 2000);
    sim_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_that_run_apart_are_kept_together),
        cmocka_unit_test(a_host_that_lost_hours_is_set_forward_at_once),
        cmocka_unit_test(a_host_that_lost_hours_opens_ahead_as_soon_as_it_lists),
        cmocka_unit_test(a_host_that_is_ahead_is_never_set_back_at_once),
        cmocka_unit_test(a_quarter_behind_is_made_up_slowly),
        cmocka_unit_test(answers_that_take_too_long_are_no_answers),
        cmocka_unit_test(slow_ways_do_not_push_all_clocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
