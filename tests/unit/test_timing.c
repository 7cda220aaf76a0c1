#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "timing.h"

#define WAYS 7
#define RUNS 3
#define BASE_US 1500

/* Noise that is the same in every run of the test: xorshift. */
struct noise {
    uint64_t state;
};

static uint32_t below(struct noise *z, uint32_t n)
{
    z->state ^= z->state << 13;
    z->state ^= z->state >> 7;
    z->state ^= z->state << 17;
    return (uint32_t)((z->state >> 32) % n);
}

/* As on a machine that is busy: most a little late, some very late, and at times all of them. */
static uint32_t busy_us(struct noise *z, size_t round)
{
    uint32_t us = BASE_US + below(z, 300);

    if (below(z, 5) == 0) {
        us += below(z, 8000);
    }
    return us + (round / 7 % 3 == 1 ? 2500 : 0);
}

/* As where each has to wait for its turn, most of the time. */
static uint32_t crowded_us(struct noise *z, size_t round)
{
    (void)round;
    return BASE_US + below(z, 500) + (below(z, 5) < 3 ? below(z, 20000) : 0);
}

/* As behind an address with two hosts, of which one is far. */
static uint32_t two_hosts_us(struct noise *z, size_t round)
{
    (void)round;
    return BASE_US + below(z, 200) + (below(z, 2) == 0 ? 4000 : 0);
}

typedef uint32_t noise_fn(struct noise *z, size_t round);

/* So many rounds; the ways of that mask take so much more. */
static struct timing measured(noise_fn *us_of, struct noise *z, size_t n_rounds, unsigned slow,
                              uint32_t slower_us)
{
    struct timing t = {.n_ways = WAYS};

    for (size_t round = 0; round < n_rounds; round++) {
        uint32_t us[TIMING_WAYS_MAX] = {0};

        for (size_t way = 0; way < WAYS; way++) {
            us[way] = us_of(z, round) + ((slow >> way & 1) != 0 ? slower_us : 0);
        }
        timing_add(&t, us);
    }
    return t;
}

static size_t odd_way(noise_fn *us_of, struct noise *z, size_t n_rounds, unsigned slow,
                      uint32_t slower_us)
{
    struct timing_verdict runs[RUNS];

    for (size_t i = 0; i < RUNS; i++) {
        const struct timing t = measured(us_of, z, n_rounds, slow, slower_us);

        timing_judge(&t, &runs[i]);
    }
    return timing_odd_way(runs, RUNS);
}

static void noise_never_stands_out(void **state)
{
    static noise_fn *const kinds[] = {busy_us, crowded_us, two_hosts_us};
    static const size_t rounds[] = {TIMING_ROUNDS_MIN, 24, TIMING_ROUNDS_MAX};
    struct noise z = {0x9e3779b97f4a7c15};

    (void)state;
    for (size_t kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < 3; i++) {
            for (unsigned n = 0; n < 200; n++) {
                assert_int_equal(odd_way(kinds[kind], &z, rounds[i], 0, 0), TIMING_WAYS_MAX);
            }
        }
    }
}

/* A single run may be wrong, and rarely is. */
static void one_run_is_rarely_wrong(void **state)
{
    struct noise z = {88172645463325252};
    unsigned n_wrong = 0;

    (void)state;
    for (unsigned n = 0; n < 3000; n++) {
        const struct timing t = measured(busy_us, &z, TIMING_ROUNDS_MIN, 0, 0);
        struct timing_verdict v;

        timing_judge(&t, &v);
        n_wrong += timing_odd_way(&v, 1) != TIMING_WAYS_MAX ? 1 : 0;
    }
    assert_in_range(n_wrong, 0, 15);
}

#define TRIES 50

/* In how many of them that way, or one of its mask, stands out; no other ever does. */
static unsigned times_seen(noise_fn *us_of, struct noise *z, size_t n_rounds, unsigned slow,
                           unsigned odd)
{
    unsigned n_seen = 0;

    for (unsigned n = 0; n < TRIES; n++) {
        const size_t way = odd_way(us_of, z, n_rounds, slow, 3000);

        assert_true(way == TIMING_WAYS_MAX || (odd >> way & 1) != 0);
        n_seen += way != TIMING_WAYS_MAX ? 1 : 0;
    }
    return n_seen;
}

static void what_takes_longer_stands_out(void **state)
{
    struct noise z = {0x2545f4914f6cdd1d};

    (void)state;
    assert_in_range(times_seen(busy_us, &z, 24, 1U << 2, 1U << 2), 40, TRIES);
    assert_in_range(times_seen(busy_us, &z, 24, 1U << 2 | 1U << 3, 1U << 2 | 1U << 3), 40, TRIES);
}

/* Here what stands out may be late by chance, as any other: that is harder to see. */
static void what_takes_less_stands_out(void **state)
{
    struct noise z = {0x5851f42d4c957f2d};

    (void)state;
    assert_in_range(times_seen(busy_us, &z, 64, 0x7f & ~(1U << 4), 1U << 4), 40, TRIES);
}

/* The least of a few times is what it takes there. */
static void a_crowd_hides_little(void **state)
{
    struct noise z = {0x14057b7ef767814f};

    (void)state;
    assert_in_range(times_seen(crowded_us, &z, 64, 1U << 2, 1U << 2), 40, TRIES);
}

/* Which bit of a byte was flipped cannot matter: what seems to make a difference there is noise. */
static void what_two_alike_differ_by_is_noise(void **state)
{
    struct noise z = {2};
    struct timing t = measured(busy_us, &z, 24, 1U << (WAYS - 1), 3000);
    struct timing_verdict v;

    (void)state;
    timing_judge(&t, &v);
    assert_in_range(v.least_us, 5000, 100000);
    assert_int_equal(timing_odd_way(&v, 1), TIMING_WAYS_MAX);
}

static void little_is_never_told_apart(void **state)
{
    struct timing t = {.n_ways = WAYS};
    struct timing_verdict v;

    (void)state;
    for (size_t round = 0; round < TIMING_ROUNDS_MAX; round++) {
        const uint32_t us[TIMING_WAYS_MAX] = {BASE_US, BASE_US + 199, BASE_US, BASE_US,
                                              BASE_US, BASE_US,       BASE_US};

        timing_add(&t, us);
    }
    timing_judge(&t, &v);
    assert_int_equal(v.least_us, TIMING_FLOOR_US);
    assert_int_equal(v.ways[1].difference_us, 199);
    assert_int_equal(v.ways[1].n_agree, TIMING_ROUNDS_MAX);
    assert_false(v.ways[1].stands_out);
    t.us[0][1] = UINT32_MAX; /* one that took for ever changes nothing */
    timing_judge(&t, &v);
    assert_int_equal(v.ways[1].difference_us, 199);
    for (size_t round = 0; round < TIMING_ROUNDS_MAX; round++) {
        t.us[round][1] = BASE_US + TIMING_FLOOR_US;
    }
    timing_judge(&t, &v);
    assert_true(v.ways[1].stands_out);
    assert_int_equal(timing_odd_way(&v, 1), 1);
}

static void runs_must_agree_on_the_direction(void **state)
{
    struct timing_verdict runs[2] = {{0}};

    (void)state;
    runs[0].ways[3] = (struct timing_way){.difference_us = 900, .stands_out = true};
    runs[1].ways[3] = (struct timing_way){.difference_us = -900, .stands_out = true};
    assert_int_equal(timing_odd_way(runs, 1), 3);
    assert_int_equal(timing_odd_way(runs, 2), TIMING_WAYS_MAX);
    runs[1].ways[3].difference_us = 800;
    assert_int_equal(timing_odd_way(runs, 2), 3);
    runs[1].ways[3].stands_out = false;
    assert_int_equal(timing_odd_way(runs, 2), TIMING_WAYS_MAX);
}

static void a_few_rounds_say_nothing(void **state)
{
    struct noise z = {4};
    const struct timing few = measured(two_hosts_us, &z, TIMING_ROUNDS_MIN - 1, 1, 100000);
    const struct timing full = measured(two_hosts_us, &z, TIMING_ROUNDS_MAX + 3, 0, 0);
    struct timing_verdict v;

    (void)state;
    timing_judge(&few, &v);
    assert_int_equal(v.least_us, INT64_MAX);
    assert_int_equal(timing_odd_way(&v, 1), TIMING_WAYS_MAX);
    assert_int_equal(full.n_rounds, TIMING_ROUNDS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_never_stands_out),
        cmocka_unit_test(one_run_is_rarely_wrong),
        cmocka_unit_test(what_takes_longer_stands_out),
        cmocka_unit_test(what_takes_less_stands_out),
        cmocka_unit_test(a_crowd_hides_little),
        cmocka_unit_test(what_two_alike_differ_by_is_noise),
        cmocka_unit_test(little_is_never_told_apart),
        cmocka_unit_test(runs_must_agree_on_the_direction),
        cmocka_unit_test(a_few_rounds_say_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
