#include "fleet_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LEAP_MS 1000

static const struct mailbox_id a = {"a"};
static const struct mailbox_id b = {"b"};
static const struct mailbox_id c = {"c"};

static void nobody_asked_is_nothing_known(void **state)
{
    struct fleet_clock clock = {.n = 0};

    (void)state;
    assert_int_equal(clock_step(&clock, 5000, LEAP_MS, 1), 0);
    assert_int_equal(clock_late_ms(&clock), -1);
}

static void behind_by_much_leaps_at_once(void **state)
{
    struct fleet_clock clock = {.n = 0};

    (void)state;
    clock_add(&clock, &a, 5000, 10, 100);
    assert_int_equal(clock_late_ms(&clock), 5010);
    assert_int_equal(clock_step(&clock, 100, LEAP_MS, 1), 4990);
    assert_int_equal(clock_step(&clock, 200, LEAP_MS, 1), 0);
    assert_int_equal(clock_late_ms(&clock), 20);
}

static void ahead_by_much_is_never_set_back_at_once(void **state)
{
    struct fleet_clock clock = {.n = 0};
    int64_t total = 0;

    (void)state;
    clock_add(&clock, &a, -5000, 10, 0);
    assert_int_equal(clock_step(&clock, 0, LEAP_MS, 1), 0);
    for (int64_t now = 0; now <= 1000000; now += 500) {
        const int64_t step = clock_step(&clock, now, LEAP_MS, 1);

        assert_in_range(-step, 0, 1);
        total += step;
    }
    assert_int_equal(total, -1000);
    assert_int_equal(clock_late_ms(&clock), 0);
}

static void a_little_behind_is_made_up_by_a_thousandth(void **state)
{
    struct fleet_clock clock = {.n = 0};

    (void)state;
    clock_add(&clock, &a, 110, 10, 0);
    assert_int_equal(clock_step(&clock, 999, LEAP_MS, 1), 0);
    assert_int_equal(clock_step(&clock, 2500, LEAP_MS, 1), 2);
    assert_int_equal(clock_step(&clock, 3000, LEAP_MS, 1), 1);
    assert_int_equal(clock_step(&clock, 500000, LEAP_MS, 1), 97);
    assert_int_equal(clock_step(&clock, 900000, LEAP_MS, 1), 0);
}

static void time_without_a_difference_earns_nothing(void **state)
{
    struct fleet_clock clock = {.n = 0};

    (void)state;
    clock_add(&clock, &a, 0, 10, 0);
    assert_int_equal(clock_step(&clock, 500000, LEAP_MS, 1), 0);
    clock_add(&clock, &a, 500, 10, 500000);
    assert_int_equal(clock_step(&clock, 501000, LEAP_MS, 1), 1);
}

static void what_the_way_can_explain_is_not_followed(void **state)
{
    struct fleet_clock clock = {.n = 0};

    (void)state;
    clock_add(&clock, &a, 40, 40, 0);
    clock_add(&clock, &b, -40, 40, 0);
    assert_int_equal(clock_step(&clock, 100000, LEAP_MS, 1), 0);
    assert_in_range(clock_late_ms(&clock), 0, 80);
}

static void one_liar_of_three_moves_nothing(void **state)
{
    struct fleet_clock clock = {.n = 0};

    (void)state;
    clock_add(&clock, &a, 0, 1, 0);
    clock_add(&clock, &b, 1, 1, 0);
    clock_add(&clock, &c, 1000000, 1, 0);
    assert_int_equal(clock_step(&clock, 100000, LEAP_MS, 1), 0);
}

static void of_two_the_smaller_difference_counts(void **state)
{
    struct fleet_clock clock = {.n = 0};

    (void)state;
    clock_add(&clock, &a, 1000000, 1, 0);
    clock_add(&clock, &b, 0, 1, 0);
    assert_int_equal(clock_step(&clock, 100000, LEAP_MS, 1), 0);
    assert_int_equal(clock_late_ms(&clock), 1);
}

static void one_member_has_one_voice(void **state)
{
    struct fleet_clock clock = {.n = 0};

    (void)state;
    clock_add(&clock, &b, 0, 1, 0);
    clock_add(&clock, &c, 0, 1, 0);
    for (int64_t i = 0; i < 20; i++) {
        clock_add(&clock, &a, 5000, 1, i);
    }
    assert_int_equal(clock.n, 3);
    assert_int_equal(clock_step(&clock, 100, LEAP_MS, 1), 0);
}

static void the_oldest_of_nine_makes_room(void **state)
{
    struct fleet_clock clock = {.n = 0};

    (void)state;
    for (uint8_t i = 0; i < CLOCK_SAMPLES_MAX + 3; i++) {
        clock_add(&clock, &(struct mailbox_id){{i}}, i, 0, i);
    }
    assert_int_equal(clock.n, CLOCK_SAMPLES_MAX);
    for (unsigned i = 0; i < clock.n; i++) {
        assert_in_range(clock.samples[i].at_ms, 3, CLOCK_SAMPLES_MAX + 2);
    }
}

static void a_leap_needs_more_than_one_voice(void **state)
{
    struct fleet_clock clock = {.n = 0};

    (void)state;
    clock_add(&clock, &a, 5000, 1, 0);
    assert_int_equal(clock_step(&clock, 2000, LEAP_MS, 3), 2);
    clock_add(&clock, &b, 5000, 1, 2000);
    assert_int_equal(clock_step(&clock, 3000, LEAP_MS, 3), 1);
    clock_add(&clock, &c, 0, 1, 3000);
    assert_in_range(clock_step(&clock, 3000, LEAP_MS, 3), 4990, 5000);
    assert_true(clock_heard(&clock, &c));
}

static void old_samples_are_forgotten(void **state)
{
    struct fleet_clock clock = {.n = 0};

    (void)state;
    clock_add(&clock, &a, 1, 1, 10);
    clock_add(&clock, &b, 1, 1, 20);
    clock_forget(&clock, 20);
    assert_int_equal(clock.n, 1);
    assert_memory_equal(&clock.samples[0].from, &b, sizeof b);
    clock_forget(&clock, INT64_MAX);
    assert_int_equal(clock.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_asked_is_nothing_known),
        cmocka_unit_test(behind_by_much_leaps_at_once),
        cmocka_unit_test(ahead_by_much_is_never_set_back_at_once),
        cmocka_unit_test(a_little_behind_is_made_up_by_a_thousandth),
        cmocka_unit_test(time_without_a_difference_earns_nothing),
        cmocka_unit_test(what_the_way_can_explain_is_not_followed),
        cmocka_unit_test(one_liar_of_three_moves_nothing),
        cmocka_unit_test(of_two_the_smaller_difference_counts),
        cmocka_unit_test(one_member_has_one_voice),
        cmocka_unit_test(the_oldest_of_nine_makes_room),
        cmocka_unit_test(a_leap_needs_more_than_one_voice),
        cmocka_unit_test(old_samples_are_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
