#include "fleet_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"

static unsigned take_all(struct limit *l, int64_t now_ms)
{
    unsigned n = 0;

    while (limit_take(l, now_ms)) {
        n++;
    }
    return n;
}

static void the_reserve_is_there_from_the_start(void **state)
{
    struct limit l;

    (void)state;
    limit_init(&l, 5000);
    assert_int_equal(take_all(&l, 5000), LIMIT_RESERVE);
}

static void so_many_a_second_come_back(void **state)
{
    struct limit l;

    (void)state;
    limit_init(&l, 0);
    assert_int_equal(take_all(&l, 0), LIMIT_RESERVE);
    assert_int_equal(take_all(&l, 4), 0);
    assert_int_equal(take_all(&l, 5), 1);
    assert_int_equal(take_all(&l, 1005), LIMIT_RATE);
    assert_int_equal(take_all(&l, INT64_MAX), LIMIT_RESERVE);
}

static void time_that_goes_back_gives_nothing(void **state)
{
    struct limit l;

    (void)state;
    limit_init(&l, 1000);
    assert_int_equal(take_all(&l, 1000), LIMIT_RESERVE);
    assert_int_equal(take_all(&l, 0), 0);
    assert_int_equal(take_all(&l, 1000), 0);
}

static struct mailbox_id nonce(unsigned i)
{
    struct mailbox_id id = {{0}};

    memcpy(id.bytes, &i, sizeof i);
    return id;
}

static void the_last_ones_answered_are_known(void **state)
{
    struct limit_answered a = {.n = 0};

    (void)state;
    for (unsigned i = 0; i < 3 * LIMIT_ANSWERED_MAX; i++) {
        const struct mailbox_id id = nonce(i);

        assert_false(limit_was_answered(&a, &id));
        limit_answer(&a, &id);
    }
    assert_int_equal(a.n, LIMIT_ANSWERED_MAX);
    for (unsigned i = 0; i < 3 * LIMIT_ANSWERED_MAX; i++) {
        const struct mailbox_id id = nonce(i);

        assert_int_equal(limit_was_answered(&a, &id), i >= 2 * LIMIT_ANSWERED_MAX);
    }
    limit_answered_fini(&a);
}

static void without_memory_it_makes_do_with_what_it_has(void **state)
{
    struct limit_answered a = {.n = 0};

    (void)state;
    memory_fail_after(1);
    for (unsigned i = 0; i < 100; i++) {
        const struct mailbox_id id = nonce(i);

        limit_answer(&a, &id);
        assert_true(limit_was_answered(&a, &id));
    }
    memory_fail_after(0);
    limit_answered_fini(&a);
    limit_answer(&a, &(struct mailbox_id){{1}});
    assert_int_equal(a.n, 0);
    memory_fail_after(-1);
    limit_answered_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reserve_is_there_from_the_start),
        cmocka_unit_test(so_many_a_second_come_back),
        cmocka_unit_test(time_that_goes_back_gives_nothing),
        cmocka_unit_test(the_last_ones_answered_are_known),
        cmocka_unit_test(without_memory_it_makes_do_with_what_it_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
