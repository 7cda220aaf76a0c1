#include "session_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct session_meta of(int64_t origin_ms, int64_t sealed_ms)
{
    return (struct session_meta){.origin_ms = origin_ms, .sealed_ms = sealed_ms};
}

static void the_genesis_is_in_the_middle(void **state)
{
    struct session_meta m = of(900, 1700);

    (void)state;
    session_time_to_ring(&m, 1000);
    assert_true(m.origin_ms == SESSION_TIME_ZERO - 100);
    assert_true(m.sealed_ms == SESSION_TIME_ZERO + 700);
}

static void it_comes_back_by_another_base(void **state)
{
    static const int64_t bases[] = {0, 1000, -1, -777600123, INT64_C(1) << 40, -(INT64_C(1) << 40)};

    (void)state;
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        for (size_t j = 0; j < sizeof bases / sizeof bases[0]; j++) {
            struct session_meta m = of(bases[i] - 86400000, bases[i] + 12345);

            session_time_to_ring(&m, bases[i]);
            session_time_to_fleet(&m, bases[j]);
            assert_true(m.origin_ms == bases[j] - 86400000);
            assert_true(m.sealed_ms == bases[j] + 12345);
        }
    }
}

static void it_ends_at_the_ends(void **state)
{
    static const int64_t ends[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        for (size_t j = 0; j < sizeof ends / sizeof ends[0]; j++) {
            struct session_meta m = of(ends[i], ends[i] < INT64_MAX ? ends[i] + 1 : ends[i]);

            session_time_to_ring(&m, ends[j]);
            assert_true(m.origin_ms >= 0 && m.sealed_ms >= m.origin_ms);
            session_time_to_fleet(&m, ends[j]);
            assert_true(m.sealed_ms >= m.origin_ms);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_genesis_is_in_the_middle),
        cmocka_unit_test(it_comes_back_by_another_base),
        cmocka_unit_test(it_ends_at_the_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
