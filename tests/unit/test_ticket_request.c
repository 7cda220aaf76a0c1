#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ticket_request.h"

static void a_request_goes_round(void **state)
{
    const struct ticket_request all[] = {{0, 0}, {1, 2}, {255, 255}};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        uint8_t body[2];
        struct ticket_request back;

        assert_int_equal(ticket_request_encode(&all[i], body), 2);
        assert_int_equal(body[0], all[i].new_session);
        assert_int_equal(body[1], all[i].resumption);
        assert_true(ticket_request_decode(body, 2, &back));
        assert_int_equal(back.new_session, all[i].new_session);
        assert_int_equal(back.resumption, all[i].resumption);
    }
}

static void a_request_of_another_length_is_refused(void **state)
{
    static const uint8_t body[] = {1, 2, 3};
    struct ticket_request r;

    (void)state;
    for (size_t n = 0; n <= sizeof body; n++) {
        r = (struct ticket_request){9, 9};
        assert_int_equal(ticket_request_decode(body, n, &r), n == 2);
        if (n != 2) {
            assert_int_equal(r.new_session, 0);
            assert_int_equal(r.resumption, 0);
        }
    }
    assert_false(ticket_request_decode(NULL, 0, &r));
}

static void a_hint_goes_round(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 256; n++) {
        uint8_t body[1];
        uint8_t back;

        assert_int_equal(ticket_request_hint_encode((uint8_t)n, body), 1);
        assert_true(ticket_request_hint_decode(body, 1, &back));
        assert_int_equal(back, n);
    }
}

static void a_hint_of_another_length_is_refused(void **state)
{
    static const uint8_t body[] = {1, 2};
    uint8_t expected = 9;

    (void)state;
    assert_false(ticket_request_hint_decode(body, 0, &expected));
    assert_int_equal(expected, 0);
    assert_false(ticket_request_hint_decode(body, 2, &expected));
    assert_int_equal(expected, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_goes_round),
        cmocka_unit_test(a_request_of_another_length_is_refused),
        cmocka_unit_test(a_hint_goes_round),
        cmocka_unit_test(a_hint_of_another_length_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
