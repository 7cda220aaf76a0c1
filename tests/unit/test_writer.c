#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "writer.h"

static void writes_numbers_big_endian(void **state)
{
    static const uint8_t expected[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,
                                       10, 11, 12, 13, 14, 15, 16, 17, 18};
    uint8_t out[sizeof expected];
    struct writer w = writer_of(out, sizeof out);

    (void)state;
    writer_u8(&w, 0x01);
    writer_u16(&w, 0x0203);
    writer_u24(&w, 0x040506);
    writer_u32(&w, 0x0708090a);
    writer_u64(&w, UINT64_C(0x0b0c0d0e0f101112));
    assert_int_equal(writer_len(&w), sizeof expected);
    assert_memory_equal(out, expected, sizeof expected);
}

static void a_failure_sticks_and_writes_nothing(void **state)
{
    uint8_t out[4] = {0xee, 0xee, 0xee, 0xee};
    struct writer w = writer_of(out, 3);

    (void)state;
    writer_u32(&w, 1);
    writer_u8(&w, 1);
    assert_true(w.failed);
    assert_int_equal(writer_len(&w), 0);
    assert_memory_equal(out, "\xee\xee\xee\xee", 4);
}

static void a_number_too_large_for_three_bytes_fails(void **state)
{
    uint8_t out[8];
    struct writer w = writer_of(out, sizeof out);

    (void)state;
    writer_u24(&w, 0xffffff);
    assert_int_equal(writer_len(&w), 3);
    writer_u24(&w, 0x1000000);
    assert_true(w.failed);
}

static void no_room_may_be_null(void **state)
{
    struct writer w = writer_of(NULL, 0);

    (void)state;
    writer_bytes(&w, NULL, 0);
    assert_false(w.failed);
    assert_int_equal(writer_len(&w), 0);
    writer_u8(&w, 1);
    assert_true(w.failed);
}

static void a_huge_length_does_not_wrap(void **state)
{
    uint8_t out[8];
    struct writer w = writer_of(out, sizeof out);

    (void)state;
    writer_u8(&w, 1);
    writer_bytes(&w, out, SIZE_MAX);
    assert_true(w.failed);
}

static void fills_in_lengths(void **state)
{
    static const uint8_t expected[] = {0, 0, 7, 0, 3, 1, 0xaa, 0xbb, 0, 0};
    uint8_t out[16];
    struct writer w = writer_of(out, sizeof out);
    const size_t outer = writer_open(&w, 3);
    const size_t middle = writer_open(&w, 2);
    const size_t inner = writer_open(&w, 1);

    (void)state;
    writer_u8(&w, 0xaa);
    writer_close(&w, inner, 1);
    writer_u8(&w, 0xbb);
    writer_close(&w, middle, 2);
    writer_u16(&w, 0);
    writer_close(&w, outer, 3);
    assert_int_equal(writer_len(&w), sizeof expected);
    assert_memory_equal(out, expected, sizeof expected);
}

static void a_vector_that_outgrows_its_length_fails(void **state)
{
    uint8_t out[300];
    uint8_t content[256] = {0};
    struct writer fits = writer_of(out, sizeof out);
    struct writer too_long = writer_of(out, sizeof out);
    size_t mark = writer_open(&fits, 1);

    (void)state;
    writer_bytes(&fits, content, 255);
    writer_close(&fits, mark, 1);
    assert_int_equal(writer_len(&fits), 256);
    assert_int_equal(out[0], 255);
    mark = writer_open(&too_long, 1);
    writer_bytes(&too_long, content, 256);
    writer_close(&too_long, mark, 1);
    assert_true(too_long.failed);
}

static void a_length_without_room_is_never_filled_in(void **state)
{
    uint8_t out[2] = {0xee, 0xee};
    struct writer w = writer_of(out, 1);
    const size_t mark = writer_open(&w, 2);

    (void)state;
    writer_close(&w, mark, 2);
    assert_true(w.failed);
    assert_memory_equal(out, "\xee\xee", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_numbers_big_endian),
        cmocka_unit_test(a_failure_sticks_and_writes_nothing),
        cmocka_unit_test(a_number_too_large_for_three_bytes_fails),
        cmocka_unit_test(no_room_may_be_null),
        cmocka_unit_test(a_huge_length_does_not_wrap),
        cmocka_unit_test(fills_in_lengths),
        cmocka_unit_test(a_vector_that_outgrows_its_length_fails),
        cmocka_unit_test(a_length_without_room_is_never_filled_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
