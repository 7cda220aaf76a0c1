#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "echo.h"
#include "ticket_fields.h"

static struct trial_ticket ticket13(uint8_t id, uint32_t age_add, uint8_t nonce)
{
    return (struct trial_ticket){.version = RAW_TLS13,
                                 .lifetime_s = 7200,
                                 .age_add = age_add,
                                 .nonce_len = 8,
                                 .nonce = {nonce},
                                 .len = 200,
                                 .digest = {id}};
}

static void sound_tickets_are_no_finding(void **state)
{
    struct ticket_fields f = {0};
    struct ticket_fields_verdict v;

    (void)state;
    for (uint8_t i = 0; i < 8; i++) {
        const struct trial_ticket t = ticket13(i, 0x80000000U + i * 0x01234567U, i % 2);

        ticket_fields_add(&f, i / 2U, &t); /* a counter of nonces in each connection */
    }
    ticket_fields_judge(&f, &v);
    assert_int_equal(v.n13, 8);
    assert_int_equal(v.n_repeats, 0);
    assert_int_equal(v.n_nonce_repeats, 0);
    assert_int_equal(v.n_age_add_repeats, 0);
    assert_false(v.age_add_small);
    assert_int_equal(v.longest_s, 7200);
}

static void repeated_tickets_are_counted_once_each(void **state)
{
    struct ticket_fields f = {0};
    struct ticket_fields_verdict v;

    (void)state;
    for (uint8_t i = 0; i < 6; i++) {
        const struct trial_ticket t = ticket13(i % 2, 0x80000000U + i % 2U, i);

        ticket_fields_add(&f, i, &t);
    }
    ticket_fields_judge(&f, &v);
    assert_int_equal(v.n_repeats, 4);
    assert_int_equal(v.n_age_add_repeats, 0); /* of one ticket it is one */
}

static void age_add_and_nonces_are_compared(void **state)
{
    struct ticket_fields f = {0};
    struct ticket_fields_verdict v;

    (void)state;
    for (uint8_t i = 0; i < 4; i++) {
        const struct trial_ticket t = ticket13(i, 0xdeadbeef, 0);

        ticket_fields_add(&f, i / 2U, &t);
    }
    ticket_fields_judge(&f, &v);
    assert_int_equal(v.n_age_add_repeats, 3);
    assert_int_equal(v.age_add, 0xdeadbeef);
    assert_int_equal(v.n_nonce_repeats, 2);
}

static void small_age_add_takes_four(void **state)
{
    struct ticket_fields f = {0};
    struct ticket_fields_verdict v;

    (void)state;
    for (uint8_t i = 0; i < 3; i++) {
        const struct trial_ticket t = ticket13(i, i, i);

        ticket_fields_add(&f, i, &t);
    }
    ticket_fields_judge(&f, &v);
    assert_false(v.age_add_small);
    f.tickets[f.n++] = (struct seen_ticket){ticket13(9, 9, 9), 9};
    ticket_fields_judge(&f, &v);
    assert_true(v.age_add_small);
}

static void tickets_of_tls12_have_neither(void **state)
{
    struct ticket_fields f = {0};
    struct ticket_fields_verdict v;

    (void)state;
    for (uint8_t i = 0; i < 6; i++) {
        const struct trial_ticket t = {
            .version = RAW_TLS12, .lifetime_s = 700000, .len = 180, .digest = {i}};

        ticket_fields_add(&f, 0, &t);
    }
    ticket_fields_judge(&f, &v);
    assert_int_equal(v.n13 + v.n_nonce_repeats + v.n_age_add_repeats + v.n_repeats, 0);
    assert_false(v.age_add_small);
    assert_int_equal(v.longest_version, RAW_TLS12);
    assert_int_equal(v.longest_s, 700000);
}

static void more_tickets_than_fit_are_dropped(void **state)
{
    struct ticket_fields f = {0};
    const struct trial_ticket t = ticket13(1, 1, 1);

    (void)state;
    for (unsigned i = 0; i < TICKET_FIELDS_MAX + 5; i++) {
        ticket_fields_add(&f, i, &t);
    }
    assert_int_equal(f.n, TICKET_FIELDS_MAX);
}

static void a_longer_echo_is_wrong(void **state)
{
    const uint8_t sent[] = {7, 8, 9};
    const uint8_t padded[] = {7, 8, 9, 0, 0, 0};
    const uint8_t own[] = {1, 2, 3, 4, 5, 6};

    (void)state;
    assert_true(echo_is_wrong(sent, 3, padded, 6));
    assert_false(echo_is_wrong(sent, 3, padded, 3));
    assert_false(echo_is_wrong(sent, 3, own, 6));
    assert_false(echo_is_wrong(sent, 3, NULL, 0));
    assert_false(echo_is_wrong(sent, 0, own, 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_tickets_are_no_finding),
        cmocka_unit_test(repeated_tickets_are_counted_once_each),
        cmocka_unit_test(age_add_and_nonces_are_compared),
        cmocka_unit_test(small_age_add_takes_four),
        cmocka_unit_test(tickets_of_tls12_have_neither),
        cmocka_unit_test(more_tickets_than_fit_are_dropped),
        cmocka_unit_test(a_longer_echo_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
