#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "handshake.h"

static void a_header_goes_round(void **state)
{
    static const uint8_t bytes[] = {11, 1, 2, 3};
    struct handshake h;
    uint8_t again[HANDSHAKE_HEADER_LEN];

    (void)state;
    for (size_t n = 0; n < sizeof bytes; n++) {
        assert_false(handshake_decode(bytes, n, &h));
    }
    assert_true(handshake_decode(bytes, sizeof bytes, &h));
    assert_int_equal(h.type, HANDSHAKE_CERTIFICATE);
    assert_int_equal(h.len, 0x010203);
    handshake_encode(&h, again);
    assert_memory_equal(again, bytes, sizeof bytes);
}

static void messages_have_names(void **state)
{
    (void)state;
    assert_string_equal(handshake_word(HANDSHAKE_SERVER_HELLO), "ServerHello");
    assert_string_equal(handshake_word(HANDSHAKE_FINISHED), "Finished");
    assert_string_equal(handshake_word(99), "unknown message");
}

static void encrypted_extensions_are_checked(void **state)
{
    static const uint8_t body[] = {0, 8, 0, 0, 0, 0, 0, 16, 0, 0, 9};
    const uint8_t *block;
    size_t len;

    (void)state;
    assert_true(handshake_extensions_decode(body, 10, 2, &block, &len));
    assert_ptr_equal(block, body + 2);
    assert_int_equal(len, 8);
    assert_false(handshake_extensions_decode(body, 10, 1, &block, &len));
    assert_null(block);
    for (size_t n = 0; n < 10; n++) {
        assert_false(handshake_extensions_decode(body, n, 2, &block, &len));
    }
    assert_false(handshake_extensions_decode(body, 11, 2, &block, &len));
}

static void certificates_are_walked(void **state)
{
    static const uint8_t body12[] = {0, 0, 9, 0, 0, 2, 1, 2, 0, 0, 1, 3};
    static const uint8_t body13[] = {0, 0, 0, 17, 0, 0, 2, 1, 2, 0, 4,
                                     0, 5, 0, 0,  0, 0, 1, 3, 0, 0};
    const struct {
        const uint8_t *body;
        size_t n;
    } both[] = {{body12, sizeof body12}, {body13, sizeof body13}};
    struct reader entries;
    const uint8_t *der;
    size_t len;

    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        assert_true(handshake_certificates(both[tls13].body, both[tls13].n, tls13 != 0, &entries));
        assert_true(handshake_certificate_next(&entries, tls13 != 0, &der, &len));
        assert_int_equal(len, 2);
        assert_int_equal(der[1], 2);
        assert_true(handshake_certificate_next(&entries, tls13 != 0, &der, &len));
        assert_int_equal(len, 1);
        assert_false(handshake_certificate_next(&entries, tls13 != 0, &der, &len));
        assert_true(reader_done(&entries));
        for (size_t n = 0; n < both[tls13].n; n++) {
            assert_false(handshake_certificates(both[tls13].body, n, tls13 != 0, &entries));
        }
    }
}

static void a_bad_certificate_list_fails_its_reader(void **state)
{
    static const uint8_t empty[] = {0, 0, 3, 0, 0, 0};
    static const uint8_t cut[] = {0, 0, 4, 0, 0, 2, 1};
    static const uint8_t context[] = {1, 7, 0, 0, 0};
    struct reader entries;
    const uint8_t *der;
    size_t len;

    (void)state;
    assert_true(handshake_certificates(empty, sizeof empty, false, &entries));
    assert_false(handshake_certificate_next(&entries, false, &der, &len));
    assert_true(entries.failed);
    assert_true(handshake_certificates(cut, sizeof cut, false, &entries));
    assert_false(handshake_certificate_next(&entries, false, &der, &len));
    assert_true(entries.failed);
    assert_false(handshake_certificates(context, sizeof context, true, &entries));
}

static void a_signature_is_read(void **state)
{
    static const uint8_t body[] = {4, 3, 0, 2, 9, 8, 0};
    struct handshake_signature s;

    (void)state;
    assert_true(handshake_certificate_verify_decode(body, 6, &s));
    assert_int_equal(s.scheme, 0x0403);
    assert_int_equal(s.len, 2);
    assert_false(handshake_certificate_verify_decode(body, 5, &s));
    assert_null(s.bytes);
    assert_false(handshake_certificate_verify_decode(body, 7, &s));
}

static void a_key_exchange_is_read(void **state)
{
    static const uint8_t body[] = {3, 0, 29, 2, 5, 6, 4, 3, 0, 1, 9, 0};
    uint8_t other[sizeof body];
    struct handshake_key_exchange e;

    (void)state;
    assert_true(handshake_key_exchange_decode(body, 11, &e));
    assert_int_equal(e.group, 29);
    assert_int_equal(e.share_len, 2);
    assert_int_equal(e.signed_len, 6);
    assert_int_equal(e.signature.scheme, 0x0403);
    for (size_t n = 0; n < 11; n++) {
        assert_false(handshake_key_exchange_decode(body, n, &e));
    }
    assert_false(handshake_key_exchange_decode(body, 12, &e));
    memcpy(other, body, sizeof other);
    other[0] = 1; /* an explicit curve */
    assert_false(handshake_key_exchange_decode(other, 11, &e));
}

static void a_certificate_request_is_read(void **state)
{
    static const uint8_t body12[] = {1, 64, 0, 2, 4, 3, 0, 3, 0, 1, 7};
    static const uint8_t body13[] = {1, 9, 0, 8, 0, 13, 0, 4, 0, 2, 8, 4};
    static const uint8_t odd[] = {1, 64, 0, 1, 4, 0, 0};
    struct handshake_certificate_request r;

    (void)state;
    assert_true(handshake_certificate_request_decode(body12, sizeof body12, false, &r));
    assert_int_equal(r.schemes_len, 2);
    assert_int_equal(r.schemes[0], 4);
    assert_true(handshake_certificate_request_decode(body13, sizeof body13, true, &r));
    assert_int_equal(r.context_len, 1);
    assert_int_equal(r.context[0], 9);
    assert_int_equal(r.schemes[0], 8);
    assert_false(handshake_certificate_request_decode(odd, sizeof odd, false, &r));
    for (size_t n = 0; n < sizeof body12; n++) {
        assert_false(handshake_certificate_request_decode(body12, n, false, &r));
    }
    for (size_t n = 0; n < sizeof body13; n++) {
        assert_false(handshake_certificate_request_decode(body13, n, true, &r));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_goes_round),
        cmocka_unit_test(messages_have_names),
        cmocka_unit_test(encrypted_extensions_are_checked),
        cmocka_unit_test(certificates_are_walked),
        cmocka_unit_test(a_bad_certificate_list_fails_its_reader),
        cmocka_unit_test(a_signature_is_read),
        cmocka_unit_test(a_key_exchange_is_read),
        cmocka_unit_test(a_certificate_request_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
