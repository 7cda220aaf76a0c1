#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "number.h"

static const char *const never_numbers[] = {"",    " ",    "-1",   "+1",  " 1",
                                            "1 ",  "1\n",  "0x10", "1.5", "1e3",
                                            "one", "1one", "1,0",  "_1",  "\xd9\xa1"};

static void parses_decimal_numbers(void **state)
{
    uint64_t n = 7;

    (void)state;
    assert_true(number_parse("0", 0, &n));
    assert_true(n == 0);
    assert_true(number_parse("00042", 100, &n));
    assert_true(n == 42);
    assert_true(number_parse("18446744073709551615", UINT64_MAX, &n));
    assert_true(n == UINT64_MAX);
}

static void refuses_what_is_no_number(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof never_numbers / sizeof never_numbers[0]; i++) {
        uint64_t n = 7;
        int64_t ms = 7;

        assert_false(number_parse(never_numbers[i], UINT64_MAX, &n));
        assert_true(n == 0);
        assert_false(number_parse_size(never_numbers[i], UINT64_MAX, &n));
        assert_false(number_parse_duration(never_numbers[i], INT64_MAX, &ms));
        assert_true(ms == 0);
    }
}

static void refuses_what_is_out_of_range(void **state)
{
    uint64_t n;

    (void)state;
    assert_false(number_parse("1", 0, &n));
    assert_false(number_parse("101", 100, &n));
    assert_false(number_parse("18446744073709551616", UINT64_MAX, &n));
    assert_false(number_parse("99999999999999999999999999", UINT64_MAX, &n));
    assert_true(number_parse("100", 100, &n));
    assert_true(number_parse("5", 5, &n));
    assert_false(number_parse("6", 5, &n));
}

static void parses_durations(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"500ms", 500},    {"0s", 0},
                {"2s", 2000},      {"10m", 600000},
                {"24h", 86400000}, {"7d", 604800000},
                {"1H", 3600000},   {"9223372036854775807ms", INT64_MAX}};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t ms;

        assert_true(number_parse_duration(good[i].text, INT64_MAX, &ms));
        assert_true(ms == good[i].ms);
    }
}

static void a_duration_needs_one_known_unit(void **state)
{
    static const char *const bad[] = {"1", "0", "1w", "1 s", "1h30m", "1sec", "h", "1mss", "1y"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ms;

        assert_false(number_parse_duration(bad[i], INT64_MAX, &ms));
    }
}

static void a_duration_does_not_overflow(void **state)
{
    int64_t ms;

    (void)state;
    assert_false(number_parse_duration("9223372036854775808ms", INT64_MAX, &ms));
    assert_false(number_parse_duration("9223372036854775807d", INT64_MAX, &ms));
    assert_true(number_parse_duration("1s", 1000, &ms));
    assert_false(number_parse_duration("1001ms", 1000, &ms));
    assert_false(number_parse_duration("2s", 1000, &ms));
}

static void parses_sizes(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"512", 512},       {"0", 0},
                {"512b", 512},      {"64kb", 65536},
                {"64K", 65536},     {"50mb", 52428800},
                {"50m", 52428800},  {"1gb", 1073741824},
                {"1G", 1073741824}, {"18446744073709551615", UINT64_MAX}};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t bytes;

        assert_true(number_parse_size(good[i].text, UINT64_MAX, &bytes));
        assert_true(bytes == good[i].bytes);
    }
}

static void a_size_stays_in_range(void **state)
{
    uint64_t bytes;

    (void)state;
    assert_false(number_parse_size("17179869184gb", UINT64_MAX, &bytes));
    assert_true(number_parse_size("17179869183gb", UINT64_MAX, &bytes));
    assert_false(number_parse_size("1kb", 1023, &bytes));
    assert_true(number_parse_size("1kb", 1024, &bytes));
    assert_false(number_parse_size("1tb", UINT64_MAX, &bytes));
    assert_false(number_parse_size("1kib", UINT64_MAX, &bytes));
    assert_false(number_parse_size("1 kb", UINT64_MAX, &bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_decimal_numbers),
        cmocka_unit_test(refuses_what_is_no_number),
        cmocka_unit_test(refuses_what_is_out_of_range),
        cmocka_unit_test(parses_durations),
        cmocka_unit_test(a_duration_needs_one_known_unit),
        cmocka_unit_test(a_duration_does_not_overflow),
        cmocka_unit_test(parses_sizes),
        cmocka_unit_test(a_size_stays_in_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
