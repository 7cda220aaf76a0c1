/* What sealing and opening a session, and checking its ID, leave on the stack. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/rand.h>
#include <sodium.h>

#include "session_seal.h"

#define STACK_LEN (256 << 10)
#define PAINT 0xee
#define PLAIN_LEN 100
#define NONCE_LEN 12
#define SIGHT 8 /* bytes of a secret that count as found */

static struct algorithms algorithms;
static struct window_key key;
static uint8_t plain[PLAIN_LEN];
static uint8_t id[SESSION_ID_LEN];
static uint8_t sealed[PLAIN_LEN + SESSION_SEAL_OVERHEAD];
static uint8_t opened[PLAIN_LEN];
static _Alignas(4096) uint8_t stack[STACK_LEN];

static void seal(void)
{
    assert_int_equal(session_seal(&algorithms, &key, id, plain, PLAIN_LEN, sealed), RP_OK);
}

static void open_it(void)
{
    enum rp_verdict verdict;
    size_t n;

    assert_int_equal(
        session_open(&algorithms, &key, id, sealed, sizeof sealed, &verdict, opened, &n), RP_OK);
    assert_int_equal(verdict, RP_VERDICT_ACCEPTED);
    assert_memory_equal(opened, plain, PLAIN_LEN);
}

static void make_id(void)
{
    assert_int_equal(session_id_make(&key, id), RP_OK);
}

static void leave_a_piece(void)
{
    volatile uint8_t piece[SIGHT];

    for (size_t i = 0; i < SIGHT; i++) {
        piece[i] = plain[40 + i];
    }
    (void)piece[0];
}

/* Deep enough that what a thread does at its end does not overwrite it. */
static void *run_deep(void *what)
{
    volatile uint8_t room[8192];

    room[0] = room[sizeof room - 1] = 0;
    (*(void (**)(void))what)();
    return room[0] == 0 ? NULL : what;
}

/* On a stack that is painted before. */
static void run(void (*what)(void))
{
    pthread_attr_t attr;
    pthread_t thread;

    memset(stack, PAINT, sizeof stack);
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstack(&attr, stack, sizeof stack), 0);
    assert_int_equal(pthread_create(&thread, &attr, run_deep, &what), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)pthread_attr_destroy(&attr);
}

static bool left(const uint8_t *secret, size_t n)
{
    for (size_t i = 0; i + SIGHT <= n; i++) {
        if (memmem(stack, sizeof stack, secret + i, SIGHT) != NULL) {
            return true;
        }
    }
    return false;
}

/* With that and the sealed record, which lies in the cache, one has the master secret. */
static bool left_keystream(void)
{
    uint8_t keystream[PLAIN_LEN];

    for (size_t i = 0; i < PLAIN_LEN; i++) {
        keystream[i] = plain[i] ^ sealed[NONCE_LEN + i];
    }
    return left(keystream, sizeof keystream);
}

static bool left_a_key(void)
{
    uint8_t record_key[32];

    (void)crypto_core_hchacha20(record_key, id + 4, key.keys.record, NULL);
    return left(record_key, sizeof record_key) || left(key.keys.record, sizeof key.keys.record) ||
           left(key.keys.id_mac, sizeof key.keys.id_mac);
}

static int by_sodium(void **state)
{
    (void)state;
    assert_int_equal(algorithms_init(&algorithms), RP_OK);
    assert_int_equal(RAND_bytes((uint8_t *)&key, sizeof key), 1);
    assert_int_equal(RAND_bytes(plain, sizeof plain), 1);
    assert_int_equal(session_id_make(&key, id), RP_OK);
    return 0;
}

static int by_libcrypto(void **state)
{
    (void)by_sodium(state);
    algorithms.gcm_by_sodium = false;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    algorithms_fini(&algorithms);
    return 0;
}

/* The search finds what is there. */
static void a_piece_that_is_left_is_found(void **state)
{
    (void)state;
    run(leave_a_piece);
    assert_true(left(plain, sizeof plain));
}

static void neither_keys_nor_keystream_are_left(void **state)
{
    (void)state;
    run(seal);
    assert_false(left_keystream() || left_a_key() || left(plain, sizeof plain));
    run(open_it);
    assert_false(left_keystream() || left_a_key() || left(plain, sizeof plain));
}

static void no_key_of_an_id_is_left(void **state)
{
    (void)state;
    run(make_id);
    assert_false(left_a_key());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_piece_that_is_left_is_found, by_sodium, tear_down),
        cmocka_unit_test_setup_teardown(neither_keys_nor_keystream_are_left, by_sodium, tear_down),
        cmocka_unit_test_setup_teardown(neither_keys_nor_keystream_are_left, by_libcrypto,
                                        tear_down),
        cmocka_unit_test_setup_teardown(no_key_of_an_id_is_left, by_sodium, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
