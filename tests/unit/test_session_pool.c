#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "memory.h"
#include "session_pool.h"

static void add(struct session_pool *pool, size_t visit, int64_t at_ms)
{
    SSL_SESSION *session = SSL_SESSION_new();

    assert_non_null(session);
    assert_int_equal(session_pool_add(pool, session, visit, at_ms), RP_OK);
    SSL_SESSION_free(session);
}

static size_t pick(struct session_pool *pool, const struct session_wish *wish)
{
    size_t at = SIZE_MAX;

    assert_true(session_pool_pick(pool, wish, &at));
    return at;
}

static void the_least_offered_comes_first(void **state)
{
    struct session_pool pool = {0};
    const struct session_wish any = {.now_ms = 0};

    (void)state;
    for (size_t i = 0; i < 20; i++) {
        add(&pool, i, 0);
    }
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(pick(&pool, &any), i % 20);
    }
    session_pool_fini(&pool);
    session_pool_fini(&pool);
}

static void each_try_has_a_visit_of_its_own(void **state)
{
    struct session_pool pool = {0};
    struct session_wish wish = {.by_visit = true, .n_visits = 3};

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        add(&pool, i / 2, 0);
    }
    for (wish.visit = 0; wish.visit < 3; wish.visit++) {
        assert_int_equal(pool.items[pick(&pool, &wish)].visit, wish.visit);
        assert_int_equal(pool.items[pick(&pool, &wish)].visit, wish.visit);
    }
    session_pool_fini(&pool);
}

static void what_was_offered_is_not_unused(void **state)
{
    struct session_pool pool = {0};
    const struct session_wish unused = {.unused = true};
    const struct session_wish any = {0};
    size_t at;

    (void)state;
    assert_false(session_pool_pick(&pool, &any, &at));
    add(&pool, 0, 0);
    add(&pool, 1, 0);
    assert_int_equal(pick(&pool, &unused), 0);
    assert_int_equal(pick(&pool, &unused), 1);
    assert_false(session_pool_pick(&pool, &unused, &at));
    assert_int_equal(pick(&pool, &any), 0);
    pool.items[0].spent = true;
    pool.items[1].spent = true;
    assert_false(session_pool_pick(&pool, &any, &at));
    session_pool_fini(&pool);
}

static void nothing_is_lost_without_memory(void **state)
{
    struct session_pool pool = {0};
    SSL_SESSION *session = SSL_SESSION_new();

    (void)state;
    assert_non_null(session);
    memory_fail_after(0);
    assert_int_equal(session_pool_add(&pool, session, 0, 0), RP_NO_MEMORY);
    memory_fail_after(-1);
    assert_int_equal(pool.n, 0);
    assert_int_equal(session_pool_add(&pool, session, 0, 0), RP_OK);
    SSL_SESSION_free(session);
    session_pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_offered_comes_first),
        cmocka_unit_test(each_try_has_a_visit_of_its_own),
        cmocka_unit_test(what_was_offered_is_not_unused),
        cmocka_unit_test(nothing_is_lost_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
