#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "lean_hash.h"

static const char *const names[] = {"SHA2-256", "SHA2-384", "SHA2-512", "SHA1"};

#define N_NAMES (sizeof names / sizeof names[0])

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void fill(uint32_t *seed, uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)next(seed);
    }
}

/* RFC 4231, 4.2 and 4.3. */
static void vectors(void **state)
{
    static const uint8_t key1[20] = {0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
                                     0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b};
    static const uint8_t mac1[32] = {0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53,
                                     0x5c, 0xa8, 0xaf, 0xce, 0xaf, 0x0b, 0xf1, 0x2b,
                                     0x88, 0x1d, 0xc2, 0x00, 0xc9, 0x83, 0x3d, 0xa7,
                                     0x26, 0xe9, 0x37, 0x6c, 0x2e, 0x32, 0xcf, 0xf7};
    static const uint8_t mac2[48] = {0xaf, 0x45, 0xd2, 0xe3, 0x76, 0x48, 0x40, 0x31, 0x61, 0x7f,
                                     0x78, 0xd2, 0xb5, 0x8a, 0x6b, 0x1b, 0x9c, 0x7e, 0xf4, 0x64,
                                     0xf5, 0xa0, 0x1b, 0x47, 0xe4, 0x2e, 0xc3, 0x73, 0x63, 0x22,
                                     0x44, 0x5e, 0x8e, 0x22, 0x40, 0xca, 0x5e, 0x69, 0xe2, 0xc7,
                                     0x8b, 0x32, 0x39, 0xec, 0xfa, 0xb2, 0x16, 0x49};
    const struct lean_span hi = {(const uint8_t *)"Hi There", 8};
    const struct lean_span what[] = {{(const uint8_t *)"what do ya want ", 16},
                                     {(const uint8_t *)"for nothing?", 12}};
    struct lean_hash h;
    uint8_t out[LEAN_HASH_SIZE];

    (void)state;
    assert_int_equal(lean_hash_init(&h, "SHA2-256"), RP_OK);
    assert_true(lean_hash_hmac(&h, (struct lean_span){key1, sizeof key1}, &hi, 1, out));
    assert_memory_equal(out, mac1, sizeof mac1);
    lean_hash_fini(&h);
    assert_int_equal(lean_hash_init(&h, "SHA2-384"), RP_OK);
    assert_true(lean_hash_hmac(&h, (struct lean_span){(const uint8_t *)"Jefe", 4}, what, 2, out));
    assert_memory_equal(out, mac2, sizeof mac2);
    lean_hash_fini(&h);
}

/* Every length of the key, and many of the message, in up to three parts. */
static void same_as_libcrypto(void **state)
{
    uint32_t seed = 1;
    uint8_t key[LEAN_HASH_BLOCK];
    uint8_t message[400];
    uint8_t out[LEAN_HASH_SIZE];
    uint8_t expected[EVP_MAX_MD_SIZE];
    struct lean_hash h;
    size_t n;

    (void)state;
    for (size_t i = 0; i < N_NAMES; i++) {
        assert_int_equal(lean_hash_init(&h, names[i]), RP_OK);
        for (size_t key_len = 0; key_len <= h.block; key_len++) {
            const size_t len = next(&seed) % sizeof message;
            const size_t a = len == 0 ? 0 : next(&seed) % len;
            const size_t b = len == a ? 0 : next(&seed) % (len - a);
            const struct lean_span parts[] = {
                {message, a}, {message + a, b}, {message + a + b, len - a - b}};

            fill(&seed, key, sizeof key);
            fill(&seed, message, sizeof message);
            assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, names[i], NULL, key, key_len, message,
                                      len, expected, sizeof expected, &n));
            assert_int_equal(n, h.size);
            assert_true(lean_hash_hmac(&h, (struct lean_span){key, key_len}, parts, 3, out));
            assert_memory_equal(out, expected, n);
        }
        lean_hash_fini(&h);
    }
}

static void result_over_a_part(void **state)
{
    struct lean_hash h;
    uint8_t a[LEAN_HASH_SIZE] = {1};
    uint8_t b[LEAN_HASH_SIZE];
    const struct lean_span part = {a, 32};

    (void)state;
    assert_int_equal(lean_hash_init(&h, "SHA2-256"), RP_OK);
    assert_true(lean_hash_hmac(&h, part, &part, 1, b));
    assert_true(lean_hash_hmac(&h, part, &part, 1, a));
    assert_memory_equal(a, b, h.size);
    lean_hash_fini(&h);
}

static void too_long_a_key(void **state)
{
    static const uint8_t key[LEAN_HASH_BLOCK + 1];
    static const uint8_t untouched[LEAN_HASH_SIZE];
    uint8_t out[LEAN_HASH_SIZE] = {0};
    struct lean_hash h;

    (void)state;
    for (size_t i = 0; i < N_NAMES; i++) {
        assert_int_equal(lean_hash_init(&h, names[i]), RP_OK);
        assert_false(lean_hash_hmac(&h, (struct lean_span){key, h.block + 1}, NULL, 0, out));
        assert_memory_equal(out, untouched, sizeof out);
        lean_hash_fini(&h);
    }
}

static void name_and_size(void **state)
{
    struct lean_hash h;

    (void)state;
    assert_int_equal(lean_hash_init(&h, "SHA2-256"), RP_OK);
    assert_int_equal(h.size, 32);
    assert_int_equal(h.block, 64);
    assert_true(lean_hash_is(&h, "SHA2-256", 8));
    assert_false(lean_hash_is(&h, "SHA2-256", 7));
    assert_false(lean_hash_is(&h, "SHA2-384", 8));
    assert_false(lean_hash_is(&h, "", 0));
    lean_hash_fini(&h);
    lean_hash_fini(&h);
}

/* No hash of that name; and hashes that HMAC cannot be made of. */
static void unknown_hashes(void **state)
{
    static const struct lean_hash none;
    struct lean_hash h;

    (void)state;
    assert_int_equal(lean_hash_init(&h, "SHA2-257"), RP_CRYPTO);
    assert_memory_equal(&h, &none, sizeof h);
    assert_int_equal(lean_hash_init(&h, "SHA3-256"), RP_CRYPTO); /* a block of 136 bytes */
    assert_memory_equal(&h, &none, sizeof h);
    assert_int_equal(lean_hash_init(&h, "SHA256"), RP_CRYPTO); /* its first name is another */
    assert_memory_equal(&h, &none, sizeof h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(same_as_libcrypto),
        cmocka_unit_test(result_over_a_part),
        cmocka_unit_test(too_long_a_key),
        cmocka_unit_test(name_and_size),
        cmocka_unit_test(unknown_hashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
