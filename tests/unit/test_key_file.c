#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "key_file.h"

/* Every byte its own place in the file, so that a swapped order shows. */
static void fill(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)i;
    }
}

static bool all_zero(const void *p, size_t n)
{
    const uint8_t *bytes = p;
    uint8_t any = 0;

    for (size_t i = 0; i < n; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

static void a_short_file_is_name_aes_hmac(void **state)
{
    uint8_t file[48];
    uint8_t back[80];
    struct stek k;

    (void)state;
    fill(file, sizeof file);
    assert_true(key_file_nginx_decode(file, sizeof file, &k));
    assert_int_equal(k.key_len, 16);
    assert_memory_equal(k.name, file, 16);
    assert_memory_equal(k.aes, file + 16, 16);
    assert_memory_equal(k.hmac, file + 32, 16);
    assert_true(all_zero(k.aes + 16, 16));
    assert_true(all_zero(k.hmac + 16, 16));
    assert_int_equal(key_file_nginx_encode(&k, back), 48);
    assert_memory_equal(back, file, 48);
}

static void a_long_file_is_name_hmac_aes(void **state)
{
    uint8_t file[80];
    uint8_t back[80];
    struct stek k;

    (void)state;
    fill(file, sizeof file);
    assert_true(key_file_nginx_decode(file, sizeof file, &k));
    assert_int_equal(k.key_len, 32);
    assert_memory_equal(k.name, file, 16);
    assert_memory_equal(k.hmac, file + 16, 32);
    assert_memory_equal(k.aes, file + 48, 32);
    assert_int_equal(key_file_nginx_encode(&k, back), 80);
    assert_memory_equal(back, file, 80);
}

/* Both lengths; the short one is nginx's. */
static void haproxy_has_the_aes_key_first(void **state)
{
    uint8_t file[80];
    uint8_t back[80];
    struct stek k;

    (void)state;
    fill(file, sizeof file);
    assert_true(key_file_haproxy_decode(file, sizeof file, &k));
    assert_memory_equal(k.name, file, 16);
    assert_memory_equal(k.aes, file + 16, 32);
    assert_memory_equal(k.hmac, file + 48, 32);
    assert_int_equal(key_file_haproxy_encode(&k, back), 80);
    assert_memory_equal(back, file, 80);
    assert_true(key_file_haproxy_decode(file, 48, &k));
    assert_memory_equal(k.aes, file + 16, 16);
    assert_memory_equal(k.hmac, file + 32, 16);
    assert_int_equal(key_file_haproxy_encode(&k, back), 48);
    assert_memory_equal(back, file, 48);
    assert_false(key_file_haproxy_decode(file, 79, &k));
}

static void every_other_length_is_refused(void **state)
{
    uint8_t file[512];

    (void)state;
    fill(file, sizeof file);
    for (size_t n = 0; n <= sizeof file; n++) {
        struct stek k;

        memset(&k, 0xaa, sizeof k);
        assert_int_equal(key_file_nginx_decode(file, n, &k), n == 48 || n == 80);
        if (n != 48 && n != 80) {
            assert_true(all_zero(&k, sizeof k));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_file_is_name_aes_hmac),
        cmocka_unit_test(a_long_file_is_name_hmac_aes),
        cmocka_unit_test(haproxy_has_the_aes_key_first),
        cmocka_unit_test(every_other_length_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
