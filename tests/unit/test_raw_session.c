#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "raw_buffer.h"
#include "raw_identity.h"
#include "raw_session.h"

static const uint8_t ticket[] = {1, 2, 3, 4};

static void a_copy_is_its_own(void **state)
{
    struct raw_session *s;
    struct raw_session *copy;

    (void)state;
    assert_int_equal(raw_session_new(ticket, sizeof ticket, &s), RP_OK);
    s->suite = 0x1301;
    s->secret[0] = 9;
    assert_int_equal(raw_session_copy(s, &copy), RP_OK);
    assert_int_equal(copy->suite, 0x1301);
    assert_int_equal(copy->secret[0], 9);
    s->ticket[0] = 7;
    assert_memory_equal(copy->ticket, ticket, sizeof ticket);
    raw_session_free(&s);
    assert_null(s);
    raw_session_free(&s);
    assert_int_equal(raw_session_set_ticket(copy, ticket, 2), RP_OK);
    assert_int_equal(copy->ticket_len, 2);
    assert_int_equal(raw_session_set_ticket(copy, NULL, 0), RP_OK);
    assert_null(copy->ticket);
    raw_session_free(&copy);
}

static void without_memory_nothing_changes(void **state)
{
    struct raw_session *s;
    struct raw_session *copy;

    (void)state;
    for (long nth = 0; nth < 2; nth++) {
        memory_fail_after(nth);
        assert_int_equal(raw_session_new(ticket, sizeof ticket, &s), RP_NO_MEMORY);
        assert_null(s);
    }
    memory_fail_after(-1);
    assert_int_equal(raw_session_new(ticket, sizeof ticket, &s), RP_OK);
    memory_fail_after(0);
    assert_int_equal(raw_session_set_ticket(s, ticket, 2), RP_NO_MEMORY);
    assert_int_equal(raw_session_copy(s, &copy), RP_NO_MEMORY);
    memory_fail_after(-1);
    assert_null(copy);
    assert_int_equal(s->ticket_len, sizeof ticket);
    raw_session_free(&s);
}

static void a_buffer_grows_and_is_taken_from_the_front(void **state)
{
    struct raw_buffer b = {0};

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        const uint8_t byte = (uint8_t)i;

        assert_true(raw_buffer_add(&b, &byte, 1));
    }
    raw_buffer_take(&b, 300);
    assert_int_equal(b.len, 700);
    assert_int_equal(b.bytes[0], (uint8_t)300);
    assert_int_equal(b.bytes[699], (uint8_t)999);
    assert_non_null(raw_buffer_room(&b, 5000));
    assert_int_equal(b.len, 700);
    memory_fail_after(0);
    assert_null(raw_buffer_room(&b, 1 << 20));
    memory_fail_after(-1);
    assert_int_equal(b.len, 700);
    raw_buffer_fini(&b);
    assert_true(raw_buffer_add(&b, NULL, 0));
    raw_buffer_take(&b, 0);
    raw_buffer_fini(&b);
}

static void an_identity_says_what_is_wrong(void **state)
{
    static const char junk[] = "no PEM at all";
    struct raw_identity *identity;
    struct rp_error err = {0};

    (void)state;
    assert_int_equal(
        raw_identity_new(junk, sizeof junk - 1, junk, sizeof junk - 1, &identity, &err), RP_FORMAT);
    assert_null(identity);
    assert_string_equal(err.text, "no private key in PEM form, or one that needs a passphrase");
    assert_int_equal(raw_identity_load("/nowhere/a.pem", "/nowhere/b.pem", &identity, &err),
                     RP_SYSTEM);
    assert_string_equal(err.text, "/nowhere/a.pem: No such file or directory");
    memory_fail_after(0);
    assert_int_equal(raw_identity_new(junk, 1, junk, 1, &identity, &err), RP_NO_MEMORY);
    memory_fail_after(-1);
    raw_identity_free(&identity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_its_own),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(a_buffer_grows_and_is_taken_from_the_front),
        cmocka_unit_test(an_identity_says_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
