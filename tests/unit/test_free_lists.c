#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "free_lists.h"
#include "memory.h"

#define SHORTEST 24
#define N_SIZES (FREE_LISTS_LONGEST + 64)

static const uint64_t numbers[2] = {UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)};

static int set_up(void **state)
{
    return free_lists_new(numbers, (struct free_lists **)state) == RP_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    free_lists_free((struct free_lists **)state);
    return 0;
}

static void *taken(struct free_lists *lists, size_t size)
{
    void *p = free_lists_take(lists, size);

    assert_non_null(p);
    assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
    /* Whether it is kept already is seen by what stands in it, which a checking tool would mind. */
    memset(p, 0x5a, size > SHORTEST ? size : SHORTEST);
    return p;
}

static void the_last_block_given_is_the_first_taken(void **state)
{
    struct free_lists *lists = *state;
    void *first = taken(lists, 100);
    void *second = taken(lists, 100);

    assert_ptr_not_equal(first, second);
    free_lists_give(lists, first);
    free_lists_give(lists, second);
    assert_true(free_lists_kept(lists) >= 200);
    assert_ptr_equal(taken(lists, 100), second);
    assert_ptr_equal(taken(lists, 100), first);
    assert_int_equal(free_lists_kept(lists), 0);
    free_lists_give(lists, first);
    free_lists_give(lists, second);
}

/* Whatever is taken has room for all of it: taken() writes to each byte. */
static void a_block_of_every_size(void **state)
{
    struct free_lists *lists = *state;

    for (unsigned round = 0; round < 2; round++) {
        for (size_t size = 1; size < N_SIZES; size += size < 600 ? 1 : 97) {
            void *p = taken(lists, size);
            void *q = taken(lists, size);

            assert_true((uint8_t *)p + size <= (uint8_t *)q || (uint8_t *)q + size <= (uint8_t *)p);
            free_lists_give(lists, p);
            free_lists_give(lists, q);
        }
    }
}

static void a_longer_block_is_not_kept(void **state)
{
    struct free_lists *lists = *state;

    free_lists_give(lists, taken(lists, FREE_LISTS_LONGEST + 64));
    assert_int_equal(free_lists_kept(lists), 0);
    free_lists_give(lists, taken(lists, FREE_LISTS_LONGEST));
    assert_true(free_lists_kept(lists) >= FREE_LISTS_LONGEST);
    free_lists_give(lists, NULL);
}

static void a_size_that_overflows(void **state)
{
    struct free_lists *lists = *state;
    volatile size_t huge = SIZE_MAX;
    uint8_t *p = taken(lists, 40);

    assert_null(free_lists_take(lists, huge));
    assert_null(free_lists_take(lists, huge - 15));
    assert_null(free_lists_take(lists, huge / 2 + 1));
    assert_null(free_lists_resize(lists, p, huge));
    assert_int_equal(p[39], 0x5a);
    free_lists_give(lists, p);
}

static void blocks_of_the_allocator(void **state)
{
    struct free_lists *lists = *state;
    void *p = memory_block(100);

    assert_non_null(p);
    if (!free_lists_welcome()) {
        memory_free(p); /* a checking tool's lengths are not the C library's */
        skip();
    }
    free_lists_give(lists, p);
    assert_true(free_lists_kept(lists) >= 100);
    p = taken(lists, 100);
    assert_int_equal(free_lists_kept(lists), 0);
    memory_free(p);
}

static void resizing_keeps_what_both_have(void **state)
{
    static const size_t sizes[] = {1, 24, 25, 40, 3000, 90, 20000, 30000, 60000, 30001, 100, 3, 0};
    struct free_lists *lists = *state;
    uint8_t *p = taken(lists, 1);
    size_t before = 1;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const size_t least = before < sizes[i] ? before : sizes[i];

        p = free_lists_resize(lists, p, sizes[i]);
        assert_non_null(p);
        for (size_t k = 0; k < least; k++) {
            assert_int_equal(p[k], 0x5a);
        }
        memset(p, 0x5a, sizes[i]);
        before = sizes[i];
    }
    free_lists_give(lists, p);
}

static void give_many(struct free_lists *lists, size_t size, size_t n)
{
    void **blocks = memory_new(n, sizeof *blocks);

    assert_non_null(blocks);
    for (size_t i = 0; i < n; i++) {
        blocks[i] = taken(lists, size);
    }
    for (size_t i = 0; i < n; i++) {
        free_lists_give(lists, blocks[i]);
    }
    memory_free(blocks);
}

static void what_is_kept_of_a_length_is_bounded(void **state)
{
    struct free_lists *lists = *state;

    give_many(lists, 1000, 2 * FREE_LISTS_EACH / 1000);
    assert_true(free_lists_kept(lists) <= FREE_LISTS_EACH);
    assert_true(free_lists_kept(lists) > FREE_LISTS_EACH - 2 * 1000);
}

/* Those that were kept first make way. */
static void what_is_kept_in_all_is_bounded(void **state)
{
    struct free_lists *lists = *state;
    size_t most = 0;
    void *p;

    for (size_t size = 1000; size <= 16000; size += 1000) {
        give_many(lists, size, FREE_LISTS_EACH / size - 1);
        most = free_lists_kept(lists) > most ? free_lists_kept(lists) : most;
        assert_true(free_lists_kept(lists) <= FREE_LISTS_ALL);
    }
    assert_true(most > FREE_LISTS_ALL - FREE_LISTS_EACH);
    p = taken(lists, 16000);
    assert_true(free_lists_kept(lists) <= most - 16000);
    free_lists_give(lists, p);
}

/* Misuse ends the process, before it does harm. */

static void aborts(void (*misuse)(struct free_lists *lists), struct free_lists *lists)
{
    const pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        misuse(lists);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void give_twice(struct free_lists *lists)
{
    void *p = taken(lists, 100);

    free_lists_give(lists, p);
    free_lists_give(lists, taken(lists, 200));
    free_lists_give(lists, p);
}

static void overwrite_the_link(struct free_lists *lists)
{
    uint8_t *p = taken(lists, 100);

    free_lists_give(lists, p);
    p[0] ^= 1;
    (void)taken(lists, 100);
}

static void overwrite_the_seal(struct free_lists *lists)
{
    uint8_t *p = taken(lists, 100);

    free_lists_give(lists, p);
    memset(p + sizeof(void *), 'A', sizeof(void *));
    (void)taken(lists, 100);
}

static void a_block_given_twice(void **state)
{
    aborts(give_twice, *state);
}

static void a_block_written_to_after_it_was_given(void **state)
{
    struct free_lists *lists = *state;

    aborts(overwrite_the_link, lists);
    aborts(overwrite_the_seal, lists);
}

/* Where a link or the seal stood, in a block that is taken, there is no longer the seal. */
static void a_block_that_was_taken_may_hold_anything(void **state)
{
    struct free_lists *lists = *state;
    void *p = taken(lists, 100);

    for (unsigned i = 0; i < 3; i++) {
        free_lists_give(lists, p);
        p = free_lists_take(lists, 100);
        assert_non_null(p);
    }
    free_lists_give(lists, p);
}

static void out_of_memory(void **state)
{
    struct free_lists *lists = *state;
    struct free_lists *none = lists;
    void *kept = taken(lists, 100);
    uint8_t *p = taken(lists, 40);

    free_lists_give(lists, kept);
    memory_fail_after(0);
    assert_int_equal(free_lists_new(numbers, &none), RP_NO_MEMORY);
    assert_null(none);
    assert_null(free_lists_take(lists, 200));
    assert_null(free_lists_take(lists, FREE_LISTS_LONGEST + 64));
    assert_null(free_lists_resize(lists, p, 200));
    assert_int_equal(p[39], 0x5a);
    assert_ptr_equal(free_lists_take(lists, 100), kept);
    assert_false(free_lists_welcome());
    memory_fail_after(-1);
    free_lists_give(lists, kept);
    free_lists_give(lists, p);
}

static void freeing_nothing(void **state)
{
    struct free_lists *lists = NULL;

    (void)state;
    free_lists_free(&lists);
    assert_null(lists);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_last_block_given_is_the_first_taken),
        TEST(a_block_of_every_size),
        TEST(a_longer_block_is_not_kept),
        TEST(a_size_that_overflows),
        TEST(blocks_of_the_allocator),
        TEST(resizing_keeps_what_both_have),
        TEST(what_is_kept_of_a_length_is_bounded),
        TEST(what_is_kept_in_all_is_bounded),
        TEST(a_block_given_twice),
        TEST(a_block_written_to_after_it_was_given),
        TEST(a_block_that_was_taken_may_hold_anything),
        TEST(out_of_memory),
        cmocka_unit_test(freeing_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
