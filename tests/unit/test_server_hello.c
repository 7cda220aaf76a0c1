#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server_hello.h"
#include "writer.h"

struct message {
    uint8_t bytes[512];
    size_t len;
};

static const uint8_t retry_random[] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

/* A body with these extensions, which come with their length; NULL: none, nor a length. */
static struct message hello(const uint8_t *random, size_t id_len, const uint8_t *extensions,
                            size_t n)
{
    static const uint8_t zeroes[64];
    struct message m;
    struct writer w = writer_of(m.bytes, sizeof m.bytes);
    size_t mark;

    writer_u16(&w, 0x0303);
    writer_bytes(&w, random != NULL ? random : zeroes, 32);
    writer_u8(&w, (uint8_t)id_len);
    writer_bytes(&w, zeroes, id_len);
    writer_u16(&w, 0x1301);
    writer_u8(&w, 0);
    if (extensions != NULL) {
        mark = writer_open(&w, 2);
        writer_bytes(&w, extensions, n);
        writer_close(&w, mark, 2);
    }
    m.len = writer_len(&w);
    return m;
}

static const uint8_t tls13[] = {0,  43, 0, 2, 3, 4, 0,  51, 0, 6, 0,
                                29, 0,  2, 5, 6, 0, 41, 0,  2, 0, 3};

static void a_tls13_hello_is_read(void **state)
{
    const struct message m = hello(NULL, 32, tls13, sizeof tls13);
    struct server_hello h;

    (void)state;
    assert_true(server_hello_decode(m.bytes, m.len, &h));
    assert_int_equal(h.legacy_version, 0x0303);
    assert_int_equal(h.version, 0x0304);
    assert_false(h.retry);
    assert_int_equal(h.session_id_len, 32);
    assert_int_equal(h.suite, 0x1301);
    assert_int_equal(h.group, 29);
    assert_int_equal(h.share_len, 2);
    assert_int_equal(h.share[1], 6);
    assert_true(h.has_psk);
    assert_int_equal(h.psk_index, 3);
    assert_int_equal(h.extensions_len, sizeof tls13);
}

static void a_tls12_hello_needs_no_extensions(void **state)
{
    const struct message m = hello(NULL, 0, NULL, 0);
    struct server_hello h;

    (void)state;
    assert_true(server_hello_decode(m.bytes, m.len, &h));
    assert_int_equal(h.version, 0x0303);
    assert_non_null(h.extensions);
    assert_int_equal(h.extensions_len, 0);
}

static void a_retry_has_a_group_without_a_share(void **state)
{
    static const uint8_t extensions[] = {0, 43, 0, 2,  3, 4, 0, 51, 0, 2,
                                         0, 23, 0, 44, 0, 4, 0, 2,  9, 9};
    const struct message m = hello(retry_random, 32, extensions, sizeof extensions);
    const struct message wrong = hello(NULL, 32, extensions, sizeof extensions);
    struct server_hello h;

    (void)state;
    assert_true(server_hello_decode(m.bytes, m.len, &h));
    assert_true(h.retry);
    assert_int_equal(h.group, 23);
    assert_null(h.share);
    assert_int_equal(h.cookie_len, 2);
    assert_false(server_hello_decode(wrong.bytes, wrong.len, &h));
    assert_null(h.random);
}

static void every_cut_and_a_byte_more_are_refused(void **state)
{
    struct message m = hello(NULL, 32, tls13, sizeof tls13);
    struct server_hello h;

    (void)state;
    for (size_t n = 0; n < m.len; n++) {
        /* Before the extensions begin TLS 1.2 may end. */
        assert_int_equal(server_hello_decode(m.bytes, n, &h), n == 2 + 32 + 33 + 2 + 1);
    }
    m.bytes[m.len] = 0;
    assert_false(server_hello_decode(m.bytes, m.len + 1, &h));
}

static void values_out_of_range_are_refused(void **state)
{
    static const uint8_t empty_share[] = {0, 51, 0, 4, 0, 29, 0, 0};
    static const uint8_t long_psk[] = {0, 41, 0, 3, 0, 0, 0};
    static const uint8_t empty_cookie[] = {0, 44, 0, 2, 0, 0};
    struct message m = hello(NULL, 33, NULL, 0);
    struct server_hello h;

    (void)state;
    assert_false(server_hello_decode(m.bytes, m.len, &h));
    m = hello(NULL, 0, empty_share, sizeof empty_share);
    assert_false(server_hello_decode(m.bytes, m.len, &h));
    m = hello(NULL, 0, long_psk, sizeof long_psk);
    assert_false(server_hello_decode(m.bytes, m.len, &h));
    m = hello(retry_random, 0, empty_cookie, sizeof empty_cookie);
    assert_false(server_hello_decode(m.bytes, m.len, &h));
    m = hello(NULL, 0, NULL, 0);
    m.bytes[m.len - 1] = 1; /* compression */
    assert_false(server_hello_decode(m.bytes, m.len, &h));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tls13_hello_is_read),
        cmocka_unit_test(a_tls12_hello_needs_no_extensions),
        cmocka_unit_test(a_retry_has_a_group_without_a_share),
        cmocka_unit_test(every_cut_and_a_byte_more_are_refused),
        cmocka_unit_test(values_out_of_range_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
