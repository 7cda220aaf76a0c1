#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "new_session_ticket.h"

/* Written by hand from RFC 5077 section 3.3: a hint of 300 s and a ticket of 4 bytes. */
static const uint8_t body12[] = {0, 0, 1, 0x2c, 0, 4, 0xde, 0xad, 0xbe, 0xef};

/*
 * From RFC 8446 section 4.6.1: 7 days, age_add, a nonce of 2 bytes, a ticket of 3, then the
 * extensions early_data with 16384 and a GREASE one without a body.
 */
static const uint8_t body13[] = {0, 9, 0x3a, 0x80, 1,  2, 3, 4, 2, 0xaa, 0xbb, 0,    3,    1, 2,
                                 3, 0, 12,   0,    42, 0, 4, 0, 0, 0x40, 0,    0x1a, 0x1a, 0, 0};

static bool is_zero(const struct new_session_ticket *t)
{
    const struct new_session_ticket none = {0};

    return memcmp(t, &none, sizeof none) == 0;
}

static void a_message_of_tls12(void **state)
{
    struct new_session_ticket t;

    (void)state;
    assert_true(new_session_ticket_decode_12(body12, sizeof body12, &t));
    assert_int_equal(t.version, 0x0303);
    assert_int_equal(t.lifetime_s, 300);
    assert_int_equal(t.ticket_len, 4);
    assert_ptr_equal(t.ticket, body12 + 6);
    assert_int_equal(t.n_extensions, 0);
}

static void a_message_of_tls13(void **state)
{
    struct new_session_ticket t;
    struct new_session_ticket_extension e;

    (void)state;
    assert_true(new_session_ticket_decode_13(body13, sizeof body13, &t));
    assert_int_equal(t.version, 0x0304);
    assert_int_equal(t.lifetime_s, 604800);
    assert_int_equal(t.age_add, 0x01020304);
    assert_int_equal(t.nonce_len, 2);
    assert_ptr_equal(t.nonce, body13 + 9);
    assert_int_equal(t.ticket_len, 3);
    assert_int_equal(t.n_extensions, 2);
    assert_true(t.has_early_data);
    assert_int_equal(t.max_early_data, 16384);
    assert_false(t.has_duplicate);
    assert_true(new_session_ticket_extension(&t, 1, &e));
    assert_int_equal(e.type, 0x1a1a);
    assert_int_equal(e.len, 0);
    assert_false(new_session_ticket_extension(&t, 2, &e));
    assert_int_equal(e.type, 0);
}

static void what_is_cut_or_longer_is_refused(void **state)
{
    uint8_t longer[sizeof body13 + 1] = {0};
    struct new_session_ticket t;

    (void)state;
    for (size_t n = 0; n < sizeof body12; n++) {
        assert_false(new_session_ticket_decode_12(body12, n, &t));
        assert_true(is_zero(&t));
    }
    for (size_t n = 0; n < sizeof body13; n++) {
        assert_false(new_session_ticket_decode_13(body13, n, &t));
        assert_true(is_zero(&t));
    }
    memcpy(longer, body12, sizeof body12);
    assert_false(new_session_ticket_decode_12(longer, sizeof body12 + 1, &t));
    memcpy(longer, body13, sizeof body13);
    assert_false(new_session_ticket_decode_13(longer, sizeof body13 + 1, &t));
    assert_true(is_zero(&t));
}

static void empty_tickets(void **state)
{
    static const uint8_t none12[] = {0, 0, 0, 0, 0, 0};
    static const uint8_t none13[] = {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    struct new_session_ticket t;

    (void)state;
    assert_true(new_session_ticket_decode_12(none12, sizeof none12, &t));
    assert_int_equal(t.ticket_len, 0);
    assert_false(new_session_ticket_decode_13(none13, sizeof none13, &t));
}

static void an_early_data_of_another_length_is_refused(void **state)
{
    uint8_t body[sizeof body13];
    struct new_session_ticket t;

    (void)state;
    memcpy(body, body13, sizeof body);
    body[21] = 3; /* its length, so that the next begins a byte earlier */
    assert_false(new_session_ticket_decode_13(body, sizeof body, &t));
}

static void an_extension_that_comes_twice_is_told(void **state)
{
    static const uint8_t body[] = {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1,
                                   7, 0, 8, 9, 9, 0, 0, 9, 9, 0, 0};
    struct new_session_ticket t;

    (void)state;
    assert_true(new_session_ticket_decode_13(body, sizeof body, &t));
    assert_true(t.has_duplicate);
    assert_int_equal(t.n_extensions, 2);
}

/* As many as there is room for: what takes long here takes long for every ticket of such a server.
 */
static void many_extensions_are_told_apart(void **state)
{
    enum { COUNT = 16383, HEAD = 14 };
    static uint8_t body[HEAD + 4 * COUNT] = {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 7};
    struct new_session_ticket t;

    (void)state;
    body[HEAD - 2] = (uint8_t)(4 * COUNT >> 8);
    body[HEAD - 1] = (uint8_t)(4 * COUNT & 0xff);
    for (unsigned i = 0; i < COUNT; i++) {
        body[HEAD + 4 * i] = (uint8_t)((0x1000 + i) >> 8);
        body[HEAD + 4 * i + 1] = (uint8_t)((0x1000 + i) & 0xff);
    }
    assert_true(new_session_ticket_decode_13(body, sizeof body, &t));
    assert_int_equal(t.n_extensions, COUNT);
    assert_false(t.has_duplicate);
    memcpy(body + sizeof body - 4, body + HEAD, 2);
    assert_true(new_session_ticket_decode_13(body, sizeof body, &t));
    assert_true(t.has_duplicate);
}

static void either_is_found_out(void **state)
{
    uint8_t message[4 + sizeof body13] = {4, 0, 0, sizeof body13};
    struct new_session_ticket t;

    (void)state;
    memcpy(message + 4, body13, sizeof body13);
    assert_true(new_session_ticket_detect(message, sizeof message, &t));
    assert_int_equal(t.version, 0x0304);
    assert_true(new_session_ticket_detect(body13, sizeof body13, &t));
    assert_int_equal(t.version, 0x0304);
    assert_true(new_session_ticket_detect(body12, sizeof body12, &t));
    assert_int_equal(t.version, 0x0303);
    memcpy(message + 4, body12, sizeof body12);
    message[3] = sizeof body12;
    assert_true(new_session_ticket_detect(message, 4 + sizeof body12, &t));
    assert_int_equal(t.version, 0x0303);
    message[0] = 5;
    assert_false(new_session_ticket_detect(message, 4 + sizeof body12, &t));
    assert_true(is_zero(&t));
}

static void both_encode_to_the_same_bytes(void **state)
{
    struct new_session_ticket t;
    uint8_t out[64];

    (void)state;
    assert_true(new_session_ticket_decode_12(body12, sizeof body12, &t));
    assert_int_equal(new_session_ticket_encode(&t, out, sizeof out), sizeof body12);
    assert_memory_equal(out, body12, sizeof body12);
    assert_true(new_session_ticket_decode_13(body13, sizeof body13, &t));
    assert_int_equal(new_session_ticket_encode(&t, out, sizeof out), sizeof body13);
    assert_memory_equal(out, body13, sizeof body13);
    assert_int_equal(new_session_ticket_encode(&t, out, sizeof body13 - 1), 0);
    t.nonce_len = 256;
    assert_int_equal(new_session_ticket_encode(&t, out, sizeof out), 0);
    t.nonce_len = 0;
    t.version = 0x0302;
    assert_int_equal(new_session_ticket_encode(&t, out, sizeof out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_of_tls12),
        cmocka_unit_test(a_message_of_tls13),
        cmocka_unit_test(what_is_cut_or_longer_is_refused),
        cmocka_unit_test(empty_tickets),
        cmocka_unit_test(an_early_data_of_another_length_is_refused),
        cmocka_unit_test(an_extension_that_comes_twice_is_told),
        cmocka_unit_test(many_extensions_are_told_apart),
        cmocka_unit_test(either_is_found_out),
        cmocka_unit_test(both_encode_to_the_same_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
