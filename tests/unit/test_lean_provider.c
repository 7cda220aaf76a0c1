#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "crypto_blocks.h"
#include "lean_provider.h"
#include "memory.h"

/* Of all tests, which go on where the one before ended. */
static int set_up(void **state)
{
    static OSSL_PROVIDER *provider;

    *state = &provider;
    return crypto_blocks_set_up(state);
}

/* The name of the provider that it comes from; empty if there is none. */
static const char *provider_of(const char *name, const char *query)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, query);
    const char *found = kdf != NULL ? OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(kdf)) : "";

    EVP_KDF_free(kdf);
    ERR_clear_error();
    return found;
}

static void not_loaded(void **state)
{
    (void)state;
    assert_string_equal(provider_of("TLS13-KDF", LEAN_QUERY), "default");
    assert_string_equal(provider_of("TLS13-KDF", LEAN_PROPERTIES), "");
}

/* Whatever allocation fails: all is as it was. */
static void no_memory_to_load(void **state)
{
    (void)state;
    for (long n = 0; n < 12; n++) {
        OSSL_PROVIDER *provider;
        enum rp_status status;

        memory_fail_after(n);
        status = lean_provider_load(&provider);
        memory_fail_after(-1);
        assert_int_not_equal(status, RP_OK);
        assert_null(provider);
        assert_int_equal(ERR_peek_error(), 0);
        assert_string_equal(provider_of("TLS13-KDF", LEAN_QUERY), "default");
    }
}

static void loaded(void **state)
{
    assert_int_equal(lean_provider_load(*state), RP_OK);
    assert_string_equal(provider_of("TLS13-KDF", LEAN_QUERY), "reprise");
    assert_string_equal(provider_of("TLS1-PRF", LEAN_QUERY), "reprise");
}

static void who_does_not_ask_gets_the_default(void **state)
{
    (void)state;
    assert_string_equal(provider_of("TLS13-KDF", NULL), "default");
    assert_string_equal(provider_of("TLS1-PRF", NULL), "default");
    assert_string_equal(provider_of("TLS13-KDF", "?provider=another"), "default");
    assert_string_equal(provider_of("HKDF", LEAN_QUERY), "default");
}

/* As a wish it does not overrule what the machine's configuration demands. */
static void properties_that_rule_it_out(void **state)
{
    (void)state;
    assert_string_equal(provider_of("TLS13-KDF", "fips=yes," LEAN_QUERY), "");
    assert_int_equal(EVP_set_default_properties(NULL, "fips=yes"), 1);
    assert_string_equal(provider_of("TLS13-KDF", LEAN_QUERY), "");
    assert_int_equal(EVP_set_default_properties(NULL, "provider=default"), 1);
    assert_string_equal(provider_of("TLS13-KDF", LEAN_QUERY), "default");
    assert_int_equal(EVP_set_default_properties(NULL, ""), 1);
    assert_string_equal(provider_of("TLS13-KDF", LEAN_QUERY), "reprise");
}

static void derive(const char *name, const OSSL_PARAM *params, uint8_t *out, size_t n)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, LEAN_QUERY);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

    assert_int_equal(EVP_KDF_derive(ctx, out, n, params), 1);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

/* As it is, and as a part of HMAC's two blocks. */
static void watch_key(const char *name, const OSSL_PARAM *params, const uint8_t *key, size_t n)
{
    static const uint8_t masks[] = {0, 0x36, 0x5c};
    uint8_t out[48];
    uint8_t masked[64];

    for (size_t m = 0; m < sizeof masks; m++) {
        for (size_t i = 0; i < n; i++) {
            masked[i] = (uint8_t)(key[i] ^ masks[m]);
        }
        crypto_blocks_watch(masked, n);
        derive(name, params, out, sizeof out);
        assert_int_not_equal(crypto_blocks_given(), 0);
        assert_int_equal(crypto_blocks_found(), 0);
        crypto_blocks_watch(NULL, 0);
    }
}

/* What came out is in no block that was given back, and the keys are not. */
static void nothing_secret_is_given_back(void **state)
{
    uint8_t key[48];
    uint8_t out[48];
    char digest[] = "SHA2-384";
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    const OSSL_PARAM prf[] = {
        OSSL_PARAM_construct_utf8_string("digest", digest, 0),
        OSSL_PARAM_construct_octet_string("secret", key, sizeof key),
        OSSL_PARAM_construct_octet_string("seed", digest, 8),
        OSSL_PARAM_construct_end(),
    };
    const OSSL_PARAM tls13[] = {
        OSSL_PARAM_construct_int("mode", &mode),
        OSSL_PARAM_construct_utf8_string("digest", digest, 0),
        OSSL_PARAM_construct_octet_string("key", key, sizeof key),
        OSSL_PARAM_construct_octet_string("prefix", digest, 3),
        OSSL_PARAM_construct_octet_string("label", digest, 8),
        OSSL_PARAM_construct_end(),
    };

    (void)state;
    for (size_t i = 0; i < sizeof key; i++) {
        key[i] = (uint8_t)(i * 37 + 11);
    }
    watch_key("TLS1-PRF", prf, key, sizeof key);
    watch_key("TLS13-KDF", tls13, key, sizeof key);
    derive("TLS13-KDF", tls13, out, sizeof out);
    watch_key("TLS13-KDF", tls13, out, sizeof out);
}

static void unloaded_and_loaded_again(void **state)
{
    lean_provider_unload(*state);
    assert_string_equal(provider_of("TLS13-KDF", LEAN_QUERY), "default");
    loaded(state);
    lean_provider_unload(*state);
    lean_provider_unload(*state);
    lean_provider_unload(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(not_loaded),
        cmocka_unit_test(no_memory_to_load),
        cmocka_unit_test(loaded),
        cmocka_unit_test(who_does_not_ask_gets_the_default),
        cmocka_unit_test(properties_that_rule_it_out),
        cmocka_unit_test(nothing_secret_is_given_back),
        cmocka_unit_test(unloaded_and_loaded_again),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
