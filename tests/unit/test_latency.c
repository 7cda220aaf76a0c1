#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "latency.h"
#include "memory.h"

#define N 20000

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static struct latency *new_latency(void)
{
    struct latency *l = memory_new(1, sizeof *l);

    assert_non_null(l);
    return l;
}

static void empty_is_zero(void **state)
{
    struct latency *l = new_latency();

    (void)state;
    assert_int_equal(latency_percentile(l, 500), 0);
    assert_int_equal(latency_percentile(l, 1000), 0);
    assert_int_equal(latency_mean(l), 0);
    memory_free(l);
}

static void one_value_is_every_percentile(void **state)
{
    struct latency *l = new_latency();

    (void)state;
    latency_add(l, 123457);
    assert_int_equal(latency_percentile(l, 1), 123457);
    assert_int_equal(latency_percentile(l, 500), 123457);
    assert_int_equal(latency_percentile(l, 1000), 123457);
    assert_int_equal(latency_mean(l), 123457);
    memory_free(l);
}

static void small_values_are_exact(void **state)
{
    struct latency *l = new_latency();

    (void)state;
    for (uint64_t v = 0; v < 128; v++) {
        latency_add(l, v);
    }
    for (unsigned p = 1; p <= 1000; p++) {
        assert_int_equal(latency_percentile(l, p), (128 * p + 999) / 1000 - 1);
    }
    memory_free(l);
}

/* Two values, so that the percentile of the lower one is not clipped to the maximum. */
static void check_error(uint64_t value)
{
    struct latency *l = new_latency();
    uint64_t got;

    latency_add(l, value);
    latency_add(l, LATENCY_MAX_US);
    got = latency_percentile(l, 500);
    assert_true(got >= value);
    assert_true((got - value) * 1000 <= value * 16);
    memory_free(l);
}

static void error_is_bounded_at_every_edge(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 36; bit++) {
        const uint64_t edge = UINT64_C(1) << bit;

        check_error(edge - 1);
        check_error(edge);
        check_error(edge + 1);
        check_error(edge + edge / 3);
        check_error(edge + edge / 64);
    }
}

static void too_long_counts_as_the_longest(void **state)
{
    struct latency *l = new_latency();

    (void)state;
    latency_add(l, UINT64_MAX);
    latency_add(l, LATENCY_MAX_US + 1);
    assert_int_equal(latency_percentile(l, 500), LATENCY_MAX_US);
    assert_int_equal(l->max_us, LATENCY_MAX_US);
    memory_free(l);
}

static void agrees_with_sorting(void **state)
{
    struct latency *l = new_latency();
    uint64_t *values = memory_new(N, sizeof *values);
    uint64_t seed = 88172645463325252U;

    (void)state;
    assert_non_null(values);
    for (size_t i = 0; i < N; i++) {
        /* spread over many powers of two */
        values[i] = next_random(&seed) >> (28 + next_random(&seed) % 34);
        latency_add(l, values[i]);
    }
    qsort(values, N, sizeof *values, compare);
    for (unsigned p = 1; p <= 1000; p++) {
        const uint64_t exact = values[((size_t)N * p + 999) / 1000 - 1];
        const uint64_t got = latency_percentile(l, p);

        assert_true(got >= exact);
        assert_true((got - exact) * 1000 <= exact * 16);
    }
    assert_int_equal(latency_percentile(l, 1000), values[N - 1]);
    memory_free(values);
    memory_free(l);
}

static void merging_is_adding(void **state)
{
    struct latency *all = new_latency();
    struct latency *even = new_latency();
    struct latency *odd = new_latency();
    uint64_t seed = 1234567;

    (void)state;
    for (size_t i = 0; i < N; i++) {
        const uint64_t v = next_random(&seed) % 10000000;

        latency_add(all, v);
        latency_add(i % 2 == 0 ? even : odd, v);
    }
    latency_merge(even, odd);
    assert_memory_equal(even, all, sizeof *all);
    memory_free(odd);
    memory_free(even);
    memory_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_is_zero),
        cmocka_unit_test(one_value_is_every_percentile),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(error_is_bounded_at_every_edge),
        cmocka_unit_test(too_long_counts_as_the_longest),
        cmocka_unit_test(agrees_with_sorting),
        cmocka_unit_test(merging_is_adding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
