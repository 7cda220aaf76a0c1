#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "client_hello.h"
#include "hello_ext.h"
#include "reader.h"
#include "tls_extension.h"

static const uint8_t random_bytes[32] = {1};
static const uint16_t suites[] = {0x1301, 0xc02b};

static struct client_hello a_hello(void)
{
    const struct client_hello h = {0x0303, random_bytes, random_bytes, 3, suites, 2};

    return h;
}

/* Reads up to the extensions, which it returns. */
static struct reader extensions_of(const uint8_t *p, size_t n)
{
    struct reader r = reader_of(p, n);
    struct reader block;

    assert_int_equal(reader_u8(&r), 1);
    assert_int_equal(reader_u24(&r), n - 4);
    assert_int_equal(reader_u16(&r), 0x0303);
    assert_memory_equal(reader_bytes(&r, 32), random_bytes, 32);
    block = reader_vec8(&r);
    assert_int_equal(reader_left(&block), 3);
    block = reader_vec16(&r);
    assert_int_equal(reader_u16(&block), 0x1301);
    assert_int_equal(reader_u16(&block), 0xc02b);
    assert_true(reader_done(&block));
    assert_int_equal(reader_u16(&r), 0x0100); /* one compression, null */
    block = reader_vec16(&r);
    assert_true(reader_done(&r));
    return block;
}

static struct tls_extension next(struct reader *block)
{
    struct tls_extension ext;

    assert_true(tls_extension_next(block, &ext));
    return ext;
}

static void every_extension_has_its_shape(void **state)
{
    static const char *const names[] = {"a.example", "b"};
    static const uint8_t modes[] = {1, 0};
    const struct client_hello h = a_hello();
    const struct client_hello_share share = {29, random_bytes, 2};
    uint8_t out[512];
    struct writer w = writer_of(out, sizeof out);
    const struct client_hello_marks marks = client_hello_open(&w, &h);
    struct reader block;
    struct tls_extension ext;
    char sni[HELLO_SNI_MAX + 1];

    (void)state;
    client_hello_ext_names(&w, names, 1);
    client_hello_ext_names(&w, names, 2);
    client_hello_ext_u16s(&w, TLS_EXT_SUPPORTED_VERSIONS, suites, 2, 1);
    client_hello_ext_alpn(&w, names, 2);
    client_hello_ext_psk_modes(&w, modes, 2);
    client_hello_ext_cookie(&w, modes, 2);
    client_hello_ext_renegotiation(&w, NULL, 0);
    client_hello_ext_padding(&w, 300);
    client_hello_ext_shares(&w, &share, 1);
    client_hello_close(&w, &marks);
    assert_int_equal(writer_len(&w) != 0, 1);

    block = extensions_of(out, writer_len(&w));
    ext = next(&block);
    assert_true(hello_sni_decode(ext.body, ext.len, sni));
    assert_string_equal(sni, "a.example");
    ext = next(&block); /* two names in one list: no server has to like it */
    assert_int_equal(ext.len, 2 + 3 + 9 + 3 + 1);
    ext = next(&block);
    assert_memory_equal(ext.body, "\4\x13\1\xc0\x2b", ext.len);
    ext = next(&block);
    assert_memory_equal(ext.body,
                        "\0\x0c\x09"
                        "a.example\1b",
                        ext.len);
    ext = next(&block);
    assert_memory_equal(ext.body, "\2\1\0", ext.len);
    ext = next(&block);
    assert_memory_equal(ext.body, "\0\2\1\0", ext.len);
    ext = next(&block);
    assert_memory_equal(ext.body, "\0", ext.len);
    ext = next(&block);
    assert_int_equal(ext.len, 300);
    ext = next(&block);
    assert_memory_equal(ext.body, "\0\6\0\x1d\0\2\1\0", ext.len);
    assert_true(reader_done(&block));
}

static void binders_are_the_last_bytes(void **state)
{
    static const struct client_hello_identity identities[] = {{random_bytes, 5, 7},
                                                              {random_bytes, 6, 8}};
    static const uint8_t lens[] = {32, 48};
    const struct client_hello h = a_hello();
    uint8_t out[512];
    struct writer w = writer_of(out, sizeof out);
    const struct client_hello_marks marks = client_hello_open(&w, &h);
    struct reader block;
    struct tls_extension ext;
    struct hello_psk_offer offer;

    (void)state;
    client_hello_ext_psk(&w, identities, 2, lens, 2);
    client_hello_close(&w, &marks);
    block = extensions_of(out, writer_len(&w));
    ext = next(&block);
    assert_true(hello_psk_decode(ext.body, ext.len, &offer));
    assert_int_equal(offer.n_identities, 2);
    assert_int_equal(offer.longest, 6);
    assert_ptr_equal(ext.body + ext.len, out + writer_len(&w));
}

static void what_does_not_fit_fails_the_writer(void **state)
{
    static uint8_t out[70000];
    const struct client_hello h = a_hello();
    struct writer w = writer_of(out, sizeof out);
    struct client_hello_marks marks = client_hello_open(&w, &h);

    (void)state;
    client_hello_ext_padding(&w, 65536);
    client_hello_close(&w, &marks);
    assert_true(w.failed);
    for (size_t n = 0; n < 100; n++) {
        w = writer_of(out, n);
        marks = client_hello_open(&w, &h);
        client_hello_ext_padding(&w, 100);
        client_hello_close(&w, &marks);
        assert_int_equal(writer_len(&w), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_extension_has_its_shape),
        cmocka_unit_test(binders_are_the_last_bytes),
        cmocka_unit_test(what_does_not_fit_fails_the_writer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
