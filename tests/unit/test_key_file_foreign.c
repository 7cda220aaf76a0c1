#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "key_file_foreign.h"

#define ROOM 64

/* Every byte its own place in the file, so that a swapped order shows. */
static void fill(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)(i + 128);
    }
}

static const struct foreign_key *find(const struct foreign_key *keys, size_t n,
                                      enum key_order order, unsigned index)
{
    for (size_t i = 0; i < n; i++) {
        if (keys[i].order == order && keys[i].index == index) {
            return &keys[i];
        }
    }
    return NULL;
}

static void check(const struct foreign_key *k, const uint8_t *file, size_t name_at, size_t aes_at,
                  size_t aes_len, size_t hmac_at, size_t hmac_len)
{
    assert_non_null(k);
    assert_memory_equal(k->name, file + name_at, 16);
    assert_int_equal(k->aes_len, aes_len);
    assert_memory_equal(k->aes, file + aes_at, aes_len);
    assert_int_equal(k->hmac_len, hmac_len);
    assert_memory_equal(k->hmac, file + hmac_at, hmac_len);
}

static void a_file_of_48_has_two_orders(void **state)
{
    struct foreign_key keys[ROOM];
    uint8_t file[48];
    size_t n;

    (void)state;
    fill(file, sizeof file);
    n = key_file_foreign_decode(file, sizeof file, keys, ROOM);
    assert_int_equal(n, 2);
    check(find(keys, n, KEY_ORDER_AH48, 0), file, 0, 16, 16, 32, 16);
    check(find(keys, n, KEY_ORDER_HA48, 0), file, 0, 32, 16, 16, 16);
}

static void a_file_of_80_has_two_orders(void **state)
{
    struct foreign_key keys[ROOM];
    uint8_t file[80];
    size_t n;

    (void)state;
    fill(file, sizeof file);
    n = key_file_foreign_decode(file, sizeof file, keys, ROOM);
    assert_int_equal(n, 2);
    check(find(keys, n, KEY_ORDER_HA80, 0), file, 0, 48, 32, 16, 32);
    check(find(keys, n, KEY_ORDER_AH80, 0), file, 0, 16, 32, 48, 32);
}

static void keys_in_a_row(void **state)
{
    struct foreign_key keys[ROOM];
    uint8_t file[276];
    size_t n;

    (void)state;
    fill(file, sizeof file);
    n = key_file_foreign_decode(file, 144, keys, ROOM); /* Traffic Server, three keys */
    check(find(keys, n, KEY_ORDER_HA48, 2), file, 96, 128, 16, 112, 16);
    assert_null(find(keys, n, KEY_ORDER_AH48, 0));
    n = key_file_foreign_decode(file, 276, keys, ROOM); /* lighttpd, three keys */
    assert_int_equal(n, 3);
    check(find(keys, n, KEY_ORDER_LIGHTTPD, 1), file, 92 + 12, 92 + 12 + 48, 32, 92 + 12 + 16, 32);
    n = key_file_foreign_decode(file, 64, keys, ROOM); /* dnsdist with GnuTLS */
    check(find(keys, n, KEY_ORDER_AH64, 0), file, 0, 16, 32, 48, 16);
}

static void a_seed_of_go(void **state)
{
    struct foreign_key keys[ROOM];
    uint8_t file[32];

    (void)state;
    fill(file, sizeof file);
    assert_int_equal(key_file_foreign_decode(file, sizeof file, keys, ROOM), 1);
    assert_int_equal(keys[0].order, KEY_ORDER_GO_SEED);
    assert_memory_equal(keys[0].aes, file, 32);
}

/* base64 of 48 bytes 0, of 48 bytes 1. */
static void lines_of_haproxy(void **state)
{
    static const char text[] =
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
        "  AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\r\n";
    struct foreign_key keys[ROOM];
    const size_t n = key_file_foreign_decode((const uint8_t *)text, strlen(text), keys, ROOM);

    (void)state;
    assert_int_equal(n, 4);
    assert_non_null(find(keys, n, KEY_ORDER_AH48, 1));
    assert_true(find(keys, n, KEY_ORDER_AH48, 1)->base64);
    assert_int_equal(find(keys, n, KEY_ORDER_HA48, 1)->hmac[15], 1);
}

static void yaml_of_h2o(void **state)
{
    static const char text[] =
        "- name: 000102030405060708090a0b0c0d0e0f\n"
        "  cipher: aes-256-cbc\n"
        "  hash: sha256\n"
        "  key: \"1111111111111111111111111111111111111111111111111111111111111111"
        "2222222222222222222222222222222222222222222222222222222222222222"
        "2222222222222222222222222222222222222222222222222222222222222222\"\n"
        "  not_before: 1\n"
        "- key: 3333333333333333333333333333333333333333333333333333333333333333\n"
        "  name: 101112131415161718191a1b1c1d1e1f\n"
        "- name: 2021\n"
        "  key: 3333333333333333333333333333333333333333333333333333333333333333\n";
    struct foreign_key keys[ROOM];
    const size_t n = key_file_foreign_decode((const uint8_t *)text, strlen(text), keys, ROOM);

    (void)state;
    assert_int_equal(n, 2);
    assert_int_equal(keys[0].order, KEY_ORDER_H2O);
    assert_int_equal(keys[0].aes_len, 32);
    assert_int_equal(keys[0].hmac_len, 64);
    assert_int_equal(keys[0].aes[31], 0x11);
    assert_int_equal(keys[0].hmac[63], 0x22);
    assert_int_equal(keys[1].name[15], 0x1f);
}

static void what_is_no_key_file_is_refused(void **state)
{
    static const char *const texts[] = {"hello\n", "-----BEGIN PRIVATE KEY-----\n", "\n", "AAAA\n"};
    struct foreign_key keys[ROOM];
    uint8_t file[200];

    (void)state;
    fill(file, sizeof file);
    for (size_t n = 0; n < sizeof file; n++) {
        const bool known =
            n != 0 && (n == 32 || n % 48 == 0 || n % 80 == 0 || n % 64 == 0 || n % 92 == 0);

        assert_int_equal(key_file_foreign_decode(file, n, keys, ROOM) != 0, known);
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(
            key_file_foreign_decode((const uint8_t *)texts[i], strlen(texts[i]), keys, ROOM), 0);
    }
}

static void no_more_than_there_is_room_for(void **state)
{
    struct foreign_key keys[3];
    uint8_t file[80 * 3];

    (void)state;
    fill(file, sizeof file);
    assert_int_equal(key_file_foreign_decode(file, sizeof file, keys, 3), 3);
    assert_int_equal(key_file_foreign_decode(file, sizeof file, keys, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_48_has_two_orders),
        cmocka_unit_test(a_file_of_80_has_two_orders),
        cmocka_unit_test(keys_in_a_row),
        cmocka_unit_test(a_seed_of_go),
        cmocka_unit_test(lines_of_haproxy),
        cmocka_unit_test(yaml_of_h2o),
        cmocka_unit_test(what_is_no_key_file_is_refused),
        cmocka_unit_test(no_more_than_there_is_room_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
