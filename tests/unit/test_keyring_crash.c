/*
 * A keeper that rotates as fast as it can is killed at 500 random instants, while other processes
 * look keys up without a pause. Time is a counter that the keepers turn.
 */
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include "keyring_fixture.h"

#define N_KILLS 500
#define N_READERS 2
#define ROTATE 2
#define ACCEPT 13
#define N_DOMAINS 4
#define DEADLINE_MS 20000 /* for anything that must happen at all */

/* Between the processes of the test. */
struct shared {
    _Atomic int64_t now_ms;
    _Atomic unsigned n_resumed;
    _Atomic unsigned n_begun;
    _Atomic unsigned n_unclean; /* an unused slot held something after a keeper had resumed */
    _Atomic unsigned n_failed;
    _Atomic bool stop;
    bool reseeds; /* the keepers begin rings all the time */
    _Atomic uint64_t n_reads[N_READERS];
    _Atomic uint64_t n_torn[N_READERS];
};

/* A child that ends with the test, also where an assertion fails. */
static pid_t fork_bound(void)
{
    const pid_t child = fork();

    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    return child;
}

static int64_t monotonic_us(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void pause_us(int64_t us)
{
    const struct timespec pause = {0, us * 1000};

    (void)ppoll(NULL, 0, &pause, NULL);
}

static bool is_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != 0) {
            return false;
        }
    }
    return true;
}

/* Nothing but the slot of generation g is left in the window. */
static bool window_is_clean(const struct rp_keyring *keyring, uint64_t g)
{
    const size_t slot_len = keyring->layout.slot_words * sizeof(uint64_t);

    return is_zero((const void *)segment_slot(&keyring->layout, keyring->window, g + 1),
                   slot_len) &&
           is_zero((const void *)segment_slot(&keyring->layout, keyring->window, g + 2), slot_len);
}

static bool chain_is_clean(const struct rp_keyring *keyring)
{
    return is_zero((const void *)segment_chain_slot(keyring, keyring->generation + 1),
                   keyring->layout.chain_slot_len);
}

static void keep_until_killed(struct rp_keyring *keyring, struct shared *shared)
{
    bool resumed = false;
    int64_t next_ms;

    if (rp_keyring_keep(keyring, atomic_load(&shared->now_ms), &resumed, NULL) != RP_OK) {
        atomic_fetch_add(&shared->n_failed, 1);
        _exit(1);
    }
    atomic_fetch_add(resumed ? &shared->n_resumed : &shared->n_begun, 1);
    if (!window_is_clean(keyring, keyring->generation) || !chain_is_clean(keyring)) {
        atomic_fetch_add(&shared->n_unclean, 1);
    }
    for (;;) {
        const int64_t now_ms = atomic_fetch_add(&shared->now_ms, 1);

        if (rp_keyring_advance(keyring, now_ms, &next_ms) != RP_OK ||
            (shared->reseeds && now_ms % 5 == 0 && keyring_reseed(keyring, now_ms) != RP_OK)) {
            atomic_fetch_add(&shared->n_failed, 1);
            _exit(1);
        }
    }
}

/* Every key that was seen under a name must be the same at every later sight. */
static void read_until_stopped(struct rp_keyring *keyring, struct shared *shared, unsigned self)
{
    struct window_key seen = {0};

    rp_keyring_read_only(keyring);
    while (!atomic_load(&shared->stop)) {
        const int64_t now_ms = atomic_load(&shared->now_ms);
        const unsigned domain = (unsigned)atomic_load(&shared->n_reads[self]) % N_DOMAINS;
        struct window_key key;
        struct window_key again;

        if (window_by_name(keyring, 0, now_ms, seen.keys.stek.name, &again) == WINDOW_FOUND &&
            !keyring_same(&again.keys, &seen.keys)) {
            atomic_fetch_add(&shared->n_torn[self], 1);
        }
        if (window_sealing(keyring, domain, now_ms, &key)) {
            if (window_by_hint(keyring, domain, now_ms, key.keys.id_hint, &again) == WINDOW_FOUND &&
                !keyring_same(&again.keys, &key.keys)) {
                atomic_fetch_add(&shared->n_torn[self], 1);
            }
            if (domain == 0) {
                seen = key;
            }
        }
        atomic_fetch_add(&shared->n_reads[self], 1);
    }
    rp_keyring_free(&keyring);
    _exit(0);
}

/* Waits until every reader has made some look-ups more; false: one hangs. */
static bool readers_go_on(struct shared *shared)
{
    const int64_t deadline = monotonic_us() + INT64_C(1000) * DEADLINE_MS;

    for (unsigned i = 0; i < N_READERS; i++) {
        const uint64_t before = atomic_load(&shared->n_reads[i]);

        while (atomic_load(&shared->n_reads[i]) < before + 3) {
            if (monotonic_us() > deadline) {
                return false;
            }
            pause_us(100);
        }
    }
    return true;
}

/* Waits until the keeper has changed the window; false: it does not. */
static bool commits(const struct rp_keyring *keyring, uint64_t generation)
{
    const int64_t deadline = monotonic_us() + INT64_C(1000) * DEADLINE_MS;
    struct rp_keyring_info info;

    for (;;) {
        rp_keyring_info(keyring, &info);
        if (info.generation != generation) {
            return true;
        }
        if (monotonic_us() > deadline) {
            return false;
        }
        pause_us(20);
    }
}

static void kill_after(pid_t child, int64_t us)
{
    int status;

    pause_us(us); /* any instant will do: nothing waits for it */
    (void)kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static void begin_ring(struct rp_keyring *keyring)
{
    const pid_t child = fork();

    if (child == 0) {
        static const char *const names[N_DOMAINS] = {"a", "b", "c", "d"};
        bool good = rp_keyring_keep(keyring, GENESIS, NULL, NULL) == RP_OK;

        for (unsigned i = 0; i < N_DOMAINS; i++) {
            good = good && rp_keyring_domain_add(keyring, names[i]) == RP_OK;
        }
        _exit(good ? 0 : 1);
    }
    assert_child_succeeds(child);
}

static void kill_keepers(bool reseeds)
{
    struct rp_keyring *keyring = keyring_make(ROTATE, ACCEPT, N_DOMAINS);
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct rp_keyring_info first;
    struct rp_keyring_info info;
    pid_t readers[N_READERS];
    uint64_t seed = (uint64_t)monotonic_us();
    unsigned n_halfway = 0;
    bool resumed = false;

    assert_ptr_not_equal(shared, MAP_FAILED);
    shared->reseeds = reseeds;
    atomic_store(&shared->now_ms, GENESIS);
    begin_ring(keyring);
    rp_keyring_info(keyring, &first);
    info = first;
    for (unsigned i = 0; i < N_READERS; i++) {
        readers[i] = fork_bound();
        if (readers[i] == 0) {
            read_until_stopped(keyring, shared, i);
        }
    }
    for (unsigned i = 0; i < N_KILLS; i++) {
        const bool settled = i % 2 == 0;
        const pid_t keeper = fork_bound();

        if (keeper == 0) {
            keep_until_killed(keyring, shared);
        }
        /* The others die wherever they have got to, which on a busy machine is not far. */
        assert_true(!settled || commits(keyring, info.generation));
        kill_after(keeper, (int64_t)(next_random(&seed) % (settled ? 300 : 3000)));
        assert_true(readers_go_on(shared));
        rp_keyring_info(keyring, &info);
        assert_true(reseeds || memcmp(info.ring_id, first.ring_id, sizeof info.ring_id) == 0);
        assert_int_equal(info.n_domains, N_DOMAINS);
        assert_true(info.n_keys != 0);
        n_halfway += window_is_clean(keyring, info.generation) ? 0 : 1;
    }
    atomic_store(&shared->stop, true);
    for (unsigned i = 0; i < N_READERS; i++) {
        assert_child_succeeds(readers[i]);
        assert_int_equal(shared->n_torn[i], 0);
    }
    assert_int_equal(shared->n_begun, 0);
    assert_int_equal(shared->n_failed, 0);
    assert_int_equal(shared->n_unclean, 0);
    assert_true(shared->n_resumed >= N_KILLS / 2);
    assert_true(n_halfway > 0);
    print_message("%u of %u keepers had resumed, %u died within a commit; epoch %llu\n",
                  shared->n_resumed, N_KILLS, n_halfway, (unsigned long long)info.epoch);

    assert_int_equal(rp_keyring_keep(keyring, shared->now_ms, &resumed, NULL), RP_OK);
    assert_true(resumed);
    (void)keyring_step(keyring, shared->now_ms + ROTATE);
    rp_keyring_info(keyring, &first);
    assert_true(first.epoch > info.epoch);
    rp_keyring_free(&keyring);
    (void)munmap(shared, sizeof *shared);
}

static void nothing_fails_when_the_keeper_is_killed(void **state)
{
    (void)state;
    kill_keepers(false);
}

static void nor_while_rings_come_and_go(void **state)
{
    (void)state;
    kill_keepers(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_fails_when_the_keeper_is_killed),
        cmocka_unit_test(nor_while_rings_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
