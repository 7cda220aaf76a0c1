/* What the public cache does not let a test reach: the end of positions, and spoilt memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cache_shard.h"
#include "cache_use.h"

#define N_BUCKETS 50
#define LOG_LEN (48 * 1024)

/* In three blocks of their exact size, so that a sanitizer sees what leaves them. */
static struct cache_shard new_shard(void)
{
    const struct cache_shard s = {
        .head = calloc(1, CACHE_SHARD_HEAD_LEN),
        .index = calloc(N_BUCKETS, CACHE_BUCKET_LEN),
        .log = calloc(1, LOG_LEN),
        .n_buckets = N_BUCKETS,
        .log_len = LOG_LEN,
    };

    assert_non_null(s.head);
    assert_non_null(s.index);
    assert_non_null(s.log);
    cache_shard_init(&s);
    return s;
}

static void free_shard(const struct cache_shard *s)
{
    free(s->head);
    free(s->index);
    free(s->log);
}

/* The same numbers in every run. */
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

static void put(const struct cache_shard *s, uint64_t number, size_t n)
{
    uint8_t id[SESSION_ID_LEN];
    uint8_t *record = malloc(n);

    assert_non_null(record);
    id_of(number, id);
    memset(record, (int)(number & 0xff), n);
    cache_shard_put(s, id, record, n);
    free(record);
}

static size_t get(const struct cache_shard *s, uint64_t number)
{
    uint8_t id[SESSION_ID_LEN];
    uint8_t *out = malloc(CACHE_RECORD_MAX);
    size_t n;

    assert_non_null(out);
    id_of(number, id);
    n = cache_shard_get(s, id, out);
    assert_true(n <= CACHE_RECORD_MAX);
    free(out);
    return n;
}

static void starts_anew_where_positions_end(void **state)
{
    const struct cache_shard s = new_shard();
    const uint64_t last_lap = CACHE_POSITION_END / LOG_LEN - 1;

    (void)state;
    s.head->head = last_lap * LOG_LEN - 1000 * 160;
    s.head->tail = s.head->head;
    for (uint64_t i = 0; i < 2000; i++) {
        put(&s, i, 136);
        assert_int_equal(get(&s, i), 136);
        assert_true(s.head->head < CACHE_POSITION_END);
    }
    assert_true(s.head->head < UINT64_C(10) * LOG_LEN);
    assert_int_equal(s.head->counts.n_emptied, 0);
    assert_int_equal(s.head->counts.n_evicted, 2000 - s.head->counts.n_records);
    free_shard(&s);
}

static void emptying_makes_all_entries_stale(void **state)
{
    const struct cache_shard s = new_shard();

    (void)state;
    for (unsigned round = 1; round <= 3; round++) {
        for (uint64_t i = 0; i < 100; i++) {
            put(&s, i, 136);
        }
        cache_shard_empty(&s);
        assert_int_equal(s.head->counts.n_emptied, round);
        assert_int_equal(s.head->counts.n_records, 0);
        assert_int_equal(s.head->counts.n_bytes, 0);
        assert_int_equal(s.head->changing, 0);
        for (uint64_t i = 0; i < 100; i++) {
            assert_int_equal(get(&s, i), 0);
        }
    }
    put(&s, 1, 136);
    assert_int_equal(get(&s, 1), 136);
    free_shard(&s);
}

static void positions_that_do_not_add_up_empty_the_shard(void **state)
{
    static const struct {
        uint64_t tail;
        uint64_t head;
    } rows[] = {
        {0, 0},
        {LOG_LEN, LOG_LEN - 8},
        {LOG_LEN, 2 * LOG_LEN + 8},
        {LOG_LEN + 4, LOG_LEN + 8},
        {LOG_LEN, LOG_LEN + 1},
        {UINT64_MAX, UINT64_MAX},
        {UINT64_MAX - 7, UINT64_MAX - 7},
        {CACHE_POSITION_END, CACHE_POSITION_END},
        {LOG_LEN, UINT64_MAX - 7},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (unsigned by_put = 0; by_put < 2; by_put++) {
            const struct cache_shard s = new_shard();

            put(&s, 1, 136);
            s.head->tail = rows[i].tail;
            s.head->head = rows[i].head;
            if (by_put != 0) {
                put(&s, 2, 136);
                assert_int_equal(get(&s, 2), 136);
            }
            assert_int_equal(get(&s, 1), 0);
            assert_int_equal(s.head->counts.n_emptied, 1);
            assert_int_equal(s.head->counts.n_records, by_put);
            free_shard(&s);
        }
    }
}

/* A log that was overwritten is found out when its tail is popped. */
static void a_spoilt_log_empties_the_shard(void **state)
{
    const struct cache_shard s = new_shard();

    (void)state;
    for (uint64_t i = 0; i < 400; i++) {
        put(&s, i, 136);
    }
    memset(s.log, 0xff, LOG_LEN);
    put(&s, 1000, 136);
    assert_int_equal(s.head->counts.n_emptied, 1);
    assert_int_equal(s.head->counts.n_records, 1);
    assert_int_equal(get(&s, 1000), 136);
    free_shard(&s);
}

static void scribble(uint64_t *seed, void *at, size_t size)
{
    const size_t n = 1 + next(seed) % (next(seed) % 64 == 0 ? size : 16);
    const size_t from = next(seed) % (size - n + 1);

    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)at)[from + i] = (uint8_t)next(seed);
    }
}

/*
 * Whatever a process gone wrong writes, and whenever: no access leaves the shard, and a record that
 * is put is there. The mutex is not scribbled on: it is not the shard's to check.
 */
static void scribbled_memory_does_no_harm(void **state)
{
    const struct cache_shard s = new_shard();
    const size_t head_at = offsetof(struct cache_shard_head, changing);
    uint64_t seed = 1;

    (void)state;
    for (uint64_t i = 0; i < 60000; i++) {
        switch (next(&seed) % 8) {
        case 0:
            scribble(&seed, s.index, N_BUCKETS * CACHE_BUCKET_LEN);
            break;
        case 1:
            scribble(&seed, s.log, LOG_LEN);
            break;
        case 2:
            scribble(&seed, (uint8_t *)s.head + head_at, CACHE_SHARD_HEAD_LEN - head_at);
            break;
        case 3:
            /* Plausible nonsense reaches further than noise. */
            s.index[next(&seed) % (N_BUCKETS * CACHE_BUCKET_ENTRIES)] =
                (next(&seed) << 48) | (s.head->tail / 8 + next(&seed) % (LOG_LEN / 8));
            break;
        default:
            put(&s, i, 1 + next(&seed) % (next(&seed) % 16 == 0 ? CACHE_RECORD_MAX : 300));
            assert_true(get(&s, i) != 0);
            break;
        }
        (void)get(&s, next(&seed) % (i + 1));
    }
    free_shard(&s);
}

/* Every bit of an index entry and of a record's word, flipped: the record or nothing. */
static void flipped_bits_lose_a_record_at_most(void **state)
{
    const struct cache_shard s = new_shard();

    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        put(&s, i, 136);
    }
    for (size_t bit = 0; bit < N_BUCKETS * (size_t)CACHE_BUCKET_LEN * 8; bit++) {
        uint64_t *const entry = &s.index[bit / 64];

        if (*entry != 0) {
            *entry ^= UINT64_C(1) << bit % 64;
            for (uint64_t i = 0; i < 20; i++) {
                const size_t n = get(&s, i);

                assert_true(n == 0 || n == 136);
            }
            *entry ^= UINT64_C(1) << bit % 64;
        }
    }
    for (unsigned bit = 0; bit < 32; bit++) {
        s.log[bit / 8] ^= (uint8_t)(1U << bit % 8);
        (void)get(&s, 0);
        s.log[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    assert_int_equal(get(&s, 0), 136);
    free_shard(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_anew_where_positions_end),
        cmocka_unit_test(emptying_makes_all_entries_stale),
        cmocka_unit_test(positions_that_do_not_add_up_empty_the_shard),
        cmocka_unit_test(a_spoilt_log_empties_the_shard),
        cmocka_unit_test(scribbled_memory_does_no_harm),
        cmocka_unit_test(flipped_bits_lose_a_record_at_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
