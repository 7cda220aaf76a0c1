#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "text.h"

static void builds_text(void **state)
{
    static const uint8_t bytes[] = {0x00, 0x7f, 0xab};
    char buffer[64];
    struct text t = text_of(buffer, sizeof buffer);

    (void)state;
    assert_string_equal(buffer, "");
    text_add(&t, "one");
    text_add_char(&t, ' ');
    text_add_n(&t, "two, not", 3);
    text_add_char(&t, ' ');
    text_add_hex(&t, bytes, sizeof bytes);
    text_addf(&t, " %d%%", 4);
    assert_string_equal(buffer, "one two 007fab 4%");
    assert_int_equal(t.len, strlen(buffer));
    assert_false(t.cut);
}

static void exactly_fitting_text_is_not_cut(void **state)
{
    char buffer[6];
    struct text t = text_of(buffer, sizeof buffer);

    (void)state;
    text_add(&t, "abc");
    text_addf(&t, "%s", "de");
    assert_string_equal(buffer, "abcde");
    assert_false(t.cut);
    text_add(&t, "");
    text_add_n(&t, NULL, 0);
    text_addf(&t, "%s", "");
    assert_false(t.cut);
}

static void what_does_not_fit_is_cut(void **state)
{
    char buffer[7] = {0};
    struct text t = text_of(buffer, 6);

    (void)state;
    buffer[6] = 'x';
    text_add(&t, "abcdef");
    assert_true(t.cut);
    assert_string_equal(buffer, "abcde");
    text_add_char(&t, 'f');
    text_addf(&t, "%d", 7);
    assert_string_equal(buffer, "abcde");
    assert_int_equal(t.len, 5);
    assert_int_equal(buffer[6], 'x');
}

static void formatted_text_is_cut(void **state)
{
    char buffer[6];
    struct text t = text_of(buffer, sizeof buffer);

    (void)state;
    text_addf(&t, "%s-%s", "abc", "def");
    assert_true(t.cut);
    assert_string_equal(buffer, "abc-d");
    assert_int_equal(t.len, 5);
}

static void a_buffer_of_one_byte_holds_nothing(void **state)
{
    char buffer[1] = {'x'};
    struct text t = text_of(buffer, sizeof buffer);

    (void)state;
    text_add(&t, "");
    text_addf(&t, "%s", "");
    assert_false(t.cut);
    text_addf(&t, "a");
    assert_true(t.cut);
    assert_string_equal(buffer, "");
}

static void an_error_is_set_and_added_to(void **state)
{
    struct rp_error err = {"old"};

    (void)state;
    error_set(&err, "%s: ", "a.key");
    error_add(&err, "line %d", 3);
    assert_string_equal(err.text, "a.key: line 3");
    error_clear(&err);
    assert_string_equal(err.text, "");
    error_set(NULL, "nobody listens");
    error_add(NULL, "nobody listens");
    error_clear(NULL);
}

static void a_long_error_is_cut(void **state)
{
    struct rp_error err;

    (void)state;
    error_clear(&err);
    for (int i = 0; i < 100; i++) {
        error_add(&err, "0123456789");
    }
    assert_int_equal(strlen(err.text), RP_ERROR_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builds_text),
        cmocka_unit_test(exactly_fitting_text_is_not_cut),
        cmocka_unit_test(what_does_not_fit_is_cut),
        cmocka_unit_test(formatted_text_is_cut),
        cmocka_unit_test(a_buffer_of_one_byte_holds_nothing),
        cmocka_unit_test(an_error_is_set_and_added_to),
        cmocka_unit_test(a_long_error_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
