#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base64.h"
#include "hex.h"

static void hexadecimal_of_either_case(void **state)
{
    uint8_t out[4];
    size_t n;

    (void)state;
    assert_true(hex_decode("00fFa5", 6, out, sizeof out, &n));
    assert_int_equal(n, 3);
    assert_memory_equal(out, "\x00\xff\xa5", 3);
    assert_true(hex_decode("", 0, out, 0, &n));
    assert_int_equal(n, 0);
}

static void bad_hexadecimal_is_refused(void **state)
{
    uint8_t out[4];
    size_t n = 9;

    (void)state;
    assert_false(hex_decode("abc", 3, out, sizeof out, &n));
    assert_int_equal(n, 0);
    assert_false(hex_decode("0g", 2, out, sizeof out, &n));
    assert_false(hex_decode("g0", 2, out, sizeof out, &n));
    assert_false(hex_decode("0 ", 2, out, sizeof out, &n));
    assert_false(hex_decode("0011223344", 10, out, sizeof out, &n));
    for (unsigned c = 0; c < 256; c++) {
        const bool digit =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');

        assert_int_equal(hex_digit((char)c) < 16, digit);
    }
}

/* RFC 4648 section 10. */
static void the_vectors_of_the_standard(void **state)
{
    static const char *const text[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                       "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    uint8_t out[8];
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
        assert_true(base64_decode(text[i], strlen(text[i]), out, sizeof out, &n));
        assert_int_equal(n, i);
        assert_memory_equal(out, "foobar", n);
    }
    assert_true(base64_decode("Zm8", 3, out, sizeof out, &n));
    assert_int_equal(n, 2);
    assert_true(base64_decode("-_+/", 4, out, sizeof out, &n));
    assert_memory_equal(out, "\xfb\xff\xbf", 3);
}

static void bad_base64_is_refused(void **state)
{
    static const char *const text[] = {"Z",        "Zg=",   "Zm9v=", "Zh==", "Z===",  "=",
                                       "Zg==Zg==", "Zm 9v", "Zm9\n", "Zm9.", "A====", "Zm9vY"};
    uint8_t out[16];
    size_t n = 9;

    (void)state;
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
        assert_false(base64_decode(text[i], strlen(text[i]), out, sizeof out, &n));
        assert_int_equal(n, 0);
    }
    assert_false(base64_decode("Zm9vYmFy", 8, out, 5, &n));
    assert_true(base64_decode("Zm9vYmFy", 8, out, 6, &n));
}

static void what_is_encoded_is_as_the_standard_has_it(void **state)
{
    static const char *const text[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                       "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    char out[8];

    (void)state;
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
        const size_t n = base64_encode((const uint8_t *)"foobar", i, out);

        assert_int_equal(n, strlen(text[i]));
        assert_int_equal(n, BASE64_TEXT_LEN(i));
        assert_memory_equal(out, text[i], n);
    }
    assert_int_equal(base64_encode((const uint8_t *)"\xfb\xff\xbf", 3, out), 4);
    assert_memory_equal(out, "+/+/", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hexadecimal_of_either_case),
        cmocka_unit_test(bad_hexadecimal_is_refused),
        cmocka_unit_test(the_vectors_of_the_standard),
        cmocka_unit_test(bad_base64_is_refused),
        cmocka_unit_test(what_is_encoded_is_as_the_standard_has_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
