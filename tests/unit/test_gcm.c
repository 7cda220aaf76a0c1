#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/err.h>

#include "gcm.h"
#include "hex.h"

#define MUCH 17000

/* Each test is run with libsodium's AES, where this CPU has what it needs, and with libcrypto's. */
static struct algorithms algorithms;
static bool has_sodium;

static int make_algorithms(void **state)
{
    (void)state;
    assert_int_equal(algorithms_init(&algorithms), RP_OK);
    has_sodium = algorithms.gcm_by_sodium;
    return 0;
}

static int free_algorithms(void **state)
{
    (void)state;
    algorithms_fini(&algorithms);
    return 0;
}

static int by_sodium(void **state)
{
    (void)state;
    algorithms.gcm_by_sodium = has_sodium;
    return 0;
}

static int by_libcrypto(void **state)
{
    (void)state;
    algorithms.gcm_by_sodium = false;
    return 0;
}

/* Test case 16 of the GCM specification (McGrew and Viega, "The Galois/Counter Mode of Operation
 * (GCM)", appendix B), which is in NIST's validation too. */
static const char spec_key[] = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
static const char spec_nonce[] = "cafebabefacedbaddecaf888";
static const char spec_bound[] = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
static const char spec_plain[] = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                                 "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
static const char spec_sealed[] = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                                  "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                                  "76fc6ece0f4e1768cddf8853bb2d551b";

static void unhex(const char *hex, uint8_t *out, size_t n)
{
    size_t len;

    assert_true(hex_decode(hex, strlen(hex), out, n, &len));
    assert_int_equal(len, n);
}

static void matches_the_specification(void **state)
{
    uint8_t key[32];
    uint8_t nonce[12];
    uint8_t bound[20];
    uint8_t plain[60];
    uint8_t expected[76];
    uint8_t sealed[76];
    uint8_t opened[60];
    const struct gcm_use use = {key, nonce, {bound, sizeof bound}};

    (void)state;
    unhex(spec_key, key, sizeof key);
    unhex(spec_nonce, nonce, sizeof nonce);
    unhex(spec_bound, bound, sizeof bound);
    unhex(spec_plain, plain, sizeof plain);
    unhex(spec_sealed, expected, sizeof expected);
    assert_int_equal(gcm_seal(&algorithms, &use, plain, sizeof plain, sealed), RP_OK);
    assert_memory_equal(sealed, expected, sizeof sealed);
    assert_int_equal(gcm_open(&algorithms, &use, sealed, sizeof plain, opened), GCM_OPENED);
    assert_memory_equal(opened, plain, sizeof plain);
}

/* Sealed one way, opened the other, in blocks of their exact size. */
static void both_ways_are_one(void **state)
{
    static const uint8_t key[32] = {7};
    static const uint8_t nonce[12] = {8};
    static const uint8_t bound[32] = {9};
    static const size_t sizes[] = {0, 1, 15, 16, 17, 100, 127, 128, 129, 4095, MUCH};
    const struct gcm_use use = {key, nonce, {bound, sizeof bound}};
    const bool sealed_by_sodium = algorithms.gcm_by_sodium;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const size_t n = sizes[i];
        uint8_t *plain = malloc(n + 1);
        uint8_t *sealed = malloc(n + GCM_TAG_LEN);
        uint8_t *opened = malloc(n + 1);

        assert_true(plain != NULL && sealed != NULL && opened != NULL);
        memset(plain, 0x5a, n + 1);
        algorithms.gcm_by_sodium = sealed_by_sodium;
        assert_int_equal(gcm_seal(&algorithms, &use, plain, n, sealed), RP_OK);
        algorithms.gcm_by_sodium = has_sodium && !sealed_by_sodium;
        assert_int_equal(gcm_open(&algorithms, &use, sealed, n, opened), GCM_OPENED);
        assert_memory_equal(opened, plain, n);
        free(plain);
        free(sealed);
        free(opened);
    }
}

static void assert_forged(const struct gcm_use *use, const uint8_t *sealed, size_t n)
{
    static const uint8_t zeroes[64];
    uint8_t out[64];

    memset(out, 0xff, sizeof out);
    assert_int_equal(gcm_open(&algorithms, use, sealed, n, out), GCM_FORGED);
    assert_memory_equal(out, zeroes, n);
    assert_int_equal(out[n], 0xff);
    assert_int_equal(ERR_peek_error(), 0);
}

static void every_changed_bit_is_forged(void **state)
{
    uint8_t all[32 + 12 + 20 + 33 + GCM_TAG_LEN] = {1, 2, 3}; /* what follows, in turn */
    uint8_t *const key = all;
    uint8_t *const nonce = key + 32;
    uint8_t *const bound = nonce + 12;
    uint8_t *const sealed = bound + 20;
    const struct gcm_use use = {key, nonce, {bound, 20}};
    const uint8_t plain[33] = {4, 5, 6};

    (void)state;
    assert_int_equal(gcm_seal(&algorithms, &use, plain, sizeof plain, sealed), RP_OK);
    for (size_t bit = 0; bit < 8 * sizeof all; bit++) {
        all[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_forged(&use, sealed, sizeof plain);
        all[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(matches_the_specification, by_sodium),
        cmocka_unit_test_setup(matches_the_specification, by_libcrypto),
        cmocka_unit_test_setup(both_ways_are_one, by_sodium),
        cmocka_unit_test_setup(both_ways_are_one, by_libcrypto),
        cmocka_unit_test_setup(every_changed_bit_is_forged, by_sodium),
        cmocka_unit_test_setup(every_changed_bit_is_forged, by_libcrypto),
    };

    return cmocka_run_group_tests(tests, make_algorithms, free_algorithms);
}
