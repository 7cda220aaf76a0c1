/* A session cache that is taken up from its descriptor: after exec, after a kill, or not at all. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>
#include <limits.h>

#include <cmocka.h>

#include "cache_shard.h"
#include "cache_use.h"
#include "memory.h"
#include "number.h"
#include "text.h"

#define KIB 1024
#define LEN ((size_t)128 * KIB)
#define HEAD_LEN 64
#define N_RECORDS 50

static void id_of(unsigned number, uint8_t id[static SESSION_ID_LEN])
{
    for (unsigned i = 0; i < SESSION_ID_LEN; i++) {
        id[i] = (uint8_t)(number * 37 + i * 101 + number / 7);
    }
}

static bool put(struct rp_cache *cache, unsigned number)
{
    uint8_t id[SESSION_ID_LEN];

    id_of(number, id);
    return cache_put(cache, id, (const uint8_t *)&number, sizeof number);
}

static bool has(struct rp_cache *cache, unsigned number)
{
    uint8_t out[CACHE_RECORD_MAX];
    uint8_t id[SESSION_ID_LEN];

    id_of(number, id);
    return cache_get(cache, id, out) == sizeof number && memcmp(out, &number, sizeof number) == 0;
}

static bool has_all(struct rp_cache *cache)
{
    for (unsigned i = 0; i < N_RECORDS; i++) {
        if (!has(cache, i)) {
            return false;
        }
    }
    return true;
}

static struct rp_cache *make(void)
{
    struct rp_cache *cache;

    assert_int_equal(rp_cache_new(LEN, &cache, NULL), RP_OK);
    for (unsigned i = 0; i < N_RECORDS; i++) {
        assert_true(put(cache, i));
    }
    return cache;
}

static int copy_of(const struct rp_cache *cache)
{
    const int fd = dup(rp_cache_descriptor(cache));

    assert_true(fd >= 0);
    return fd;
}

static void keeps_its_records(void **state)
{
    struct rp_cache *first = make();
    struct rp_cache *second;
    struct rp_cache_stats stats;
    struct rp_error err;

    (void)state;
    assert_int_equal(rp_cache_adopt(copy_of(first), LEN, &second, &err), RP_OK);
    assert_true(fcntl(rp_cache_descriptor(second), F_GETFD) == FD_CLOEXEC);
    assert_true(has_all(second));
    assert_true(put(second, 1000)); /* both are in use at the same time, at different addresses */
    assert_true(has(first, 1000));
    assert_true(put(first, 1001));
    assert_true(has(second, 1001));
    rp_cache_free(&first);
    assert_true(has_all(second));
    rp_cache_stats(second, &stats);
    assert_int_equal(stats.n_records, N_RECORDS + 2);
    assert_int_equal(stats.n_emptied, 0);
    rp_cache_free(&second);
}

static void any_size_does_where_none_is_named(void **state)
{
    struct rp_cache *first = make();
    struct rp_cache *second;

    (void)state;
    assert_int_equal(rp_cache_adopt(copy_of(first), 0, &second, NULL), RP_OK);
    assert_true(has_all(second));
    rp_cache_free(&second);
    rp_cache_free(&first);
}

static void goes_on_without_its_descriptor(void **state)
{
    struct rp_cache *cache = make();

    (void)state;
    assert_true(rp_cache_descriptor(cache) > STDERR_FILENO);
    rp_cache_close(cache);
    assert_int_equal(rp_cache_descriptor(cache), -1);
    rp_cache_close(cache);
    assert_true(has_all(cache));
    rp_cache_free(&cache);
}

/* What the other side of exec does. */
static int adopt_and_look(const char *fd)
{
    struct rp_cache *cache;
    uint64_t number;
    int result = 1;

    if (!number_parse(fd, INT32_MAX, &number) ||
        rp_cache_adopt((int)number, LEN, &cache, NULL) != RP_OK) {
        return 2;
    }
    if (has_all(cache) && put(cache, 2000)) {
        result = 0;
    }
    rp_cache_free(&cache);
    return result;
}

static void survives_exec(void **state)
{
    char self[PATH_MAX] = ""; /* under valgrind /proc/self/exe is another program for exec */
    struct rp_cache *cache = make();
    const int fd = copy_of(cache);
    char number[16];
    struct text t = text_of(number, sizeof number);
    int status = -1;
    pid_t child;

    (void)state;
    text_addf(&t, "%d", fd);
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    child = fork();
    if (child == 0) {
        (void)execl(self, "test_cache_adopt", number, (char *)NULL);
        _exit(3);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(has(cache, 2000));
    (void)close(fd);
    rp_cache_free(&cache);
}

/* A child that is killed while it holds the first shard's lock. */
static void die_holding(int fd, unsigned changing)
{
    int status = -1;
    const pid_t child = fork();

    if (child == 0) {
        uint8_t *memory = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        struct cache_shard_head *head = (struct cache_shard_head *)(void *)(memory + HEAD_LEN);

        if (memory == MAP_FAILED || pthread_mutex_lock(&head->mutex) != 0) {
            _exit(1);
        }
        atomic_store(&head->changing, changing);
        (void)kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void adopt_after_a_kill(unsigned changing, unsigned n_emptied)
{
    struct rp_cache *first = make();
    const int fd = copy_of(first);
    struct rp_cache *second;
    struct rp_cache_stats stats;

    rp_cache_free(&first); /* nobody is left but the descriptor */
    die_holding(fd, changing);
    assert_int_equal(rp_cache_adopt(fd, LEN, &second, NULL), RP_OK);
    rp_cache_stats(second, &stats);
    assert_int_equal(stats.n_emptied, n_emptied);
    assert_int_equal(has_all(second), n_emptied == 0);
    assert_true(put(second, 1));
    assert_true(has(second, 1));
    rp_cache_free(&second);
}

static void a_lock_whose_owner_is_gone_is_taken(void **state)
{
    (void)state;
    adopt_after_a_kill(0, 0);
}

static void a_shard_that_is_half_written_is_emptied(void **state)
{
    (void)state;
    adopt_after_a_kill(1, 1);
}

static void refuse(int fd, size_t bytes, enum rp_status wanted, const char *why)
{
    struct rp_cache *cache = NULL;
    struct rp_error err = {""};

    assert_int_equal(rp_cache_adopt(fd, bytes, &cache, &err), wanted);
    assert_null(cache);
    if (strstr(err.text, why) == NULL) {
        fail_msg("\"%s\" has no \"%s\"", err.text, why);
    }
    assert_int_equal(fcntl(fd, F_GETFD), -1); /* it was taken over */
}

static void another_size_is_refused(void **state)
{
    struct rp_cache *cache = make();

    (void)state;
    refuse(copy_of(cache), LEN * 2, RP_INVALID, "262144 are wanted");
    rp_cache_free(&cache);
}

static void another_head_is_refused(void **state)
{
    struct rp_cache *cache = make();
    uint8_t *memory =
        mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, rp_cache_descriptor(cache), 0);

    (void)state;
    assert_true(memory != MAP_FAILED);
    for (size_t i = 0; i < HEAD_LEN; i++) {
        memory[i] ^= 1;
        refuse(copy_of(cache), LEN, RP_FORMAT, i < 8 ? "not the memory" : "its layout");
        memory[i] ^= 1;
    }
    (void)munmap(memory, LEN);
    rp_cache_free(&cache);
}

static int memfd(size_t len, unsigned seals)
{
    const int fd = memfd_create("test", MFD_ALLOW_SEALING);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)len), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

static void what_is_no_cache_is_refused(void **state)
{
    const unsigned sealed = F_SEAL_SHRINK | F_SEAL_GROW;
    int fds[2];

    (void)state;
    refuse(-1, 0, RP_FORMAT, "not the memory");
    refuse(memfd(LEN, sealed), LEN, RP_FORMAT, "not the memory"); /* zeroes */
    refuse(memfd(LEN, 0), LEN, RP_FORMAT, "not the memory");      /* it could be cut any time */
    refuse(memfd(LEN, F_SEAL_SHRINK), LEN, RP_FORMAT, "not the memory");
    refuse(memfd(0, sealed), 0, RP_FORMAT, "not the memory");
    refuse(memfd(100, sealed), 0, RP_FORMAT, "not the memory");
    assert_int_equal(pipe(fds), 0);
    refuse(fds[0], 0, RP_FORMAT, "not the memory");
    refuse(fds[1], 0, RP_FORMAT, "not the memory");
    refuse(open("/dev/null", O_RDWR | O_CLOEXEC), 0, RP_FORMAT, "not the memory");
}

static void its_size_stays(void **state)
{
    struct rp_cache *cache = make();

    (void)state;
    assert_int_equal(ftruncate(rp_cache_descriptor(cache), 4096), -1);
    assert_int_equal(ftruncate(rp_cache_descriptor(cache), (off_t)LEN * 2), -1);
    rp_cache_free(&cache);
}

static void survives_a_failed_allocation(void **state)
{
    struct rp_cache *cache = make();
    enum rp_status status = RP_NO_MEMORY;
    long n = 0;

    (void)state;
    while (status != RP_OK) {
        struct rp_cache *second = NULL;

        memory_fail_after(n++);
        status = rp_cache_adopt(copy_of(cache), LEN, &second, NULL);
        memory_fail_after(-1);
        assert_true(status == RP_OK || (status == RP_NO_MEMORY && second == NULL));
        rp_cache_free(&second);
    }
    assert_true(n > 1);
    rp_cache_free(&cache);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_its_records),
        cmocka_unit_test(any_size_does_where_none_is_named),
        cmocka_unit_test(goes_on_without_its_descriptor),
        cmocka_unit_test(survives_exec),
        cmocka_unit_test(a_lock_whose_owner_is_gone_is_taken),
        cmocka_unit_test(a_shard_that_is_half_written_is_emptied),
        cmocka_unit_test(another_size_is_refused),
        cmocka_unit_test(another_head_is_refused),
        cmocka_unit_test(what_is_no_cache_is_refused),
        cmocka_unit_test(its_size_stays),
        cmocka_unit_test(survives_a_failed_allocation),
    };

    return argc > 1 ? adopt_and_look(argv[1]) : cmocka_run_group_tests(tests, NULL, NULL);
}
