/*
 * Writers killed in the middle of a put: 500 of them at one instruction after the other, and others
 * at any instant while their siblings read and write. Nobody hangs, and every record that is found
 * is the one that was stored under its ID.
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
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cache_use.h"

/* Eight shards: writers and readers meet at a lock now and then, and do not starve each other. */
#define CACHE_LEN (512 * 1024)
#define N_KILLS 100
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define N_STEPPED 50 /* many more instructions, each at the price of two context switches */
#else
#define N_STEPPED 500
#endif
#define N_STEPS_MOST 200000 /* an emulator's instructions are not the put's */
#define N_WRITERS 2
#define N_SUPPLY 16
#define N_SESSIONS 1000
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

/* Sessions made beforehand: the more of a writer's time goes into puts, the more kills hit one. */
struct supply {
    struct {
        uint8_t id[SESSION_ID_LEN];
        uint8_t record[CACHE_RECORD_MAX];
        size_t n;
    } sessions[N_SUPPLY];
};

static void supply_init(struct supply *supply, uint64_t *seed)
{
    for (size_t i = 0; i < N_SUPPLY; i++) {
        supply->sessions[i].n =
            session_of(next(seed) % N_SESSIONS, supply->sessions[i].id, supply->sessions[i].record);
    }
}

static void put_one(struct rp_cache *cache, const struct supply *supply, size_t i)
{
    (void)cache_put(cache, supply->sessions[i % N_SUPPLY].id, supply->sessions[i % N_SUPPLY].record,
                    supply->sessions[i % N_SUPPLY].n);
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
    const pid_t child = fork();

    if (child == 0) {
        struct supply supply;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        supply_init(&supply, &seed);
        for (size_t i = 0;; i++) {
            put_one(cache, &supply, i);
            atomic_fetch_add(n_puts, i % 64 == 0 ? 1 : 0);
        }
    }
    assert_true(child > 0);
    return child;
}

/* Works along until the writer has done some rounds; the instant within its next one is chance. */
static size_t work_along(struct rp_cache *cache, const _Atomic uint64_t *n_puts, uint64_t *seed)
{
    const uint64_t until = atomic_load(n_puts) + 1 + next(seed) % 4;
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

static uint64_t n_emptied(struct rp_cache *cache)
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
    struct supply *supply = *state;
    pid_t writers[N_WRITERS];
    struct rp_cache *cache;
    uint64_t seed = 1;
    size_t n_found = 0;

    assert_true(n_puts != MAP_FAILED);
    assert_int_equal(rp_cache_new(CACHE_LEN, &cache, NULL), RP_OK);
    for (unsigned w = 0; w < N_WRITERS; w++) {
        writers[w] = spawn_writer(cache, &n_puts[w], next(&seed));
    }
    for (unsigned i = 0; i < N_KILLS; i++) {
        const unsigned w = i % N_WRITERS;
        const uint64_t before = n_emptied(cache);

        n_found += work_along(cache, &n_puts[w], &seed);
        end_writer(writers[w]);
        put_one(cache, supply, i);
        assert_true(n_emptied(cache) <= before + 1);
        writers[w] = spawn_writer(cache, &n_puts[w], next(&seed));
    }
    for (unsigned w = 0; w < N_WRITERS; w++) {
        end_writer(writers[w]);
    }
    check_every_session(cache);
    assert_true(n_found > 0);
    rp_cache_free(&cache);
    (void)munmap(n_puts, N_WRITERS * sizeof *n_puts);
}

/* A writer that stops before its put and after it. */
static pid_t spawn_traced(struct rp_cache *cache, const struct supply *supply, size_t i)
{
    const pid_t child = fork();
    int status;

    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
            _exit(1);
        }
        (void)raise(SIGSTOP);
        put_one(cache, supply, i);
        (void)raise(SIGSTOP);
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSTOPPED(status) ? child : -1;
}

/* Lets it go on for n instructions; returns how many they were: less if it came to its end. */
static unsigned step(pid_t child, unsigned n)
{
    unsigned i;

    for (i = 0; i < n; i++) {
        int status;

        assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSTOPPED(status));
        if (WSTOPSIG(status) == SIGSTOP) {
            break;
        }
    }
    return i;
}

/* Whether the put was in the middle of a change when its writer was killed after n instructions. */
static bool kill_after(struct rp_cache *cache, const struct supply *supply, size_t i, unsigned n)
{
    const uint64_t before = n_emptied(cache);
    const pid_t child = spawn_traced(cache, supply, i);
    uint64_t after;
    bool right;

    assert_true(child > 0);
    (void)step(child, n);
    end_writer(child);
    after = n_emptied(cache);
    assert_true(after <= before + 1);
    for (uint64_t k = 0; k < 20; k++) {
        /* These were there before, and only an emptied shard may have lost them. */
        assert_true(get_one(cache, k, &right) || after > before);
        assert_true(right);
    }
    put_one(cache, supply, i);
    return after > before;
}

static void put_first_sessions(struct rp_cache *cache)
{
    uint8_t record[CACHE_RECORD_MAX];
    uint8_t id[SESSION_ID_LEN];

    for (uint64_t k = 0; k < 20; k++) {
        const size_t n = session_of(k, id, record);

        assert_true(cache_put(cache, id, record, n));
    }
}

static void writers_killed_at_each_instruction_leave_it_whole(void **state)
{
    const struct supply *supply = *state;
    unsigned n_half_written = 0;
    unsigned n_kills = 0;
    struct rp_cache *cache;
    uint64_t seed = 2;
    unsigned n_steps;
    pid_t child;

    assert_int_equal(rp_cache_new(CACHE_LEN, &cache, NULL), RP_OK);
    child = spawn_traced(cache, supply, 0);
    n_steps = child > 0 ? step(child, N_STEPS_MOST) : N_STEPS_MOST;
    if (child > 0) {
        end_writer(child);
    }
    if (n_steps == N_STEPS_MOST) {
        rp_cache_free(&cache);
        skip();
    }
    while (n_half_written < N_STEPPED) {
        assert_true(n_kills < 20 * N_STEPPED);
        put_first_sessions(cache);
        for (uint64_t k = next(&seed) % 8; k > 0; k--) {
            put_one(cache, supply, next(&seed) % N_SUPPLY);
        }
        n_half_written +=
            kill_after(cache, supply, n_kills, (unsigned)(next(&seed) % n_steps)) ? 1 : 0;
        n_kills++;
    }
    check_every_session(cache);
    print_message("%u writers killed within the %u instructions of a put, %u in the middle of it\n",
                  n_kills, n_steps, n_half_written);
    rp_cache_free(&cache);
}

static int set_up(void **state)
{
    struct supply *supply = malloc(sizeof *supply);
    uint64_t seed = 3;

    assert_non_null(supply);
    supply_init(supply, &seed);
    (void)alarm(DEADLINE_S); /* a hang ends the test */
    *state = supply;
    return 0;
}

static int tear_down(void **state)
{
    (void)alarm(0);
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(killed_writers_leave_it_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writers_killed_at_each_instruction_leave_it_whole, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
