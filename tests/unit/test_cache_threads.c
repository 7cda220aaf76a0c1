/* Threads that put and get at once; of most use under a thread sanitizer. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cache_use.h"

#define N_THREADS 4
#define N_ROUNDS 20000
#define N_SESSIONS 600

struct worker {
    pthread_t thread;
    struct rp_cache *cache;
    uint64_t seed;
    size_t n_wrong;
    size_t n_found;
};

static uint64_t next(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void id_of(uint64_t number, uint8_t id[static SESSION_ID_LEN])
{
    for (size_t i = 0; i < SESSION_ID_LEN; i++) {
        id[i] = (uint8_t)next(&number);
    }
}

static size_t length_of(uint64_t number)
{
    return 100 + (size_t)(number * 7 % 400);
}

static bool right(const uint8_t *found, size_t n, uint64_t number)
{
    for (size_t i = 0; i < n; i++) {
        if (found[i] != (uint8_t)number) {
            return false;
        }
    }
    return n == length_of(number);
}

static void *work(void *cookie)
{
    struct worker *const w = cookie;
    uint8_t record[CACHE_RECORD_MAX];
    uint8_t id[SESSION_ID_LEN];

    for (unsigned i = 0; i < N_ROUNDS; i++) {
        const uint64_t number = next(&w->seed) % N_SESSIONS;

        id_of(number, id);
        if (next(&w->seed) % 2 == 0) {
            memset(record, (int)(number & 0xff), length_of(number));
            w->n_wrong += cache_put(w->cache, id, record, length_of(number)) ? 0 : 1;
        } else {
            const size_t n = cache_get(w->cache, id, record);

            w->n_found += n != 0 ? 1 : 0;
            w->n_wrong += n == 0 || right(record, n, number) ? 0 : 1;
        }
        if (i % 1000 == 0) {
            struct rp_cache_stats stats;

            rp_cache_stats(w->cache, &stats);
        }
    }
    return NULL;
}

static void threads_share_it(void **state)
{
    struct worker workers[N_THREADS] = {0};
    struct rp_cache_stats stats;
    struct rp_cache *cache;
    size_t n_found = 0;

    (void)state;
    assert_int_equal(rp_cache_new(128 * 1024, &cache, NULL), RP_OK);
    for (unsigned i = 0; i < N_THREADS; i++) {
        workers[i].cache = cache;
        workers[i].seed = i;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (unsigned i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].n_wrong, 0);
        n_found += workers[i].n_found;
    }
    assert_true(n_found > 0);
    rp_cache_stats(cache, &stats);
    assert_int_equal(stats.n_hits, n_found);
    assert_int_equal(stats.n_hits + stats.n_misses + stats.n_stored, N_THREADS * N_ROUNDS);
    assert_int_equal(stats.n_emptied, 0);
    rp_cache_free(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
