#include "weak_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A random-looking key, the same in every run: what is weak is put into it. */
static const uint8_t good[32] = {0x9e, 0x37, 0x79, 0xb9, 0x7f, 0x4a, 0x7c, 0x15, 0xf3, 0x9c, 0xc0,
                                 0x60, 0x5c, 0xed, 0xc8, 0x34, 0x10, 0x82, 0x27, 0x6b, 0xf3, 0xa2,
                                 0x72, 0x51, 0xf8, 0x6c, 0x6a, 0x11, 0xd0, 0xc1, 0x8e, 0x95};

static void assert_weak(const uint8_t *key, size_t n)
{
    if (weak_key_bytes(key, n) == NULL) {
        fail_msg("%02x%02x%02x%02x... of %zu bytes passes", key[0], key[1], key[2], key[3], n);
    }
}

static void a_good_key_passes(void **state)
{
    (void)state;
    assert_null(weak_key_bytes(good, 16));
    assert_null(weak_key_bytes(good, 32));
}

static void constant_keys_are_weak(void **state)
{
    uint8_t key[32];

    (void)state;
    for (int value = 0; value < 256; value++) {
        memset(key, value, sizeof key);
        assert_weak(key, 16);
        assert_weak(key, 32);
    }
    memset(key, 0, sizeof key);
    assert_string_equal(weak_key_bytes(key, 32), "all its bytes are zero");
    memset(key, 0x31, sizeof key);
    assert_string_equal(weak_key_bytes(key, 32), "all its bytes are equal");
}

static void counting_keys_are_weak_from_any_start(void **state)
{
    uint8_t up[32];
    uint8_t down[32];

    (void)state;
    for (unsigned start = 0; start < 256; start++) {
        for (unsigned i = 0; i < 32; i++) {
            up[i] = (uint8_t)(start + i);
            down[i] = (uint8_t)(start - i);
        }
        assert_weak(up, 16);
        assert_weak(up, 32);
        assert_weak(down, 16);
        assert_weak(down, 32);
    }
}

static void repeated_patterns_are_weak(void **state)
{
    uint8_t key[32];

    (void)state;
    for (size_t period = 1; period <= 16; period *= 2) {
        for (size_t i = 0; i < sizeof key; i++) {
            key[i] = good[i % period];
        }
        assert_weak(key, 32);
        if (period < 16) {
            assert_weak(key, 16);
        }
    }
}

/* Hebrok et al., USENIX Security 2023: 10..1f with 20..2f 00*16, and 31*16 00*16. */
static void keys_seen_in_the_wild_are_weak(void **state)
{
    uint8_t key[32] = {0};

    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        key[i] = (uint8_t)(0x10 + i);
    }
    assert_weak(key, 16);
    for (unsigned i = 0; i < 16; i++) {
        key[i] = (uint8_t)(0x20 + i);
    }
    assert_weak(key, 32);
    memset(key, 0x31, 16);
    assert_weak(key, 32);
}

static void a_padded_key_is_weak(void **state)
{
    uint8_t key[32];

    (void)state;
    memcpy(key, good, sizeof key);
    memset(key + 16, 0, 16);
    assert_weak(key, 32);
    memcpy(key, good, sizeof key);
    memset(key, 0, 16);
    assert_weak(key, 32);
    memcpy(key, good, sizeof key);
    memset(key + 8, 0, 8);
    assert_weak(key, 16);
}

static void published_examples_are_weak(void **state)
{
    /* FIPS-197 C.3 counts; SP 800-38A F.2.5; McGrew and Viega's GCM test case 4. */
    static const uint8_t sp800_38a[32] = {0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe,
                                          0x2b, 0x73, 0xae, 0xf0, 0x85, 0x7d, 0x77, 0x81,
                                          0x1f, 0x35, 0x2c, 0x07, 0x3b, 0x61, 0x08, 0xd7,
                                          0x2d, 0x98, 0x10, 0xa3, 0x09, 0x14, 0xdf, 0xf4};
    static const uint8_t gcm[16] = {0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c,
                                    0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08};
    uint8_t key[32];

    (void)state;
    assert_weak(sp800_38a, 16);
    assert_weak(sp800_38a, 32);
    assert_weak(gcm, 16);
    memcpy(key, good, sizeof key);
    memcpy(key + 16, gcm, sizeof gcm);
    assert_weak(key, 32);
}

static void text_is_weak(void **state)
{
    struct stek k = {.key_len = 16};

    (void)state;
    assert_weak((const uint8_t *)"4f1d9a70be52c386", 16);
    assert_weak((const uint8_t *)"correct horse battery staple!!\r\n", 32);
    memcpy(k.aes, "Zq7/x+Lm20pTvE9s", 16);
    memcpy(k.hmac, "Yb3hKw8RfN1+uJd5", 16);
    assert_string_equal(weak_key_stek(&k), "it is text, not random bytes");
}

static void the_two_halves_of_a_stek_differ(void **state)
{
    struct stek k = {.key_len = 32};

    (void)state;
    memcpy(k.aes, good, 32);
    memcpy(k.hmac, good, 32);
    assert_string_equal(weak_key_stek(&k), "its AES key and its HMAC key are equal");
    k.hmac[31] ^= 1;
    assert_null(weak_key_stek(&k));
    memset(k.hmac, 0, 32);
    assert_non_null(weak_key_stek(&k));
    memcpy(k.hmac, good, 32);
    memset(k.aes, 0, 32);
    assert_non_null(weak_key_stek(&k));
}

/* splitmix64: many keys, the same in every run. */
static void random_bytes(uint64_t *seed, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i += sizeof *seed) {
        uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        z ^= z >> 31;
        memcpy(out + i, &z, sizeof z);
    }
}

static void random_keys_pass(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        struct stek k = {.key_len = i % 2 == 0 ? 16 : 32};

        random_bytes(&seed, k.aes, k.key_len);
        random_bytes(&seed, k.hmac, k.key_len);
        assert_null(weak_key_stek(&k));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_key_passes),
        cmocka_unit_test(constant_keys_are_weak),
        cmocka_unit_test(counting_keys_are_weak_from_any_start),
        cmocka_unit_test(repeated_patterns_are_weak),
        cmocka_unit_test(keys_seen_in_the_wild_are_weak),
        cmocka_unit_test(a_padded_key_is_weak),
        cmocka_unit_test(published_examples_are_weak),
        cmocka_unit_test(text_is_weak),
        cmocka_unit_test(the_two_halves_of_a_stek_differ),
        cmocka_unit_test(random_keys_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
