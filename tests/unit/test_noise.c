#include "noise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "crypto_blocks.h"
#include "memory.h"
#include "noise_core.h"

static const uint8_t psk[NOISE_PSK_LEN] = "any thirty-two bytes known to us";
static const uint8_t prologue[] = "prologue";
static const uint8_t question[] = "question";
static const uint8_t reply[] = "a reply that is longer";

#define ASK_LEN (sizeof question + NOISE_OVERHEAD)
#define ANSWER_LEN (sizeof reply + NOISE_OVERHEAD)

static void assert_zero(const void *p, size_t n)
{
    const uint8_t *bytes = p;

    for (size_t i = 0; i < n; i++) {
        assert_int_equal(bytes[i], 0);
    }
}

static void assert_fresh(const struct noise *noise)
{
    assert_zero(noise, sizeof *noise);
}

static enum rp_status ask(struct noise *noise, uint8_t out[static ASK_LEN])
{
    return noise_ask(noise, psk, prologue, sizeof prologue, question, sizeof question, out);
}

static enum rp_status hear(struct noise *noise, const uint8_t *message, size_t n, uint8_t *payload)
{
    return noise_hear(noise, psk, prologue, sizeof prologue, message, n, payload);
}

/* One that was asked, and the first message to it. */
static void exchange_begin(struct noise *asker, struct noise *asked, uint8_t *first)
{
    uint8_t payload[sizeof question];

    assert_int_equal(ask(asker, first), RP_OK);
    assert_int_equal(hear(asked, first, ASK_LEN, payload), RP_OK);
    assert_memory_equal(payload, question, sizeof question);
}

static void exchange(struct noise *asker, uint8_t *first, uint8_t *second)
{
    struct noise asked;

    exchange_begin(asker, &asked, first);
    assert_int_equal(noise_answer(&asked, reply, sizeof reply, second), RP_OK);
    assert_fresh(&asked);
}

static void a_round_trip(void **state)
{
    struct noise asker;
    uint8_t first[ASK_LEN];
    uint8_t second[ANSWER_LEN];
    uint8_t payload[sizeof reply];

    (void)state;
    exchange(&asker, first, second);
    assert_int_equal(noise_finish(&asker, second, sizeof second, payload), RP_OK);
    assert_memory_equal(payload, reply, sizeof reply);
    assert_fresh(&asker);
}

/* The same words, never the same bytes. */
static void ephemeral_keys_are_fresh(void **state)
{
    struct noise asker[2];
    uint8_t first[2][ASK_LEN];
    uint8_t second[2][ANSWER_LEN];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        exchange(&asker[i], first[i], second[i]);
        noise_fini(&asker[i]);
    }
    assert_memory_not_equal(first[0], first[1], 32);
    assert_memory_not_equal(first[0] + 32, first[1] + 32, ASK_LEN - 32);
    assert_memory_not_equal(second[0], second[1], 32);
    assert_memory_not_equal(second[0] + 32, second[1] + 32, ANSWER_LEN - 32);
}

static void a_first_message_with_a_bit_flipped(void **state)
{
    struct noise asker;
    struct noise asked;
    uint8_t first[ASK_LEN];
    uint8_t payload[sizeof question];

    (void)state;
    assert_int_equal(ask(&asker, first), RP_OK);
    for (size_t bit = 0; bit < 8 * sizeof first; bit++) {
        first[bit / 8] ^= (uint8_t)(1u << bit % 8);
        memset(payload, 1, sizeof payload);
        assert_int_equal(hear(&asked, first, sizeof first, payload), RP_FORMAT);
        assert_fresh(&asked);
        assert_zero(payload, sizeof payload);
        first[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(hear(&asked, first, sizeof first, payload), RP_OK);
    assert_int_equal(ERR_peek_error(), 0);
    noise_fini(&asker);
    noise_fini(&asked);
}

/* The right answer counts after any number of wrong ones. */
static void a_second_message_with_a_bit_flipped(void **state)
{
    struct noise asker;
    uint8_t first[ASK_LEN];
    uint8_t second[ANSWER_LEN];
    uint8_t payload[sizeof reply];

    (void)state;
    exchange(&asker, first, second);
    for (size_t bit = 0; bit < 8 * sizeof second; bit++) {
        second[bit / 8] ^= (uint8_t)(1u << bit % 8);
        memset(payload, 1, sizeof payload);
        assert_int_equal(noise_finish(&asker, second, sizeof second, payload), RP_FORMAT);
        assert_zero(payload, sizeof payload);
        second[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(noise_finish(&asker, second, sizeof second, payload), RP_OK);
    assert_memory_equal(payload, reply, sizeof reply);
    assert_int_equal(ERR_peek_error(), 0);
}

static void messages_cut_short(void **state)
{
    struct noise asker;
    struct noise asked;
    uint8_t first[ASK_LEN];
    uint8_t second[ANSWER_LEN];
    uint8_t payload[sizeof reply];

    (void)state;
    exchange(&asker, first, second);
    for (size_t n = 0; n < sizeof first; n++) {
        assert_int_equal(hear(&asked, first, n, payload), RP_FORMAT);
        assert_fresh(&asked);
    }
    for (size_t n = 0; n < sizeof second; n++) {
        assert_int_equal(noise_finish(&asker, second, n, payload), RP_FORMAT);
    }
    assert_int_equal(noise_finish(&asker, second, sizeof second, payload), RP_OK);
}

static void messages_with_a_byte_more(void **state)
{
    struct noise asker;
    struct noise asked;
    uint8_t first[ASK_LEN + 1] = {0};
    uint8_t second[ANSWER_LEN + 1] = {0};
    uint8_t payload[sizeof reply + 1];

    (void)state;
    exchange(&asker, first, second);
    assert_int_equal(hear(&asked, first, sizeof first, payload), RP_FORMAT);
    assert_fresh(&asked);
    assert_int_equal(noise_finish(&asker, second, sizeof second, payload), RP_FORMAT);
    noise_fini(&asker);
}

static void a_message_has_65535_bytes_at_most(void **state)
{
    static uint8_t message[NOISE_MESSAGE_MAX + 1];
    static uint8_t payload[NOISE_MESSAGE_MAX + 1];
    const size_t most = NOISE_MESSAGE_MAX - NOISE_OVERHEAD;
    struct noise asker;
    struct noise asked;

    (void)state;
    assert_int_equal(noise_ask(&asker, psk, NULL, 0, payload, most + 1, message), RP_INVALID);
    assert_fresh(&asker);
    assert_int_equal(noise_ask(&asker, psk, NULL, 0, payload, most, message), RP_OK);
    assert_int_equal(noise_hear(&asked, psk, NULL, 0, message, sizeof message, payload), RP_FORMAT);
    assert_int_equal(noise_hear(&asked, psk, NULL, 0, message, NOISE_MESSAGE_MAX, payload), RP_OK);
    assert_int_equal(noise_answer(&asked, payload, most + 1, message), RP_INVALID);
    assert_fresh(&asked);
    assert_int_equal(noise_finish(&asker, message, sizeof message, payload), RP_FORMAT);
    noise_fini(&asker);
}

static void another_psk(void **state)
{
    uint8_t other[NOISE_PSK_LEN];
    struct noise asker;
    struct noise asked;
    uint8_t first[ASK_LEN];
    uint8_t payload[sizeof question];

    (void)state;
    assert_int_equal(ask(&asker, first), RP_OK);
    memcpy(other, psk, sizeof other);
    other[31] ^= 1;
    assert_int_equal(
        noise_hear(&asked, other, prologue, sizeof prologue, first, sizeof first, payload),
        RP_FORMAT);
    assert_fresh(&asked);
    noise_fini(&asker);
}

static void another_prologue(void **state)
{
    static const uint8_t other[] = "Prologue";
    struct noise asker;
    struct noise asked;
    uint8_t first[ASK_LEN];
    uint8_t payload[sizeof question];

    (void)state;
    assert_int_equal(ask(&asker, first), RP_OK);
    assert_int_equal(noise_hear(&asked, psk, other, sizeof other, first, sizeof first, payload),
                     RP_FORMAT);
    assert_int_equal(
        noise_hear(&asked, psk, prologue, sizeof prologue - 1, first, sizeof first, payload),
        RP_FORMAT);
    assert_int_equal(noise_hear(&asked, psk, NULL, 0, first, sizeof first, payload), RP_FORMAT);
    assert_fresh(&asked);
    noise_fini(&asker);
}

/* What was said in one exchange says nothing in another. */
static void replays(void **state)
{
    struct noise old;
    struct noise asker;
    uint8_t first[ASK_LEN];
    uint8_t second[ANSWER_LEN];
    uint8_t payload[sizeof reply];

    (void)state;
    exchange(&old, first, second);
    assert_int_equal(ask(&asker, first), RP_OK);
    assert_int_equal(noise_finish(&asker, second, sizeof second, payload), RP_FORMAT);
    noise_fini(&asker);

    /* The question is answered again; whoever repeats it has not the key to read by. */
    exchange(&asker, first, second);
    assert_int_equal(noise_finish(&asker, first, sizeof first, payload), RP_FORMAT);
    noise_fini(&old);
    noise_fini(&asker);
}

/* One's own messages, sent back. */
static void reflections(void **state)
{
    struct noise asker;
    struct noise asked;
    uint8_t first[ASK_LEN];
    uint8_t second[ANSWER_LEN];
    uint8_t payload[sizeof reply];

    (void)state;
    exchange(&asker, first, second);
    assert_int_equal(hear(&asked, second, sizeof second, payload), RP_FORMAT);
    assert_int_equal(noise_finish(&asker, first, sizeof first, payload), RP_FORMAT);
    noise_fini(&asker);
}

/* Points of small order, RFC 7748 section 6.1: every key agrees with them on zeroes. */
static const uint8_t small_points[][32] = {
    {0},
    {1},
    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
     0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
     0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
};

static EVP_PKEY *public_of(const uint8_t point[static 32])
{
    EVP_PKEY *const key = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, point, 32);

    assert_non_null(key);
    return key;
}

/* By one who has the psk. */
static void a_question_with_a_point_of_small_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof small_points / sizeof small_points[0]; i++) {
        struct noise asker;
        struct noise asked;
        uint8_t first[ASK_LEN];
        uint8_t second[ANSWER_LEN];
        uint8_t payload[sizeof question];

        assert_int_equal(noise_ask_with(&asker, public_of(small_points[i]), psk, prologue,
                                        sizeof prologue, question, sizeof question, first),
                         RP_OK);
        noise_fini(&asker);
        assert_int_equal(hear(&asked, first, sizeof first, payload), RP_OK);
        assert_int_equal(noise_answer(&asked, reply, sizeof reply, second), RP_FORMAT);
        assert_fresh(&asked);
    }
    assert_int_equal(ERR_peek_error(), 0);
}

static void an_answer_with_a_point_of_small_order(void **state)
{
    struct noise asker;
    uint8_t first[ASK_LEN];
    uint8_t second[ANSWER_LEN];
    uint8_t payload[sizeof reply];

    (void)state;
    exchange(&asker, first, second);
    for (size_t i = 0; i < sizeof small_points / sizeof small_points[0]; i++) {
        uint8_t forged[ANSWER_LEN];

        memcpy(forged, second, sizeof forged);
        memcpy(forged, small_points[i], sizeof small_points[i]);
        assert_int_equal(noise_finish(&asker, forged, sizeof forged, payload), RP_FORMAT);
    }
    assert_int_equal(ERR_peek_error(), 0);
    assert_int_equal(noise_finish(&asker, second, sizeof second, payload), RP_OK);
}

static void fini_takes_zeroes(void **state)
{
    struct noise noise = {0};

    (void)state;
    noise_fini(&noise);
    assert_fresh(&noise);
}

/* Whatever of libcrypto's allocations fails, each step says so and leaves what it promises. */
static void no_memory_to_ask(void **state)
{
    enum rp_status status = RP_CRYPTO;

    (void)state;
    for (long n = 0; status != RP_OK; n++) {
        struct noise noise;
        uint8_t first[ASK_LEN];

        memory_fail_after(n);
        status = ask(&noise, first);
        memory_fail_after(-1);
        if (status != RP_OK) {
            assert_int_equal(status, RP_CRYPTO);
            assert_fresh(&noise);
        }
        noise_fini(&noise);
        assert_in_range(n, 0, 1000);
    }
    ERR_clear_error();
}

static void no_memory_to_hear(void **state)
{
    enum rp_status status = RP_CRYPTO;
    struct noise asker;
    uint8_t first[ASK_LEN];

    (void)state;
    assert_int_equal(ask(&asker, first), RP_OK);
    noise_fini(&asker);
    for (long n = 0; status != RP_OK; n++) {
        struct noise noise;
        uint8_t payload[sizeof question];

        memset(payload, 1, sizeof payload);
        memory_fail_after(n);
        status = hear(&noise, first, sizeof first, payload);
        memory_fail_after(-1);
        if (status != RP_OK) {
            assert_int_equal(status, RP_CRYPTO);
            assert_fresh(&noise);
            assert_zero(payload, sizeof payload);
        }
        noise_fini(&noise);
        assert_in_range(n, 0, 1000);
    }
    ERR_clear_error();
}

static void no_memory_to_answer(void **state)
{
    enum rp_status status = RP_CRYPTO;

    (void)state;
    for (long n = 0; status != RP_OK; n++) {
        struct noise asker;
        struct noise asked;
        uint8_t first[ASK_LEN];
        uint8_t second[ANSWER_LEN];

        exchange_begin(&asker, &asked, first);
        memory_fail_after(n);
        status = noise_answer(&asked, reply, sizeof reply, second);
        memory_fail_after(-1);
        assert_true(status == RP_OK || status == RP_CRYPTO);
        assert_fresh(&asked);
        noise_fini(&asker);
        assert_in_range(n, 0, 1000);
    }
    ERR_clear_error();
}

static void no_memory_to_finish(void **state)
{
    enum rp_status status = RP_CRYPTO;
    struct noise asker;
    uint8_t first[ASK_LEN];
    uint8_t second[ANSWER_LEN];
    uint8_t payload[sizeof reply];

    (void)state;
    exchange(&asker, first, second);
    for (long n = 0; status != RP_OK; n++) {
        const struct noise before = asker;

        memset(payload, 1, sizeof payload);
        memory_fail_after(n);
        status = noise_finish(&asker, second, sizeof second, payload);
        memory_fail_after(-1);
        if (status != RP_OK) {
            assert_int_equal(status, RP_CRYPTO);
            assert_memory_equal(&asker, &before, sizeof before);
            assert_zero(payload, sizeof payload);
        }
        assert_in_range(n, 0, 1000);
    }
    assert_memory_equal(payload, reply, sizeof reply);
    assert_fresh(&asker);
    ERR_clear_error();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_trip),
        cmocka_unit_test(ephemeral_keys_are_fresh),
        cmocka_unit_test(a_first_message_with_a_bit_flipped),
        cmocka_unit_test(a_second_message_with_a_bit_flipped),
        cmocka_unit_test(messages_cut_short),
        cmocka_unit_test(messages_with_a_byte_more),
        cmocka_unit_test(a_message_has_65535_bytes_at_most),
        cmocka_unit_test(another_psk),
        cmocka_unit_test(another_prologue),
        cmocka_unit_test(replays),
        cmocka_unit_test(reflections),
        cmocka_unit_test(a_question_with_a_point_of_small_order),
        cmocka_unit_test(an_answer_with_a_point_of_small_order),
        cmocka_unit_test(fini_takes_zeroes),
        cmocka_unit_test(no_memory_to_ask),
        cmocka_unit_test(no_memory_to_hear),
        cmocka_unit_test(no_memory_to_answer),
        cmocka_unit_test(no_memory_to_finish),
    };

    return cmocka_run_group_tests(tests, crypto_blocks_set_up, NULL);
}
