#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reader.h"

static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};

static void reads_numbers_big_endian(void **state)
{
    struct reader r = reader_of(bytes, sizeof bytes);

    (void)state;
    assert_int_equal(reader_u8(&r), 0x01);
    assert_int_equal(reader_u16(&r), 0x0203);
    assert_int_equal(reader_u24(&r), 0x040506);
    assert_int_equal(reader_u32(&r), 0x0708090a);
    assert_int_equal(reader_left(&r), 8);
    assert_false(reader_done(&r));
    assert_true(reader_u64(&r) == UINT64_C(0x0b0c0d0e0f101112));
    assert_true(reader_done(&r));
}

static void a_failure_sticks(void **state)
{
    struct reader r = reader_of(bytes, 3);

    (void)state;
    assert_int_equal(reader_u32(&r), 0);
    assert_true(r.failed);
    assert_int_equal(reader_u8(&r), 0);
    assert_null(reader_bytes(&r, 0));
    assert_int_equal(reader_left(&r), 0);
    assert_false(reader_done(&r));
}

static void every_width_fails_one_byte_short(void **state)
{
    static const size_t widths[] = {1, 2, 3, 4, 8};

    (void)state;
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        struct reader r = reader_of(bytes, widths[i] - 1);
        uint64_t value = 1;

        switch (widths[i]) {
        case 1:
            value = reader_u8(&r);
            break;
        case 2:
            value = reader_u16(&r);
            break;
        case 3:
            value = reader_u24(&r);
            break;
        case 4:
            value = reader_u32(&r);
            break;
        default:
            value = reader_u64(&r);
            break;
        }
        assert_true(value == 0);
        assert_true(r.failed);
    }
}

static void nothing_may_be_null(void **state)
{
    struct reader r = reader_of(NULL, 0);

    (void)state;
    assert_true(reader_done(&r));
    assert_non_null(reader_bytes(&r, 0));
    assert_true(reader_done(&r));
    assert_int_equal(reader_u8(&r), 0);
    assert_false(reader_done(&r));
}

static void lends_bytes(void **state)
{
    struct reader r = reader_of(bytes, sizeof bytes);

    (void)state;
    assert_ptr_equal(reader_bytes(&r, 4), bytes);
    assert_ptr_equal(reader_bytes(&r, 14), bytes + 4);
    assert_null(reader_bytes(&r, 1));
}

static void a_huge_length_does_not_wrap(void **state)
{
    struct reader r = reader_of(bytes, sizeof bytes);

    (void)state;
    (void)reader_u8(&r);
    assert_null(reader_bytes(&r, SIZE_MAX));
    assert_true(r.failed);
}

static void copies_or_zeroes(void **state)
{
    struct reader r = reader_of(bytes, 4);
    uint8_t out[4] = {9, 9, 9, 9};

    (void)state;
    reader_copy(&r, out, 3);
    assert_memory_equal(out, bytes, 3);
    reader_copy(&r, out, 4);
    assert_memory_equal(out, "\0\0\0\0", 4);
    assert_true(r.failed);
}

static void a_vector_is_a_reader_of_its_own(void **state)
{
    static const uint8_t vectors[] = {2, 0xaa, 0xbb, 0, 1, 0xcc, 0};
    struct reader r = reader_of(vectors, sizeof vectors);
    struct reader first = reader_vec8(&r);
    struct reader second = reader_vec16(&r);
    struct reader empty = reader_vec8(&r);

    (void)state;
    assert_true(reader_done(&r));
    assert_int_equal(reader_left(&first), 2);
    assert_int_equal(reader_u16(&first), 0xaabb);
    assert_true(reader_done(&first));
    assert_int_equal(reader_u8(&second), 0xcc);
    assert_int_equal(reader_u8(&second), 0);
    assert_false(reader_done(&second));
    assert_true(reader_done(&empty));
}

static void a_vector_longer_than_its_input_fails_both(void **state)
{
    static const uint8_t vector[] = {0, 3, 1, 2};
    struct reader r = reader_of(vector, sizeof vector);
    struct reader inner = reader_vec16(&r);

    (void)state;
    assert_true(r.failed);
    assert_true(inner.failed);
    assert_int_equal(reader_u8(&inner), 0);
}

static void a_decoder_can_fail_it(void **state)
{
    struct reader r = reader_of(bytes, sizeof bytes);

    (void)state;
    reader_fail(&r);
    assert_int_equal(reader_u8(&r), 0);
    assert_false(reader_done(&r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_numbers_big_endian),
        cmocka_unit_test(a_failure_sticks),
        cmocka_unit_test(every_width_fails_one_byte_short),
        cmocka_unit_test(nothing_may_be_null),
        cmocka_unit_test(lends_bytes),
        cmocka_unit_test(a_huge_length_does_not_wrap),
        cmocka_unit_test(copies_or_zeroes),
        cmocka_unit_test(a_vector_is_a_reader_of_its_own),
        cmocka_unit_test(a_vector_longer_than_its_input_fails_both),
        cmocka_unit_test(a_decoder_can_fail_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
