#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>

#include "crypto_memory.h"
#include "free_lists.h"

#define LINKS (2 * sizeof(uintptr_t)) /* of a kept block: not what its owner left in it */

static int set_up(void **state)
{
    CRYPTO_malloc_fn take;
    CRYPTO_realloc_fn resize;
    CRYPTO_free_fn give;

    (void)state;
    crypto_memory_set();
    CRYPTO_get_mem_functions(&take, &resize, &give);
    if (take == CRYPTO_malloc || resize == CRYPTO_realloc || give == CRYPTO_free) {
        return -1;
    }
    return 0;
}

static void no_bytes_are_no_block(void **state)
{
    uint8_t *p;

    (void)state;
    assert_null(OPENSSL_malloc(0));
    OPENSSL_free(NULL);
    p = OPENSSL_realloc(NULL, 30);
    assert_non_null(p);
    memset(p, 7, 30);
    p = OPENSSL_realloc(p, 3000);
    assert_non_null(p);
    assert_int_equal(p[29], 7);
    assert_null(OPENSSL_realloc(p, 0));
}

/* Before anything is kept, and after. */
static void blocks_from_before(void **state)
{
    void *p = OPENSSL_malloc(500);

    assert_non_null(p);
    crypto_memory_keep();
    OPENSSL_free(p);
    if (free_lists_welcome()) {
        assert_ptr_equal(OPENSSL_malloc(500), p);
        OPENSSL_free(p);
    }
    crypto_memory_keep();
    no_bytes_are_no_block(state);
}

static void what_was_secret_is_not_kept(void **state)
{
    uint8_t *p = OPENSSL_malloc(200);
    const uint8_t *again;

    (void)state;
    if (!free_lists_welcome()) {
        OPENSSL_free(p);
        skip();
    }
    assert_non_null(p);
    memset(p, 0x5a, 200);
    OPENSSL_clear_free(p, 200);
    again = OPENSSL_malloc(200);
    assert_ptr_equal(again, p);
    for (size_t i = LINKS; i < 200; i++) {
        assert_int_equal(again[i], 0);
    }
    OPENSSL_free(p);
}

static void *digest(void *cookie)
{
    uint8_t out[32];

    for (unsigned i = 0; i < 200; i++) {
        if (EVP_Digest("x", 1, out, NULL, EVP_sha256(), NULL) != 1) {
            return NULL;
        }
    }
    OPENSSL_free(*(void **)cookie);
    *(void **)cookie = OPENSSL_malloc(100);
    return *(void **)cookie;
}

/* Another thread keeps nothing, and what it took may be given back here. */
static void another_thread(void **state)
{
    void *block = OPENSSL_malloc(100);
    void *handed[1] = {block};
    void *result = NULL;
    void *own[1] = {OPENSSL_malloc(100)};
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, digest, handed), 0);
    assert_non_null(digest(own));
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_non_null(result);
    OPENSSL_free(handed[0]);
    OPENSSL_free(own[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_bytes_are_no_block),
        cmocka_unit_test(blocks_from_before),
        cmocka_unit_test(what_was_secret_is_not_kept),
        cmocka_unit_test(another_thread),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
