#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "crypto_memory.h"
#include "hex.h"
#include "lean_provider.h"
#include "memory.h"

#define ROUNDS 20000
#define OUT_MAX 400
#define PARAMS_MAX 12

static int set_up(void **state)
{
    OSSL_PROVIDER *provider;

    crypto_memory_set();
    if (lean_provider_load(&provider) != RP_OK) {
        return -1;
    }
    *state = provider;
    return 0;
}

static int tear_down(void **state)
{
    OSSL_PROVIDER *provider = *state;

    lean_provider_unload(&provider);
    return 0;
}

static EVP_KDF_CTX *context(const char *name, const char *query)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, query);
    EVP_KDF_CTX *ctx;

    assert_non_null(kdf);
    ctx = EVP_KDF_CTX_new(kdf);
    assert_non_null(ctx);
    EVP_KDF_free(kdf);
    return ctx;
}

/* Inputs that come all at once. */
struct inputs {
    OSSL_PARAM params[PARAMS_MAX];
    size_t n;
};

static void add_bytes(struct inputs *in, const char *name, const void *p, size_t n)
{
    assert_true(in->n < PARAMS_MAX - 1);
    in->params[in->n++] = OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)p, n);
    in->params[in->n] = OSSL_PARAM_construct_end();
}

static void add_text(struct inputs *in, const char *name, const char *text)
{
    add_bytes(in, name, text, strlen(text));
    in->params[in->n - 1].data_type = OSSL_PARAM_UTF8_STRING;
}

static void add_int(struct inputs *in, const char *name, int *value)
{
    add_bytes(in, name, value, sizeof *value);
    in->params[in->n - 1].data_type = OSSL_PARAM_INTEGER;
}

static void add_hex(struct inputs *in, const char *name, const char *hex, uint8_t *room)
{
    size_t n;

    assert_true(hex_decode(hex, strlen(hex), room, 64, &n));
    add_bytes(in, name, room, n);
}

static bool derive(const char *name, const char *query, const struct inputs *in, uint8_t *out,
                   size_t n)
{
    EVP_KDF_CTX *ctx = context(name, query);
    const bool good = EVP_KDF_derive(ctx, out, n, in->params) > 0;

    EVP_KDF_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

static void expect(const char *name, const struct inputs *in, const char *hex)
{
    uint8_t expected[OUT_MAX];
    uint8_t out[OUT_MAX];
    size_t n;

    assert_true(hex_decode(hex, strlen(hex), expected, sizeof expected, &n));
    assert_true(derive(name, LEAN_QUERY, in, out, n));
    assert_memory_equal(out, expected, n);
    assert_true(derive(name, "provider=default", in, out, n));
    assert_memory_equal(out, expected, n);
}

static void expect_expanded(const char *secret, const char *label, const char *data,
                            const char *hex)
{
    struct inputs in = {.n = 0};
    uint8_t room[2][64];
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;

    add_int(&in, "mode", &mode);
    add_text(&in, "digest", "SHA2-256");
    add_hex(&in, "key", secret, room[0]);
    add_bytes(&in, "prefix", "tls13 ", 6);
    add_bytes(&in, "label", label, strlen(label));
    if (data != NULL) {
        add_hex(&in, "data", data, room[1]);
    }
    expect("TLS13-KDF", &in, hex);
}

static void expect_extracted(const char *salt, const char *key, const char *hex)
{
    struct inputs in = {.n = 0};
    uint8_t room[2][64];
    int mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY;

    add_int(&in, "mode", &mode);
    add_text(&in, "digest", "SHA2-256");
    if (key != NULL) {
        add_hex(&in, "key", key, room[0]);
    }
    if (salt != NULL) {
        add_hex(&in, "salt", salt, room[1]);
    }
    add_bytes(&in, "prefix", "tls13 ", 6);
    add_bytes(&in, "label", "derived", 7);
    expect("TLS13-KDF", &in, hex);
}

#define EARLY "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a"
#define HANDSHAKE "1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac"
#define SHARED "8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d"
#define HELLOS "860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8"
#define SERVER "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38"

/* RFC 8448, 3. */
static void key_schedule(void **state)
{
    (void)state;
    expect_extracted(NULL, NULL, EARLY);
    expect_extracted(EARLY, SHARED, HANDSHAKE);
    expect_extracted(HANDSHAKE, NULL,
                     "18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919");
    expect_expanded(HANDSHAKE, "c hs traffic", HELLOS,
                    "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21");
    expect_expanded(HANDSHAKE, "s hs traffic", HELLOS, SERVER);
    expect_expanded(SERVER, "key", NULL, "3fce516009c21727d0f2e4e86ee403bc");
    expect_expanded(SERVER, "iv", NULL, "5d313eb2671276ee13000b30");
    expect_expanded(SERVER, "finished", "",
                    "008d3b66f816ea559f96b537e885c31fc068bf492c652f01f288a1d8cdc19fc8");
}

static void expect_prf(const char *digest, const char *secret, const char *seed, const char *hex)
{
    struct inputs in = {.n = 0};
    uint8_t room[2][64];

    add_text(&in, "digest", digest);
    add_hex(&in, "secret", secret, room[0]);
    add_bytes(&in, "seed", "test label", 10);
    add_bytes(&in, "seed", NULL, 0);
    add_hex(&in, "seed", seed, room[1]);
    expect("TLS1-PRF", &in, hex);
}

/* Those of the IETF's TLS working group (www.ietf.org/mail-archive/web/tls/current/msg03416.html).
 */
static void prf_vectors(void **state)
{
    (void)state;
    expect_prf("SHA2-256", "9bbe436ba940f017b17652849a71db35", "a0ba9f936cda311827a6f796ffd5198c",
               "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
               "6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab"
               "4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
               "87347b66");
    expect_prf("SHA2-384", "b80b733d6ceefcdc71566ea48e5567df", "cd665cf6a8447dd6ff8b27555edb7465",
               "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cd"
               "e9ca0faa60be9fe34f82b1233c9146a0e534cb400fed2700884f9dc236f80edd"
               "8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d918425"
               "9b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee6"
               "91c8f3a26854308d5eaa3be85e0990703d73e56f");
}

/* Anything that a caller may do. */

struct dice {
    uint32_t seed;
    uint8_t bytes[600];
    int mode;
};

static uint32_t roll(struct dice *dice, uint32_t sides)
{
    dice->seed = dice->seed * 1664525 + 1013904223;
    return (dice->seed >> 8) % sides;
}

static void add_some(struct dice *dice, struct inputs *in, const char *name, uint32_t often,
                     uint32_t longest)
{
    if (roll(dice, 100) < often) {
        add_bytes(in, name, dice->bytes + roll(dice, 64), roll(dice, longest + 1));
    }
}

static void add_digest(struct dice *dice, struct inputs *in)
{
    static const char *const names[] = {"SHA2-256", "SHA2-384", "SHA2-256", "SHA2-384", "SHA256",
                                        "SHA1",     "SHA2-512", "SHA2-25",  "SHAKE128"};

    if (roll(dice, 50) != 0) {
        add_text(in, "digest", names[roll(dice, sizeof names / sizeof names[0])]);
    }
}

/* Most often as libssl does it; some are too long, some there twice, some of another type. */
static void roll_tls13(struct dice *dice, struct inputs *in)
{
    const uint32_t odd = roll(dice, 30);

    dice->mode = roll(dice, 10) == 0 ? (int)roll(dice, 6) : 1 + (int)roll(dice, 2);
    if (odd == 0) {
        add_text(in, "mode", dice->mode == 1 ? "EXTRACT_ONLY" : "EXPAND_ONLY");
    } else if (odd != 1) {
        add_int(in, "mode", &dice->mode);
    }
    add_digest(dice, in);
    add_some(dice, in, "key", 90, roll(dice, 4) == 0 ? 200 : 64);
    add_some(dice, in, "salt", dice->mode == 1 ? 70 : 10, roll(dice, 4) == 0 ? 200 : 64);
    add_some(dice, in, "prefix", 95, 8);
    add_some(dice, in, "label", 95, roll(dice, 4) == 0 ? 300 : 20);
    add_some(dice, in, "data", dice->mode == 1 ? 5 : 60, roll(dice, 4) == 0 ? 80 : 48);
    add_some(dice, in, "label", 2, 20);
    add_some(dice, in, "unheard of", 2, 20);
    if (odd == 2 && in->n != 0) {
        in->params[roll(dice, (uint32_t)in->n)].data_type = OSSL_PARAM_UNSIGNED_INTEGER;
    }
}

static void roll_prf(struct dice *dice, struct inputs *in)
{
    add_digest(dice, in);
    add_some(dice, in, "secret", 95, roll(dice, 4) == 0 ? 200 : 64);
    for (size_t i = 0; i < 5; i++) {
        add_some(dice, in, "seed", 60, roll(dice, 4) == 0 ? 300 : 40);
    }
    add_some(dice, in, "secret", 2, 20);
    add_some(dice, in, "unheard of", 2, 20);
}

static size_t roll_length(struct dice *dice)
{
    switch (roll(dice, 4)) {
    case 0:
        return roll(dice, OUT_MAX);
    case 1:
        return 48;
    default:
        return 1 + roll(dice, 32);
    }
}

static void same_as_default(const char *name, void (*roll_inputs)(struct dice *, struct inputs *))
{
    struct dice dice = {.seed = 1};
    uint8_t out[2][OUT_MAX];
    unsigned taken = 0;

    for (size_t i = 0; i < sizeof dice.bytes; i++) {
        dice.bytes[i] = (uint8_t)roll(&dice, 256);
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct inputs in = {.params = {OSSL_PARAM_construct_end()}};
        const size_t n = roll_length(&dice);
        bool good;

        roll_inputs(&dice, &in);
        memset(out, 0, sizeof out);
        good = derive(name, LEAN_QUERY, &in, out[0], n);
        assert_int_equal(derive(name, "provider=default", &in, out[1], n), good);
        if (good) {
            assert_memory_equal(out[0], out[1], sizeof out[0]);
            taken++;
        }
    }
    assert_in_range(taken, ROUNDS / 4, ROUNDS * 9 / 10); /* that the dice are not loaded */
}

static void tls13_same_as_default(void **state)
{
    (void)state;
    same_as_default("TLS13-KDF", roll_tls13);
}

static void prf_same_as_default(void **state)
{
    (void)state;
    same_as_default("TLS1-PRF", roll_prf);
}

/* What a context can be asked to do besides. */

static const uint8_t secret[48] = {1, 2, 3};

static void prf_inputs(struct inputs *in)
{
    add_text(in, "digest", "SHA2-384");
    add_bytes(in, "secret", secret, sizeof secret);
    add_bytes(in, "seed", "key expansion", 13);
}

static void inputs_one_after_the_other(void **state)
{
    struct inputs in = {.n = 0};
    uint8_t expected[100];
    uint8_t out[100];
    EVP_KDF_CTX *ctx = context("TLS1-PRF", LEAN_QUERY);

    (void)state;
    prf_inputs(&in);
    assert_true(derive("TLS1-PRF", "provider=default", &in, expected, sizeof expected));
    for (size_t i = 0; i < in.n; i++) {
        const OSSL_PARAM one[] = {in.params[i], OSSL_PARAM_construct_end()};

        assert_int_equal(EVP_KDF_CTX_set_params(ctx, one), 1);
    }
    assert_int_equal(EVP_KDF_derive(ctx, out, sizeof out, NULL), 1);
    assert_memory_equal(out, expected, sizeof out);
    EVP_KDF_CTX_reset(ctx);
    assert_true(EVP_KDF_derive(ctx, out, sizeof out, NULL) <= 0);
    assert_int_equal(EVP_KDF_derive(ctx, out, sizeof out, in.params), 1);
    assert_memory_equal(out, expected, sizeof out);
    EVP_KDF_CTX_free(ctx);
}

static void size_of_the_result(void **state)
{
    EVP_KDF_CTX *ctx = context("TLS13-KDF", LEAN_QUERY);
    int mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
    struct inputs in = {.n = 0};

    (void)state;
    add_int(&in, "mode", &mode);
    add_text(&in, "digest", "SHA2-384");
    assert_int_equal(EVP_KDF_CTX_set_params(ctx, in.params), 1);
    assert_int_equal(EVP_KDF_CTX_get_kdf_size(ctx), 48);
    EVP_KDF_CTX_free(ctx);
}

static void nothing_is_left_for_another(void **state)
{
    struct inputs in = {.n = 0};
    uint8_t out[2][40];
    EVP_KDF_CTX *ctx = context("TLS1-PRF", LEAN_QUERY);

    (void)state;
    prf_inputs(&in);
    assert_int_equal(EVP_KDF_derive(ctx, out[0], sizeof out[0], in.params), 1);
    assert_int_equal(EVP_KDF_derive(ctx, out[1], sizeof out[1], in.params), 1);
    assert_memory_equal(out[0], out[1], sizeof out[0]);
    assert_true(EVP_KDF_derive(ctx, out[1], sizeof out[1], NULL) <= 0);
    EVP_KDF_CTX_free(ctx);
}

/* Each time the right bytes, or none. */
static void no_memory(void **state)
{
    struct inputs in = {.n = 0};
    uint8_t expected[40];
    uint8_t out[40];
    bool good = false;

    (void)state;
    prf_inputs(&in);
    assert_true(derive("TLS1-PRF", "provider=default", &in, expected, sizeof expected));
    assert_true(derive("TLS1-PRF", LEAN_QUERY, &in, out, sizeof out));
    for (long n = 0; !good; n++) {
        EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", LEAN_QUERY);
        EVP_KDF_CTX *ctx;

        memory_fail_after(n);
        ctx = EVP_KDF_CTX_new(kdf);
        good = ctx != NULL && EVP_KDF_derive(ctx, out, sizeof out, in.params) == 1;
        EVP_KDF_CTX_free(ctx);
        memory_fail_after(-1);
        EVP_KDF_free(kdf);
        assert_true(n < 100);
        assert_true(n > 0 || !good);
    }
    assert_memory_equal(out, expected, sizeof out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_schedule),
        cmocka_unit_test(prf_vectors),
        cmocka_unit_test(tls13_same_as_default),
        cmocka_unit_test(prf_same_as_default),
        cmocka_unit_test(inputs_one_after_the_other),
        cmocka_unit_test(size_of_the_result),
        cmocka_unit_test(nothing_is_left_for_another),
        cmocka_unit_test(no_memory),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
