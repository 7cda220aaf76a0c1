#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tls_extension.h"

static const uint8_t block[] = {0, 23, 0, 0, 0, 35, 0, 2, 7, 8, 0xff, 1, 0, 1, 0};

static void a_block_is_walked_in_order(void **state)
{
    static const uint16_t types[] = {23, 35, 0xff01};
    static const size_t lens[] = {0, 2, 1};
    struct reader r = reader_of(block, sizeof block);
    struct tls_extension ext;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_true(tls_extension_next(&r, &ext));
        assert_int_equal(ext.type, types[i]);
        assert_int_equal(ext.len, lens[i]);
        assert_non_null(ext.body);
    }
    assert_false(tls_extension_next(&r, &ext));
    assert_true(reader_done(&r));
}

static void one_is_found_by_its_type(void **state)
{
    struct tls_extension ext;

    (void)state;
    assert_true(tls_extension_find(block, sizeof block, 35, &ext));
    assert_ptr_equal(ext.body, block + 8);
    assert_false(tls_extension_find(block, sizeof block, 36, &ext));
    assert_null(ext.body);
    assert_false(tls_extension_find(NULL, 0, 35, &ext));
}

static void a_check_refuses_what_is_cut(void **state)
{
    (void)state;
    assert_true(tls_extension_check(block, sizeof block, 3));
    assert_true(tls_extension_check(NULL, 0, 0));
    for (size_t n = 1; n < sizeof block; n++) {
        assert_int_equal(tls_extension_check(block, n, 3), n == 4 || n == 10);
    }
}

static void a_check_refuses_too_many_and_twice(void **state)
{
    static const uint8_t twice[] = {0, 23, 0, 0, 0, 35, 0, 0, 0, 23, 0, 0};

    (void)state;
    assert_false(tls_extension_check(block, sizeof block, 2));
    assert_false(tls_extension_check(twice, sizeof twice, 9));
    assert_true(tls_extension_check(twice, 8, 9));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_walked_in_order),
        cmocka_unit_test(one_is_found_by_its_type),
        cmocka_unit_test(a_check_refuses_what_is_cut),
        cmocka_unit_test(a_check_refuses_too_many_and_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
