#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "raw_hash.h"
#include "text.h"

static void assert_hex(const uint8_t *p, size_t n, const char *expected)
{
    char hex[256];
    struct text t = text_of(hex, sizeof hex);

    text_add_hex(&t, p, n);
    assert_string_equal(hex, expected);
}

/* RFC 8448 section 3: the early secret without a PSK, and the salt of the handshake secret. */
static void the_schedule_of_rfc_8448(void **state)
{
    uint8_t early[RAW_HASH_MAX];
    uint8_t empty[RAW_HASH_MAX];
    uint8_t derived[RAW_HASH_MAX];

    (void)state;
    assert_int_equal(raw_extract(EVP_sha256(), (struct raw_bytes){0}, (struct raw_bytes){0}, early),
                     RP_OK);
    assert_hex(early, 32, "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a");
    assert_int_equal(raw_hash(EVP_sha256(), NULL, 0, empty), RP_OK);
    assert_int_equal(raw_expand_label(EVP_sha256(), early, "derived", (struct raw_bytes){empty, 32},
                                      derived, 32),
                     RP_OK);
    assert_hex(derived, 32, "6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba");
}

/* RFC 5869 appendix A.1. */
static void the_extraction_of_rfc_5869(void **state)
{
    uint8_t salt[13];
    uint8_t ikm[22];
    uint8_t out[RAW_HASH_MAX];

    (void)state;
    memset(ikm, 0x0b, sizeof ikm);
    for (size_t i = 0; i < sizeof salt; i++) {
        salt[i] = (uint8_t)i;
    }
    assert_int_equal(raw_extract(EVP_sha256(), (struct raw_bytes){salt, sizeof salt},
                                 (struct raw_bytes){ikm, sizeof ikm}, out),
                     RP_OK);
    assert_hex(out, 32, "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
}

/* The vector for P_SHA256 that was agreed on the mailing list of the TLS working group. */
static void the_prf_of_tls12(void **state)
{
    static const uint8_t secret[] = {0x9b, 0xbe, 0x43, 0x6b, 0xa9, 0x40, 0xf0, 0x17,
                                     0xb1, 0x76, 0x52, 0x84, 0x9a, 0x71, 0xdb, 0x35};
    static const uint8_t seed[] = {0xa0, 0xba, 0x9f, 0x93, 0x6c, 0xda, 0x31, 0x18,
                                   0x27, 0xa6, 0xf7, 0x96, 0xff, 0xd5, 0x19, 0x8c};
    uint8_t out[100];

    (void)state;
    assert_int_equal(raw_prf(EVP_sha256(), (struct raw_bytes){secret, sizeof secret}, "test label",
                             (struct raw_bytes){seed, sizeof seed}, out, sizeof out),
                     RP_OK);
    assert_hex(out, sizeof out,
               "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9"
               "c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789ba"
               "a48082d122ee42c5a72e5a5110fff70187347b66");
}

static void what_is_too_long_is_refused(void **state)
{
    uint8_t out[64];
    const uint8_t secret[RAW_HASH_MAX] = {0};
    static const uint8_t context[256];

    (void)state;
    assert_int_equal(raw_expand_label(EVP_sha256(), secret, "key", (struct raw_bytes){0}, out, 33),
                     RP_INVALID);
    assert_int_equal(raw_expand_label(EVP_sha256(), secret, "key",
                                      (struct raw_bytes){context, sizeof context}, out, 32),
                     RP_INVALID);
    assert_int_equal(
        raw_expand_label(EVP_sha256(), secret, "key", (struct raw_bytes){context, 255}, out, 32),
        RP_OK);
    assert_int_equal(raw_prf(EVP_sha256(), (struct raw_bytes){secret, 32}, "label",
                             (struct raw_bytes){context, sizeof context}, out, 12),
                     RP_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schedule_of_rfc_8448),
        cmocka_unit_test(the_extraction_of_rfc_5869),
        cmocka_unit_test(the_prf_of_tls12),
        cmocka_unit_test(what_is_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
