/* What the messages of a fleet leave in memory that libcrypto gave back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "crypto_blocks.h"
#include "noise_core.h"
#include "seal.h"

#define SAID_LEN 500

struct secrets {
    uint8_t psk[NOISE_PSK_LEN]; /* or fleet secret */
    uint8_t ask_e[32];
    uint8_t answer_e[32];
    uint8_t agreed[32];
    uint8_t said[SAID_LEN];
};

static EVP_PKEY *key_of(const uint8_t private[static 32])
{
    return EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private, 32);
}

static struct secrets make_secrets(void)
{
    struct secrets s;
    size_t len = sizeof s.agreed;
    EVP_PKEY *own;
    EVP_PKEY *other;
    EVP_PKEY_CTX *ctx;

    assert_int_equal(RAND_bytes((uint8_t *)&s, sizeof s), 1);
    own = key_of(s.ask_e);
    other = key_of(s.answer_e);
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
    assert_int_equal(EVP_PKEY_derive_set_peer(ctx, other), 1);
    assert_int_equal(EVP_PKEY_derive(ctx, s.agreed, &len), 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(own);
    EVP_PKEY_free(other);
    return s;
}

/* Runs it while p is watched. */
static void assert_wiped(const struct secrets *s, const uint8_t *p, size_t n,
                         void (*run)(const struct secrets *s))
{
    crypto_blocks_watch(p, n);
    run(s);
    assert_true(crypto_blocks_given() > 10);
    assert_int_equal(crypto_blocks_found(), 0);
    crypto_blocks_watch(NULL, 0);
}

static void exchange(const struct secrets *s)
{
    const size_t len = SAID_LEN + NOISE_OVERHEAD;
    struct noise asker;
    struct noise asked;
    uint8_t message[SAID_LEN + NOISE_OVERHEAD];
    uint8_t payload[SAID_LEN];

    assert_int_equal(
        noise_ask_with(&asker, key_of(s->ask_e), s->psk, NULL, 0, s->said, SAID_LEN, message),
        RP_OK);
    assert_int_equal(noise_hear(&asked, s->psk, NULL, 0, message, len, payload), RP_OK);
    assert_int_equal(noise_answer_with(&asked, key_of(s->answer_e), s->said, SAID_LEN, message),
                     RP_OK);
    message[40] ^= 1;
    assert_int_equal(noise_finish(&asker, message, len, payload), RP_FORMAT);
    message[40] ^= 1;
    assert_int_equal(noise_finish(&asker, message, len, payload), RP_OK);
}

static void an_exchange_leaves_nothing(void **state)
{
    const struct secrets s = make_secrets();

    (void)state;
    assert_wiped(&s, s.psk, sizeof s.psk, exchange);
    assert_wiped(&s, s.ask_e, sizeof s.ask_e, exchange);
    assert_wiped(&s, s.answer_e, sizeof s.answer_e, exchange);
    assert_wiped(&s, s.agreed, sizeof s.agreed, exchange);
    assert_wiped(&s, s.said, sizeof s.said, exchange);
}

static void seal_and_open(const struct secrets *s)
{
    const struct mailbox_header header = {.type = MAILBOX_TIME};
    const size_t len = SAID_LEN + SEAL_OVERHEAD;
    struct seal seal;
    struct mailbox_header opened;
    uint8_t message[SAID_LEN + SEAL_OVERHEAD];
    uint8_t plain[SAID_LEN];

    assert_int_equal(seal_init(&seal, s->psk, "shop"), RP_OK);
    assert_int_equal(seal_message(&seal, &header, s->said, SAID_LEN, message), RP_OK);
    message[len - 1] ^= 1;
    assert_int_equal(seal_open(&seal, message, len, &opened, plain), RP_FORMAT);
    message[len - 1] ^= 1;
    assert_int_equal(seal_open(&seal, message, len, &opened, plain), RP_OK);
    seal_fini(&seal);
}

static void a_sealed_message_leaves_nothing(void **state)
{
    const struct secrets s = make_secrets();
    struct seal seal;

    (void)state;
    assert_int_equal(seal_init(&seal, s.psk, "shop"), RP_OK);
    assert_wiped(&s, s.psk, sizeof s.psk, seal_and_open);
    assert_wiped(&s, seal.psk, sizeof seal.psk, seal_and_open);
    assert_wiped(&s, s.said, sizeof s.said, seal_and_open);
    seal_fini(&seal);
}

/* Or what was not found would say nothing. */
static void what_is_left_is_found(void **state)
{
    const struct secrets s = make_secrets();
    uint8_t *const block = OPENSSL_malloc(100);

    (void)state;
    assert_non_null(block);
    crypto_blocks_watch(s.psk, sizeof s.psk);
    memcpy(block + 7, s.psk + 3, 20);
    OPENSSL_free(block);
    assert_int_equal(crypto_blocks_found(), 1);
    crypto_blocks_watch(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exchange_leaves_nothing),
        cmocka_unit_test(a_sealed_message_leaves_nothing),
        cmocka_unit_test(what_is_left_is_found),
    };

    return cmocka_run_group_tests(tests, crypto_blocks_set_up, NULL);
}
