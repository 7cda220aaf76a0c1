#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"

static bool all_zero(const void *p, size_t n)
{
    const uint8_t *bytes = p;

    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static void a_new_block_is_zero(void **state)
{
    uint8_t *p = memory_new(1000, 3);

    (void)state;
    assert_non_null(p);
    assert_true(all_zero(p, 3000));
    memory_free(p);
    memory_free(NULL);
}

static void an_overflow_is_out_of_memory(void **state)
{
    /* Where the compiler cannot see the value, it does not warn of it. */
    volatile size_t huge = SIZE_MAX / 2 + 1;
    uint8_t *p = memory_new(4, 1);

    (void)state;
    assert_non_null(p);
    memset(p, 0xaa, 4);
    assert_null(memory_new(huge, 2));
    assert_null(memory_resize(p, 4, huge, 2));
    assert_null(memory_string_n("", huge + (huge - 1)));
    assert_memory_equal(p, "\xaa\xaa\xaa\xaa", 4);
    memory_free(p);
}

static void growing_zeroes_only_what_is_new(void **state)
{
    uint16_t *p = memory_new(4, sizeof *p);
    uint16_t *grown;

    (void)state;
    assert_non_null(p);
    memset(p, 0xaa, 4 * sizeof *p);
    grown = memory_resize(p, 4, 4000, sizeof *p);
    assert_non_null(grown);
    assert_memory_equal(grown, "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa", 8);
    assert_true(all_zero(grown + 4, 3996 * sizeof *grown));
    grown = memory_resize(grown, 4000, 1, sizeof *p);
    assert_non_null(grown);
    assert_int_equal(*grown, 0xaaaa);
    memory_free(grown);
}

static void resizing_nothing_makes_a_block(void **state)
{
    uint8_t *p = memory_resize(NULL, 0, 8, 1);

    (void)state;
    assert_non_null(p);
    assert_true(all_zero(p, 8));
    memory_free(p);
}

static void resizing_to_nothing_keeps_a_block(void **state)
{
    uint8_t *p = memory_new(8, 1);
    uint8_t *shrunk;

    (void)state;
    assert_non_null(p);
    shrunk = memory_resize(p, 8, 0, 1);
    assert_non_null(shrunk);
    memory_free(shrunk);
}

static void copies_strings(void **state)
{
    char *whole = memory_string("example");
    char *part = memory_string_n("example", 4);
    char *empty = memory_string_n(NULL, 0);

    (void)state;
    assert_string_equal(whole, "example");
    assert_string_equal(part, "exam");
    assert_string_equal(empty, "");
    memory_free(whole);
    memory_free(part);
    memory_free(empty);
}

static void wipes(void **state)
{
    uint8_t secret[32];

    (void)state;
    memset(secret, 0xaa, sizeof secret);
    memory_wipe(secret, sizeof secret);
    assert_true(all_zero(secret, sizeof secret));
    memory_wipe(NULL, 0);
}

static void fails_when_told_to(void **state)
{
    void *first;
    void *second;
    void *third;
    void *after;

    (void)state;
    memory_fail_after(2);
    first = memory_new(1, 1);
    second = memory_string("x");
    third = memory_new(1, 1);
    assert_null(memory_resize(first, 1, 2, 1));
    assert_null(memory_string_n("x", 1));
    memory_fail_after(-1);
    after = memory_new(1, 1);
    assert_non_null(first);
    assert_non_null(second);
    assert_null(third);
    assert_non_null(after);
    memory_free(first);
    memory_free(second);
    memory_free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_block_is_zero),
        cmocka_unit_test(an_overflow_is_out_of_memory),
        cmocka_unit_test(growing_zeroes_only_what_is_new),
        cmocka_unit_test(resizing_nothing_makes_a_block),
        cmocka_unit_test(resizing_to_nothing_keeps_a_block),
        cmocka_unit_test(copies_strings),
        cmocka_unit_test(wipes),
        cmocka_unit_test(fails_when_told_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
