#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "siphash.h"

#define MESSAGE_MAX 64

static void counting(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)i;
    }
}

/* Aumasson and Bernstein, 2012, appendix A: key and message count from 0, 15 bytes of it. */
static void the_papers_example(void **state)
{
    static const uint8_t expected[SIPHASH_LEN] = {0xe5, 0x45, 0xbe, 0x49, 0x61, 0xca, 0x29, 0xa1};
    uint8_t bytes[SIPHASH_KEY_LEN];
    uint8_t tag[SIPHASH_LEN];

    (void)state;
    counting(bytes, sizeof bytes);
    siphash(bytes, bytes, 15, tag);
    assert_memory_equal(tag, expected, sizeof tag);
}

static void libcryptos(const uint8_t *key, const uint8_t *message, size_t n, uint8_t *out)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_SIPHASH, NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    size_t len = SIPHASH_LEN;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &len),
        OSSL_PARAM_construct_end(),
    };

    assert_int_equal(EVP_MAC_init(ctx, key, SIPHASH_KEY_LEN, params), 1);
    assert_int_equal(EVP_MAC_update(ctx, message, n), 1);
    assert_int_equal(EVP_MAC_final(ctx, out, &len, SIPHASH_LEN), 1);
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
}

static void agrees_with_libcrypto_at_every_length(void **state)
{
    uint8_t message[MESSAGE_MAX];
    uint8_t key[SIPHASH_KEY_LEN];

    (void)state;
    counting(message, sizeof message);
    for (size_t n = 0; n <= MESSAGE_MAX; n++) {
        uint8_t expected[SIPHASH_LEN];
        uint8_t tag[SIPHASH_LEN];

        memset(key, (int)(0xa5 ^ n), sizeof key);
        libcryptos(key, message, n, expected);
        siphash(key, message, n, tag);
        assert_memory_equal(tag, expected, sizeof tag);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_papers_example),
        cmocka_unit_test(agrees_with_libcrypto_at_every_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
