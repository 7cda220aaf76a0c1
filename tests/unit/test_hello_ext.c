#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hello_ext.h"
#include "writer.h"

/* A server_name body with one name. */
static size_t sni(uint8_t *out, size_t size, uint8_t type, const void *name, size_t n)
{
    struct writer w = writer_of(out, size);
    const size_t list = writer_open(&w, 2);
    size_t mark;

    writer_u8(&w, type);
    mark = writer_open(&w, 2);
    writer_bytes(&w, name, n);
    writer_close(&w, mark, 2);
    writer_close(&w, list, 2);
    return writer_len(&w);
}

/* In a block of its own size, so that a sanitizer sees a read past the end. */
static bool decode_sni(const uint8_t *body, size_t n, char out[static HELLO_SNI_MAX + 1])
{
    uint8_t *exact = malloc(n != 0 ? n : 1);
    bool ok;

    assert_non_null(exact);
    memcpy(exact, body, n);
    ok = hello_sni_decode(exact, n, out);
    free(exact);
    return ok;
}

static void expect_name(const char *offered, const char *expected)
{
    uint8_t body[300];
    char name[HELLO_SNI_MAX + 1];
    const size_t n = sni(body, sizeof body, 0, offered, strlen(offered));

    assert_int_equal(decode_sni(body, n, name), expected != NULL);
    assert_string_equal(name, expected != NULL ? expected : "");
}

static void a_name_comes_out_in_one_spelling(void **state)
{
    (void)state;
    expect_name("www.example.com", "www.example.com");
    expect_name("WWW.Example.COM", "www.example.com");
    expect_name("www.example.com.", "www.example.com");
    expect_name("a..", "a.");
    expect_name("x", "x");
    expect_name("@[`{", "@[`{");
    expect_name("\xc3\x84", "\xc3\x84");
}

static void an_empty_name_is_refused(void **state)
{
    (void)state;
    expect_name("", NULL);
    expect_name(".", NULL);
}

static void a_name_has_at_most_255_bytes(void **state)
{
    uint8_t body[300];
    char longest[256];
    char name[HELLO_SNI_MAX + 1];

    (void)state;
    memset(longest, 'a', sizeof longest);
    assert_true(decode_sni(body, sni(body, sizeof body, 0, longest, 255), name));
    assert_int_equal(strlen(name), 255);
    assert_false(decode_sni(body, sni(body, sizeof body, 0, longest, 256), name));
    assert_string_equal(name, "");
    longest[255] = '.';
    assert_false(decode_sni(body, sni(body, sizeof body, 0, longest, 256), name));
}

static void a_name_with_nul_is_refused(void **state)
{
    static const char names[][5] = {"\0bcd", "ab\0d", "abc\0"};
    uint8_t body[32];
    char name[HELLO_SNI_MAX + 1];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_false(decode_sni(body, sni(body, sizeof body, 0, names[i], 4), name));
        assert_string_equal(name, "");
    }
}

static void another_name_type_is_refused(void **state)
{
    uint8_t body[32];
    char name[HELLO_SNI_MAX + 1];

    (void)state;
    for (unsigned type = 1; type < 256; type++) {
        assert_false(decode_sni(body, sni(body, sizeof body, (uint8_t)type, "a", 1), name));
    }
}

static void two_names_are_refused(void **state)
{
    static const uint8_t body[] = {0, 8, 0, 0, 1, 'a', 0, 0, 1, 'b'};
    char name[HELLO_SNI_MAX + 1];

    (void)state;
    assert_false(decode_sni(body, sizeof body, name));
}

static void a_name_of_another_length_is_refused(void **state)
{
    uint8_t body[64];
    char name[HELLO_SNI_MAX + 1];
    const size_t n = sni(body, sizeof body, 0, "www.example.com", 15);

    (void)state;
    body[n] = 0;
    for (size_t i = 0; i <= n + 1; i++) {
        assert_int_equal(decode_sni(body, i, name), i == n);
    }
    for (size_t i = 0; i < 5; i++) { /* every length field, one up and one down */
        if (i != 2) {
            body[i]++;
            assert_false(decode_sni(body, n, name));
            body[i] = (uint8_t)(body[i] - 2);
            assert_false(decode_sni(body, n, name));
            body[i]++;
        }
    }
    assert_true(decode_sni(body, n, name));
}

/* A pre_shared_key body; every identity has identity_len bytes, every binder binder_len. */
static size_t psk(uint8_t *out, size_t size, size_t n_identities, size_t identity_len,
                  size_t n_binders, size_t binder_len)
{
    static const uint8_t junk[1 << 16];
    struct writer w = writer_of(out, size);
    size_t list = writer_open(&w, 2);

    for (size_t i = 0; i < n_identities; i++) {
        const size_t mark = writer_open(&w, 2);

        writer_bytes(&w, junk, identity_len);
        writer_close(&w, mark, 2);
        writer_u32(&w, 0x12345678);
    }
    writer_close(&w, list, 2);
    list = writer_open(&w, 2);
    for (size_t i = 0; i < n_binders; i++) {
        const size_t mark = writer_open(&w, 1);

        writer_bytes(&w, junk, binder_len);
        writer_close(&w, mark, 1);
    }
    writer_close(&w, list, 2);
    assert_int_not_equal(writer_len(&w), 0);
    return writer_len(&w);
}

static bool decode_psk(const uint8_t *body, size_t n, struct hello_psk_offer *offer)
{
    uint8_t *exact = malloc(n != 0 ? n : 1);
    bool ok;

    assert_non_null(exact);
    memcpy(exact, body, n);
    ok = hello_psk_decode(exact, n, offer);
    free(exact);
    if (!ok) {
        assert_int_equal(offer->n_identities, 0);
        assert_int_equal(offer->longest, 0);
    }
    return ok;
}

static uint8_t psk_body[1 << 17];

static void counts_identities(void **state)
{
    static const struct {
        size_t n;
        size_t len;
        size_t binder;
    } good[] = {{1, 1, 32}, {1, 200, 48}, {3, 16, 255}, {200, 80, 32}, {1, 40000, 32}};
    struct hello_psk_offer offer;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const size_t n =
            psk(psk_body, sizeof psk_body, good[i].n, good[i].len, good[i].n, good[i].binder);

        assert_true(decode_psk(psk_body, n, &offer));
        assert_int_equal(offer.n_identities, good[i].n);
        assert_int_equal(offer.longest, good[i].len);
    }
}

static void counts_as_many_as_there_is_room_for(void **state)
{
    /* 65,535 bytes of binders hold 1,985 of them, of 33 bytes each. */
    struct hello_psk_offer offer;
    const size_t n = psk(psk_body, sizeof psk_body, 1985, 1, 1985, 32);

    (void)state;
    assert_true(decode_psk(psk_body, n, &offer));
    assert_int_equal(offer.n_identities, 1985);
}

static void refuses_what_an_offer_must_not_be(void **state)
{
    static const struct {
        size_t n_identities;
        size_t len;
        size_t n_binders;
        size_t binder;
    } bad[] = {
        {0, 0, 0, 0},   /* nothing */
        {0, 0, 1, 32},  /* no identity */
        {1, 16, 0, 0},  /* no binder */
        {2, 16, 1, 32}, /* too few */
        {1, 16, 2, 32}, /* too many */
        {1, 0, 1, 32},  /* an empty identity */
        {1, 16, 1, 31}, /* a binder shorter than any hash */
        {1, 16, 1, 0},
    };
    struct hello_psk_offer offer;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const size_t n = psk(psk_body, sizeof psk_body, bad[i].n_identities, bad[i].len,
                             bad[i].n_binders, bad[i].binder);

        assert_false(decode_psk(psk_body, n, &offer));
    }
}

static void an_offer_of_another_length_is_refused(void **state)
{
    struct hello_psk_offer offer;
    const size_t n = psk(psk_body, sizeof psk_body, 2, 20, 2, 32);

    (void)state;
    psk_body[n] = 0;
    for (size_t i = 0; i <= n + 1; i++) {
        assert_int_equal(decode_psk(psk_body, i, &offer), i == n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_comes_out_in_one_spelling),
        cmocka_unit_test(an_empty_name_is_refused),
        cmocka_unit_test(a_name_has_at_most_255_bytes),
        cmocka_unit_test(a_name_with_nul_is_refused),
        cmocka_unit_test(another_name_type_is_refused),
        cmocka_unit_test(two_names_are_refused),
        cmocka_unit_test(a_name_of_another_length_is_refused),
        cmocka_unit_test(counts_identities),
        cmocka_unit_test(counts_as_many_as_there_is_room_for),
        cmocka_unit_test(refuses_what_an_offer_must_not_be),
        cmocka_unit_test(an_offer_of_another_length_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
