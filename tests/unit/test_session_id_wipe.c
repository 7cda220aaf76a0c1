/*
 * Looks into each block of memory that libcrypto frees, for the state that SipHash makes of its key
 * (Aumasson and Bernstein, 2012, section 2.1: v0 to v3), from which the key is an XOR away.
 */
#include <malloc.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "keyring_fixture.h"
#include "session_id.h"

#define HOUR INT64_C(3600000)
#define N_WORDS 4

static uint64_t needles[N_WORDS];
static unsigned n_found;
static bool searching;

static void *allocate(size_t n, const char *file, int line)
{
    (void)file, (void)line;
    return malloc(n);
}

static void *reallocate(void *p, size_t n, const char *file, int line)
{
    (void)file, (void)line;
    return realloc(p, n);
}

static void search_and_free(void *p, const char *file, int line)
{
    const size_t n = searching && p != NULL ? malloc_usable_size(p) : 0;

    (void)file, (void)line;
    for (size_t at = 0; at + 8 <= n; at += 8) {
        for (size_t i = 0; i < N_WORDS; i++) {
            n_found += memcmp((const uint8_t *)p + at, &needles[i], 8) == 0 ? 1 : 0;
        }
    }
    free(p);
}

static void search_for(const uint8_t *key)
{
    static const char text[] = "somepseudorandomlygeneratedbytes";
    for (size_t i = 0; i < N_WORDS; i++) {
        needles[i] = 0;
        for (size_t j = 0; j < 8; j++) {
            needles[i] = needles[i] << 8 | (uint8_t)text[8 * i + j];
        }
        for (size_t j = 0; j < 8; j++) {
            needles[i] ^= (uint64_t)key[8 * (i % 2) + j] << 8 * j;
        }
    }
    n_found = 0;
    searching = true;
}

/* What libcrypto leaves by itself: the search would find it. */
static void careless(const struct algorithms *a, const uint8_t *key)
{
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(a->siphash);

    assert_non_null(ctx);
    assert_int_equal(EVP_MAC_init(ctx, key, 16, NULL), 1);
    EVP_MAC_CTX_free(ctx);
}

static void a_mac_leaves_no_key_behind(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(HOUR, HOUR, 1);
    struct algorithms algorithms;
    struct window_key key;
    struct window_key opened;
    uint8_t id[SESSION_ID_LEN];

    (void)state;
    assert_int_equal(algorithms_init(&algorithms), RP_OK);
    assert_true(window_sealing(keyring, 0, GENESIS, &key));
    search_for(key.keys.id_mac);
    careless(&algorithms, key.keys.id_mac);
    assert_true(n_found >= N_WORDS);
    n_found = 0;
    assert_int_equal(session_id_make(&algorithms, &key, id), RP_OK);
    assert_int_equal(session_id_open(&algorithms, keyring, 0, GENESIS, id, sizeof id, &opened),
                     WINDOW_FOUND);
    id[31] ^= 1;
    assert_int_equal(session_id_open(&algorithms, keyring, 0, GENESIS, id, sizeof id, &opened),
                     WINDOW_ABSENT);
    searching = false;
    assert_int_equal(n_found, 0);
    algorithms_fini(&algorithms);
    rp_keyring_free(&keyring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mac_leaves_no_key_behind),
    };

    if (CRYPTO_set_mem_functions(allocate, reallocate, search_and_free) != 1) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
