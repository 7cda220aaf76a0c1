/*
 * Writers killed at any instruction, until 500 of them died in the middle of a put, while others
 * read and write: nobody hangs, and every record that is found is the one that was stored under its
 * ID.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cache_use.h"

#define CACHE_LEN (128 * 1024) /* two shards: the writers are always in each other's way */
#if defined(__SANITIZE_THREAD__)
#define N_HALF_WRITTEN 5 /* there a fork takes a tenth of a second */
#else
#define N_HALF_WRITTEN 500
#endif
#define N_KILLS_MOST 20000
#define N_WRITERS 2
#define N_SESSIONS 400
#define DEADLINE_S 100

static uint64_t next(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* All of a session comes from its number, so that any process can tell whether it is right. */
static size_t session_of(uint64_t number, uint8_t id[static SESSION_ID_LEN],
                         uint8_t record[static CACHE_RECORD_MAX])
{
    uint64_t seed = number;
    size_t n;

    for (size_t i = 0; i < SESSION_ID_LEN; i++) {
        id[i] = (uint8_t)next(&seed);
    }
    n = 1 + (size_t)(next(&seed) % (number % 16 == 0 ? CACHE_RECORD_MAX : 1500));
    for (size_t i = 0; i < n; i += 8) {
        const uint64_t word = next(&seed);

        memcpy(record + i, &word, n - i < 8 ? n - i : 8);
    }
    return n;
}

static void put_one(struct rp_cache *cache, uint64_t *seed)
{
    uint8_t record[CACHE_RECORD_MAX];
    uint8_t id[SESSION_ID_LEN];
    const size_t n = session_of(next(seed) % N_SESSIONS, id, record);

    /* Several times: the more of a writer's time goes into puts, the more kills hit one. */
    for (unsigned i = 0; i < 16; i++) {
        (void)cache_put(cache, id, record, n);
    }
}

static bool get_one(struct rp_cache *cache, uint64_t number, bool *right)
{
    uint8_t expected[CACHE_RECORD_MAX];
    uint8_t found[CACHE_RECORD_MAX];
    uint8_t id[SESSION_ID_LEN];
    const size_t n = session_of(number, id, expected);
    const size_t n_found = cache_get(cache, id, found);

    *right = n_found == 0 || (n_found == n && memcmp(found, expected, n) == 0);
    return n_found != 0;
}

static pid_t spawn_writer(struct rp_cache *cache, _Atomic uint64_t *n_puts, uint64_t seed)
{
    const pid_t parent = getpid();
    const pid_t child = fork();

    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (getppid() == parent) {
            put_one(cache, &seed);
            atomic_fetch_add(n_puts, 1);
        }
        _exit(0);
    }
    assert_true(child > 0);
    return child;
}

/* Works along until the writer has done a few puts; the instant within its next one is chance. */
static size_t work_along(struct rp_cache *cache, const _Atomic uint64_t *n_puts, uint64_t *seed)
{
    const uint64_t until = atomic_load(n_puts) + 1 + next(seed) % 8;
    size_t n_found = 0;
    bool right;

    while (atomic_load(n_puts) < until) {
        n_found += get_one(cache, next(seed) % N_SESSIONS, &right) ? 1 : 0;
        assert_true(right);
    }
    for (uint64_t i = next(seed) % 64; i > 0; i--) {
        n_found += get_one(cache, i, &right) ? 1 : 0;
        assert_true(right);
    }
    return n_found;
}

static void check_every_session(struct rp_cache *cache)
{
    struct rp_cache_stats stats;
    size_t n_found = 0;
    bool right;

    for (uint64_t i = 0; i < N_SESSIONS; i++) {
        n_found += get_one(cache, i, &right) ? 1 : 0;
        assert_true(right);
    }
    rp_cache_stats(cache, &stats);
    assert_int_equal(stats.n_records, n_found);
    assert_true(stats.n_bytes <= stats.capacity);
}

static uint64_t half_written(struct rp_cache *cache)
{
    struct rp_cache_stats stats;

    rp_cache_stats(cache, &stats); /* takes every lock, and so finds what the dead have left */
    return stats.n_emptied;
}

static void end_writer(pid_t writer)
{
    int status;

    assert_int_equal(kill(writer, SIGKILL), 0);
    assert_int_equal(waitpid(writer, &status, 0), writer);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void killed_writers_leave_it_whole(void **state)
{
    _Atomic uint64_t *n_puts = mmap(NULL, N_WRITERS * sizeof *n_puts, PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned n_kills = 0;
    pid_t writers[N_WRITERS];
    struct rp_cache *cache;
    uint64_t seed = 1;
    size_t n_found = 0;

    (void)state;
    assert_true(n_puts != MAP_FAILED);
    assert_int_equal(rp_cache_new(CACHE_LEN, &cache, NULL), RP_OK);
    (void)alarm(DEADLINE_S); /* a hang ends the test */
    for (unsigned w = 0; w < N_WRITERS; w++) {
        writers[w] = spawn_writer(cache, &n_puts[w], next(&seed));
    }
    while (half_written(cache) < N_HALF_WRITTEN) {
        const unsigned w = n_kills % N_WRITERS;
        const uint64_t before = half_written(cache);

        assert_true(n_kills++ < N_KILLS_MOST);
        n_found += work_along(cache, &n_puts[w], &seed);
        end_writer(writers[w]);
        put_one(cache, &seed);
        assert_true(half_written(cache) <= before + 1);
        writers[w] = spawn_writer(cache, &n_puts[w], next(&seed));
    }
    for (unsigned w = 0; w < N_WRITERS; w++) {
        end_writer(writers[w]);
    }
    check_every_session(cache);
    print_message("%u writers killed, %d in the middle of a put; %zu records read meanwhile\n",
                  n_kills, N_HALF_WRITTEN, n_found);
    assert_true(n_found > 0);
    (void)alarm(0);
    rp_cache_free(&cache);
    (void)munmap(n_puts, N_WRITERS * sizeof *n_puts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_writers_leave_it_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
