#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cache_use.h"
#include "memory.h"
#include "session_record.h"
#include "session_seal.h"

#define KIB 1024
#define MIB (1024 * KIB)
#define TYPICAL (SESSION_RECORD_FIXED_LEN + SESSION_SEAL_OVERHEAD)

/* The same numbers in every run. */
static uint64_t next(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void fill(uint8_t *p, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)next(&seed);
    }
}

static void id_of(uint64_t number, uint8_t id[static SESSION_ID_LEN])
{
    fill(id, SESSION_ID_LEN, number * 3);
}

static struct rp_cache *new_cache(size_t bytes)
{
    struct rp_cache *cache;
    struct rp_error err;

    assert_int_equal(rp_cache_new(bytes, &cache, &err), RP_OK);
    assert_non_null(cache);
    return cache;
}

static bool put(struct rp_cache *cache, uint64_t number, size_t n)
{
    uint8_t id[SESSION_ID_LEN];
    uint8_t *record = malloc(n);
    bool kept;

    assert_non_null(record);
    id_of(number, id);
    fill(record, n, number);
    kept = cache_put(cache, id, record, n);
    free(record);
    return kept;
}

/* Whether it is there; if it is, it is what was put. */
static bool has(struct rp_cache *cache, uint64_t number, size_t n)
{
    uint8_t id[SESSION_ID_LEN];
    uint8_t *out = malloc(CACHE_RECORD_MAX);
    uint8_t *record = malloc(n);
    size_t len;

    assert_non_null(out);
    assert_non_null(record);
    id_of(number, id);
    len = cache_get(cache, id, out);
    if (len != 0) {
        fill(record, n, number);
        assert_int_equal(len, n);
        assert_memory_equal(out, record, n);
    }
    free(out);
    free(record);
    return len != 0;
}

static void keeps_what_was_put(void **state)
{
    struct rp_cache *cache = new_cache(64 * KIB);
    struct rp_cache_stats stats;

    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        assert_false(has(cache, i, TYPICAL));
        assert_true(put(cache, i, TYPICAL));
        assert_true(has(cache, i, TYPICAL));
    }
    for (uint64_t i = 0; i < 100; i++) {
        assert_true(has(cache, i, TYPICAL));
    }
    rp_cache_stats(cache, &stats);
    assert_int_equal(stats.n_records, 100);
    assert_int_equal(stats.n_bytes, 100 * 152);
    assert_int_equal(stats.n_stored, 100);
    assert_int_equal(stats.n_hits, 200);
    assert_int_equal(stats.n_misses, 100);
    assert_int_equal(stats.n_evicted, 0);
    assert_int_equal(stats.n_emptied, 0);
    rp_cache_free(&cache);
    assert_null(cache);
    rp_cache_free(&cache);
    rp_cache_free(NULL);
}

static void a_later_record_supersedes_an_earlier_one(void **state)
{
    struct rp_cache *cache = new_cache(64 * KIB);
    uint8_t out[CACHE_RECORD_MAX];
    struct rp_cache_stats stats;
    uint8_t id[SESSION_ID_LEN];

    (void)state;
    id_of(1, id);
    for (unsigned i = 1; i <= 200; i++) {
        uint8_t record[200];

        memset(record, (int)i, sizeof record);
        assert_true(cache_put(cache, id, record, i));
        assert_int_equal(cache_get(cache, id, out), i);
        assert_memory_equal(out, record, i);
    }
    rp_cache_stats(cache, &stats);
    assert_int_equal(stats.n_records, 1);
    assert_int_equal(stats.n_bytes, 224);
    assert_int_equal(stats.n_evicted, 0);
    rp_cache_free(&cache);
}

static void another_id_never_gets_the_record(void **state)
{
    struct rp_cache *cache = new_cache(64 * KIB);
    uint8_t out[CACHE_RECORD_MAX];
    uint8_t id[SESSION_ID_LEN];

    (void)state;
    assert_true(put(cache, 1, TYPICAL));
    for (size_t bit = 4 * 8; bit < 24 * 8; bit++) {
        id_of(1, id);
        id[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(cache_get(cache, id, out), 0);
    }
    assert_true(has(cache, 1, TYPICAL));
    rp_cache_free(&cache);
}

static void takes_the_largest_record_and_none_larger(void **state)
{
    struct rp_cache *cache = new_cache(64 * KIB);

    (void)state;
    for (uint64_t i = 0; i < 50; i++) {
        assert_true(put(cache, i, CACHE_RECORD_MAX - i % 20));
        assert_true(has(cache, i, CACHE_RECORD_MAX - i % 20));
        assert_true(put(cache, 1000 + i, 1));
        assert_true(has(cache, 1000 + i, 1));
    }
    assert_false(put(cache, 100, CACHE_RECORD_MAX + 1));
    assert_false(has(cache, 100, CACHE_RECORD_MAX));
    assert_false(put(cache, 100, 0));
    rp_cache_free(&cache);
}

/* The log as the documentation describes it: what is still in it, by number. */
struct model {
    uint64_t log_len;
    uint64_t head;
    uint64_t tail;
    struct {
        uint64_t position;
        uint64_t size;
        size_t n;
    } records[6000];
    size_t n_records;
    size_t oldest;
};

static void model_put(struct model *m, size_t n)
{
    const uint64_t size = (24 + n + 7) / 8 * 8;
    const uint64_t left = m->log_len - m->head % m->log_len;

    m->head += left < size ? left : 0;
    m->records[m->n_records].position = m->head;
    m->records[m->n_records].size = size;
    m->records[m->n_records].n = n;
    m->n_records++;
    m->head += size;
    while (m->records[m->oldest].position + m->log_len < m->head) {
        m->oldest++;
    }
}

static void behaves_like_a_log(uint64_t seed, size_t n_most)
{
    struct rp_cache *cache = new_cache(64 * KIB);
    struct model *m = calloc(1, sizeof *m);
    struct rp_cache_stats stats;
    size_t n_lost = 0;
    size_t n_bytes = 0;

    assert_non_null(m);
    rp_cache_stats(cache, &stats);
    m->log_len = stats.capacity;
    m->head = m->log_len;
    for (size_t i = 0; i < 5000; i++) {
        const size_t n = 1 + next(&seed) % n_most;
        const size_t asked = next(&seed) % (i + 1);

        assert_true(put(cache, i, n));
        model_put(m, n);
        assert_true(has(cache, i, n));
        if (asked < m->oldest) {
            assert_false(has(cache, asked, m->records[asked].n));
        }
    }
    for (size_t i = 0; i < 5000; i++) {
        const bool there = has(cache, i, m->records[i].n);

        assert_false(there && i < m->oldest);
        n_bytes += there ? m->records[i].size : 0;
        n_lost += !there && i >= m->oldest;
    }
    rp_cache_stats(cache, &stats);
    assert_int_equal(stats.n_records, 5000 - m->oldest - n_lost);
    assert_int_equal(stats.n_bytes, n_bytes);
    assert_int_equal(stats.n_evicted, m->oldest + n_lost);
    assert_int_equal(stats.n_stored, 5000);
    /* Where records are no smaller than sessions are, the index has more room than the log. */
    assert_true(n_most < 2 * TYPICAL || n_lost < 5);
    assert_true(n_most < 1500 || n_lost == 0);
    free(m);
    rp_cache_free(&cache);
}

static void drops_the_oldest_first_whatever_the_sizes(void **state)
{
    static const size_t most[] = {100, 2 * TYPICAL, 1500, CACHE_RECORD_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof most / sizeof most[0]; i++) {
        behaves_like_a_log(i, most[i]);
    }
}

/* Small records overflow the index long before the log; the newest must still be there. */
static void an_index_that_is_full_drops_the_oldest(void **state)
{
    struct rp_cache *cache = new_cache(64 * KIB);
    struct rp_cache_stats stats;
    size_t n_there = 0;

    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        assert_true(put(cache, i, 1));
        assert_true(has(cache, i, 1));
    }
    for (uint64_t i = 0; i < 20000; i++) {
        n_there += has(cache, i, 1) ? 1 : 0;
    }
    rp_cache_stats(cache, &stats);
    assert_int_equal(stats.n_records, n_there);
    assert_int_equal(stats.n_evicted, 20000 - n_there);
    assert_true(n_there > 350);
    for (uint64_t i = 20000 - 100; i < 20000; i++) {
        assert_true(has(cache, i, 1));
    }
    rp_cache_free(&cache);
}

/* Of the memory of caches. */
static size_t shared_bytes(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    size_t n = 0;

    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long start;
        unsigned long end;

        if (strstr(line, "/memfd:reprise-cache") != NULL) {
            assert_int_equal(sscanf(line, "%lx-%lx", &start, &end), 2);
            n += end - start;
        }
    }
    assert_int_equal(fclose(maps), 0);
    return n;
}

static void takes_no_more_memory_than_it_was_given(void **state)
{
    static const size_t sizes[] = {64 * KIB, 64 * KIB + 1, 100000, MIB - 1, MIB, 5 * MIB + 12345};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct rp_cache *cache = new_cache(sizes[i]);
        const size_t taken = shared_bytes();
        struct rp_cache_stats stats;

        assert_true(taken > 0);
        assert_true(taken <= sizes[i]);
        for (uint64_t k = 0; k < 10000; k++) {
            assert_true(put(cache, k, TYPICAL + k % 2000));
        }
        assert_int_equal(shared_bytes(), taken);
        rp_cache_stats(cache, &stats);
        assert_true(stats.capacity < sizes[i]);
        assert_true(stats.n_bytes <= stats.capacity);
        rp_cache_free(&cache);
        assert_int_equal(shared_bytes(), 0);
    }
}

/* A session as it is really sealed: n_there of n_put survive in 1 MiB. */
static void holds_six_thousand_sessions_a_mebibyte(void **state)
{
    enum { N = 12000 };
    const struct window_key key = {.keys = {.record = {1}, .id_mac = {2}, .id_hint = {3}}};
    struct session_record record = {
        .meta = {.version = 0x0303, .ems = true}, .lifetime_s = 86400, .cipher = 0xc02b};
    uint8_t(*ids)[SESSION_ID_LEN] = calloc(N, SESSION_ID_LEN);
    struct rp_cache *cache = new_cache(MIB);
    struct algorithms algorithms;
    size_t n_there = 0;

    (void)state;
    assert_non_null(ids);
    assert_int_equal(algorithms_init(&algorithms), RP_OK);
    for (size_t i = 0; i < N; i++) {
        uint8_t plain[SESSION_RECORD_FIXED_LEN];
        uint8_t sealed[sizeof plain + SESSION_SEAL_OVERHEAD];
        const size_t n = session_record_encode(&record, plain, sizeof plain);

        assert_int_equal(n, SESSION_RECORD_FIXED_LEN);
        assert_int_equal(session_id_make(&key, ids[i]), RP_OK);
        assert_int_equal(session_seal(&algorithms, &key, ids[i], plain, n, sealed), RP_OK);
        assert_true(cache_put(cache, ids[i], sealed, sizeof sealed));
    }
    for (size_t i = 0; i < N; i++) {
        uint8_t out[CACHE_RECORD_MAX];
        uint8_t plain[CACHE_RECORD_MAX];
        const size_t n = cache_get(cache, ids[i], out);
        enum rp_verdict verdict;
        size_t plain_len;

        if (n != 0) {
            assert_int_equal(
                session_open(&algorithms, &key, ids[i], out, n, &verdict, plain, &plain_len),
                RP_OK);
            assert_int_equal(verdict, RP_VERDICT_ACCEPTED);
            assert_int_equal(plain_len, SESSION_RECORD_FIXED_LEN);
            n_there++;
        }
    }
    print_message("%zu sessions in 1 MiB\n", n_there);
    assert_true(n_there > 6000);
    algorithms_fini(&algorithms);
    rp_cache_free(&cache);
    free(ids);
}

static void processes_share_it(void **state)
{
    struct rp_cache *cache = new_cache(64 * KIB);
    int status = 1;
    pid_t child;

    (void)state;
    assert_true(put(cache, 1, TYPICAL));
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(has(cache, 1, TYPICAL) && put(cache, 2, TYPICAL) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(has(cache, 2, TYPICAL));
    rp_cache_free(&cache);
}

static void refuses_sizes_out_of_range(void **state)
{
    static const size_t sizes[] = {0, 1, 64 * KIB - 1, ((size_t)64 << 30) + 1, SIZE_MAX};
    struct rp_cache *cache;
    struct rp_error err;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        err.text[0] = '\0';
        assert_int_equal(rp_cache_new(sizes[i], &cache, &err), RP_INVALID);
        assert_null(cache);
        assert_non_null(strstr(err.text, "64 KiB"));
        assert_int_equal(rp_cache_new(sizes[i], &cache, NULL), RP_INVALID);
    }
}

static void survives_a_failed_allocation(void **state)
{
    struct rp_cache *cache;
    enum rp_status status = RP_NO_MEMORY;
    struct rp_error err;

    (void)state;
    for (long n = 0; status != RP_OK; n++) {
        memory_fail_after(n);
        status = rp_cache_new(64 * KIB, &cache, &err);
        memory_fail_after(-1);
        assert_true(n < 10);
        assert_true(status == RP_OK || (status == RP_NO_MEMORY && cache == NULL));
    }
    rp_cache_free(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_was_put),
        cmocka_unit_test(a_later_record_supersedes_an_earlier_one),
        cmocka_unit_test(another_id_never_gets_the_record),
        cmocka_unit_test(takes_the_largest_record_and_none_larger),
        cmocka_unit_test(drops_the_oldest_first_whatever_the_sizes),
        cmocka_unit_test(an_index_that_is_full_drops_the_oldest),
        cmocka_unit_test(takes_no_more_memory_than_it_was_given),
        cmocka_unit_test(holds_six_thousand_sessions_a_mebibyte),
        cmocka_unit_test(processes_share_it),
        cmocka_unit_test(refuses_sizes_out_of_range),
        cmocka_unit_test(survives_a_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
