#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "raw_signature.h"

static const struct raw_bytes data = {(const uint8_t *)"what is signed", 14};

struct kind {
    EVP_PKEY *key;
    uint16_t tls12; /* the scheme that is chosen where all are taken */
    uint16_t tls13;
};

static EVP_PKEY *ec(const char *curve)
{
    return EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve);
}

static void every_kind_of_key_signs_and_verifies(void **state)
{
    const struct kind kinds[] = {
        {ec("P-256"), 0x0403, 0x0403},
        {ec("P-384"), 0x0403, 0x0503},
        {ec("P-521"), 0x0403, 0x0603},
        {EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), 0x0807, 0x0807},
        {EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048), 0x0804, 0x0804},
    };

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        EVP_PKEY *const key = kinds[i].key;
        uint8_t signature[RAW_SIGNATURE_MAX];
        struct raw_bytes made = {signature, 0};

        assert_non_null(key);
        assert_int_equal(raw_signature_choose(key, false, NULL, 0), kinds[i].tls12);
        assert_int_equal(raw_signature_choose(key, true, NULL, 0), kinds[i].tls13);
        assert_int_equal(raw_signature_make(key, kinds[i].tls13, data, signature, &made.n), RP_OK);
        assert_true(raw_signature_verify(key, kinds[i].tls13, data, made));
        signature[made.n - 1] ^= 1;
        assert_false(raw_signature_verify(key, kinds[i].tls13, data, made));
        EVP_PKEY_free(key);
    }
}

static void a_scheme_is_chosen_from_what_the_peer_takes(void **state)
{
    static const uint8_t takes[] = {8, 7, 5, 1, 4, 3};
    EVP_PKEY *const rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    EVP_PKEY *const p384 = ec("P-384");

    (void)state;
    assert_int_equal(raw_signature_choose(rsa, false, takes, sizeof takes), 0x0501);
    assert_int_equal(raw_signature_choose(rsa, true, takes, sizeof takes), 0);
    assert_int_equal(raw_signature_choose(p384, false, takes, sizeof takes), 0x0403);
    assert_int_equal(raw_signature_choose(p384, true, takes, sizeof takes), 0);
    assert_int_equal(raw_signature_choose(rsa, false, takes, 3), 0); /* half a number */
    EVP_PKEY_free(p384);
    EVP_PKEY_free(rsa);
}

static void a_scheme_of_another_key_is_refused(void **state)
{
    EVP_PKEY *const key = ec("P-256");
    uint8_t signature[RAW_SIGNATURE_MAX];
    size_t n;

    (void)state;
    assert_int_equal(raw_signature_make(key, 0x0804, data, signature, &n), RP_CRYPTO);
    assert_int_equal(n, 0);
    assert_int_equal(raw_signature_make(key, 0x0403, data, signature, &n), RP_OK);
    assert_false(raw_signature_verify(key, 0x0804, data, (struct raw_bytes){signature, n}));
    assert_false(raw_signature_verify(key, 0x0000, data, (struct raw_bytes){signature, n}));
    assert_false(raw_signature_verify(key, 0x0403, data, (struct raw_bytes){signature, 0}));
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_key_signs_and_verifies),
        cmocka_unit_test(a_scheme_is_chosen_from_what_the_peer_takes),
        cmocka_unit_test(a_scheme_of_another_key_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
