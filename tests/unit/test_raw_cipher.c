#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"
#include "raw_cipher.h"
#include "tls_record.h"

static const uint8_t seed[RAW_RANDOM_SEED_LEN] = {7};
static const uint8_t key[64] = {1, 2, 3};
static const struct raw_cipher_keys keys = {key, key + 8, key + 16};
static const uint8_t content[] = "some content of a record";

/* One record, sealed; what follows its header is at at. */
static struct raw_buffer sealed(const struct raw_suite *suite, uint64_t sequence)
{
    struct raw_buffer out = {0};
    struct raw_cipher c = {0};
    struct raw_random random;

    assert_int_equal(raw_random_init(&random, seed), RP_OK);
    assert_int_equal(raw_cipher_init(&c, suite, &keys), RP_OK);
    c.sequence = sequence;
    assert_int_equal(
        raw_cipher_seal(&c, &random, TLS_RECORD_HANDSHAKE, 0x0303, content, sizeof content, &out),
        RP_OK);
    raw_cipher_fini(&c);
    raw_random_fini(&random);
    return out;
}

/* Opens what follows the header of a copy. */
static enum rp_status opens(const struct raw_suite *suite, uint64_t sequence,
                            const struct raw_buffer *record, size_t n, uint8_t *type)
{
    uint8_t copy[256];
    uint8_t *at;
    size_t len;
    struct raw_cipher c = {0};
    enum rp_status status;

    assert_int_equal(raw_cipher_init(&c, suite, &keys), RP_OK);
    c.sequence = sequence;
    memcpy(copy, record->bytes + TLS_RECORD_HEADER_LEN, n);
    *type = record->bytes[0];
    status = raw_cipher_open(&c, type, 0x0303, copy, n, &at, &len);
    if (status == RP_OK) {
        assert_int_equal(len, sizeof content);
        assert_memory_equal(at, content, len);
    }
    raw_cipher_fini(&c);
    return status;
}

static void every_suite_opens_what_it_sealed(void **state)
{
    const struct raw_suite *suite;
    uint8_t type;

    (void)state;
    for (size_t i = 0; (suite = raw_suite_at(i)) != NULL; i++) {
        struct raw_buffer record = sealed(suite, 5);

        assert_int_equal(record.bytes[0],
                         suite->tls13 ? TLS_RECORD_APPLICATION_DATA : TLS_RECORD_HANDSHAKE);
        assert_int_equal(opens(suite, 5, &record, record.len - TLS_RECORD_HEADER_LEN, &type),
                         RP_OK);
        assert_int_equal(type, TLS_RECORD_HANDSHAKE);
        assert_int_equal(opens(suite, 6, &record, record.len - TLS_RECORD_HEADER_LEN, &type),
                         RP_FORMAT);
        raw_buffer_fini(&record);
    }
}

static void every_flipped_byte_and_every_cut_is_refused(void **state)
{
    const struct raw_suite *suite;
    uint8_t type;

    (void)state;
    for (size_t i = 0; (suite = raw_suite_at(i)) != NULL; i++) {
        struct raw_buffer record = sealed(suite, 0);
        const size_t n = record.len - TLS_RECORD_HEADER_LEN;

        for (size_t k = 0; k < n; k++) {
            record.bytes[TLS_RECORD_HEADER_LEN + k] ^= 0x10;
            /* A GCM nonce's explicit part is what it is: any value opens if it is the right one. */
            assert_int_equal(opens(suite, 0, &record, n, &type), RP_FORMAT);
            record.bytes[TLS_RECORD_HEADER_LEN + k] ^= 0x10;
            assert_int_equal(opens(suite, 0, &record, k, &type), RP_FORMAT);
        }
        raw_buffer_fini(&record);
    }
}

static void without_keys_a_record_is_in_the_clear(void **state)
{
    struct raw_cipher c = {0};
    struct raw_random random = {{0}, 0};
    struct raw_buffer out = {0};

    (void)state;
    assert_int_equal(
        raw_cipher_seal(&c, &random, TLS_RECORD_ALERT, 0x0301, (const uint8_t *)"\2\50", 2, &out),
        RP_OK);
    assert_int_equal(out.len, 7);
    assert_memory_equal(out.bytes, "\x15\3\1\0\2\2\50", 7);
    raw_buffer_fini(&out);
    memory_fail_after(0);
    assert_int_equal(raw_cipher_seal(&c, &random, TLS_RECORD_ALERT, 0x0301, content, 2, &out),
                     RP_NO_MEMORY);
    memory_fail_after(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_suite_opens_what_it_sealed),
        cmocka_unit_test(every_flipped_byte_and_every_cut_is_refused),
        cmocka_unit_test(without_keys_a_record_is_in_the_clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
