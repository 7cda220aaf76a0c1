/* What every store does: the same cases with a directory, and with a Redis where there is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <unistd.h>

#include "redis_place.h"
#include "text.h"

#define LIFE 60000
#define TRIES 2000

static int begin_directory(void **state)
{
    struct place *const p = redis_place_new();
    struct text url = text_of(p->url, sizeof p->url);

    text_addf(&url, "dir:%s", p->path);
    *state = p;
    return 0;
}

static int begin_redis(void **state)
{
    struct place *const p = redis_place_new();
    struct text url = text_of(p->url, sizeof p->url);

    text_addf(&url, "redis+unix://:p%%40ss@%s/redis.sock?db=3", p->path);
    *state = p;
    redis_kit_start(&p->server, p->path, "--requirepass", "p@ss");
    return 0;
}

static int end(void **state)
{
    redis_place_free(*state);
    return 0;
}

/* Two hosts at the store. */
static void meet(struct place *p)
{
    if (p->server.pid == 0 && strncmp(p->url, "dir:", 4) != 0) {
        redis_kit_skip();
    }
    store_kit_begin(&p->a, p->url);
    store_kit_begin(&p->b, p->url);
    p->a.step_ms = p->b.step_ms = 5;
}

static void part(struct place *p)
{
    store_kit_finish(&p->a);
    store_kit_finish(&p->b);
}

/* Of a real server the time is its own, and of a directory ours. */
static void wait_absent(struct place *p, const char *name)
{
    unsigned i = 0;

    do {
        assert_true(i++ < TRIES);
        p->a.now_ms = p->b.now_ms += 5;
        store_kit_get(&p->b, name, &p->answer);
        (void)poll(NULL, 0, 1);
    } while (p->answer.status == STORE_OK);
    assert_int_equal(p->answer.status, STORE_ABSENT);
}

static void entries_are_put_and_deleted(void **state)
{
    struct place *p = *state;

    meet(p);
    store_kit_list(&p->b, 10, &p->answer);
    assert_int_equal(p->answer.status, STORE_OK);
    assert_int_equal(p->answer.total, 0);
    assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_OK);
    assert_int_equal(store_kit_put(&p->a, "y", "2", LIFE), STORE_OK);
    assert_int_equal(store_kit_put(&p->b, "x", "3", LIFE), STORE_OK);
    store_kit_list(&p->b, 10, &p->answer);
    assert_string_equal(p->answer.text, "x=3 y=2 ");
    assert_int_equal(p->answer.total, 2);
    store_kit_list(&p->b, 1, &p->answer);
    assert_int_equal(p->answer.n_entries, 1);
    assert_int_equal(p->answer.total, 2);
    store_kit_get(&p->b, "y", &p->answer);
    assert_string_equal(p->answer.text, "y=2 ");
    assert_int_equal(store_kit_delete(&p->b, "y"), STORE_OK);
    assert_int_equal(store_kit_delete(&p->b, "y"), STORE_OK);
    store_kit_get(&p->a, "y", &p->answer);
    assert_int_equal(p->answer.status, STORE_ABSENT);
    store_kit_list(&p->a, 10, &p->answer);
    assert_string_equal(p->answer.text, "x=3 ");
    part(p);
}

static void bytes_and_sizes_are_kept(void **state)
{
    struct place *p = *state;
    uint8_t *big = calloc(1, STORE_VALUE_MAX + 1);
    char longest[STORE_NAME_MAX + 1];

    meet(p);
    memset(longest, 'n', STORE_NAME_MAX);
    longest[STORE_NAME_MAX] = '\0';
    for (size_t i = 0; i < STORE_VALUE_MAX; i++) {
        big[i] = (uint8_t)(i * 7);
    }
    store_put(p->a.store, longest, longest, big, STORE_VALUE_MAX, LIFE, store_kit_done, &p->answer);
    store_kit_until(&p->a, &p->answer.n, 1);
    assert_int_equal(p->answer.status, STORE_OK);
    store_get(p->b.store, longest, longest, store_kit_got, &p->answer);
    store_kit_until(&p->b, &p->answer.n, 2);
    assert_int_equal(p->answer.status, STORE_OK);
    assert_memory_equal(p->answer.text + STORE_NAME_MAX + 1, big, 16000);
    store_put(p->a.store, "box", "x", big, STORE_VALUE_MAX + 1, LIFE, store_kit_done, &p->answer);
    store_kit_until(&p->a, &p->answer.n, 3);
    assert_int_equal(p->answer.status, STORE_BUSY);
    free(big);
    part(p);
}

static void entries_end(void **state)
{
    struct place *p = *state;

    meet(p);
    assert_int_equal(store_kit_put(&p->a, "x", "1", 30), STORE_OK);
    assert_int_equal(store_kit_put(&p->a, "y", "2", LIFE), STORE_OK);
    wait_absent(p, "x");
    store_kit_list(&p->b, 10, &p->answer);
    assert_string_equal(p->answer.text, "y=2 ");
    assert_int_equal(p->answer.total, 1);
    part(p);
}

static void one_gets_a_claim(void **state)
{
    struct place *p = *state;

    meet(p);
    assert_int_equal(store_kit_claim(&p->a, "found", "a", 50), STORE_OK);
    assert_int_equal(store_kit_claim(&p->b, "found", "b", LIFE), STORE_TAKEN);
    wait_absent(p, "found");
    assert_int_equal(store_kit_claim(&p->b, "found", "b", LIFE), STORE_OK);
    assert_int_equal(store_kit_claim(&p->a, "found", "a", LIFE), STORE_TAKEN);
    store_kit_list(&p->a, 10, &p->answer);
    assert_string_equal(p->answer.text, "found=b ");
    part(p);
}

static void watchers_hear(void **state)
{
    struct place *p = *state;

    meet(p);
    assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_OK);
    store_watch(p->b.store, STORE_KIT_BOX);
    store_kit_until(&p->b, &p->b.n_arrived, 1);
    assert_non_null(strstr(p->b.arrived, "x=1 "));
    assert_int_equal(store_kit_delete(&p->b, "x"), STORE_OK);
    for (unsigned i = 0; i < 20; i++) {
        char name[8];
        struct text t = text_of(name, sizeof name);
        const unsigned before = p->b.n_arrived;

        text_addf(&t, "l%u", i);
        assert_int_equal(store_kit_put(&p->a, name, "letter", LIFE), STORE_OK);
        store_kit_until(&p->b, &p->b.n_arrived, before + 1);
        assert_non_null(strstr(p->b.arrived, name));
        assert_int_equal(store_kit_delete(&p->b, name), STORE_OK);
    }
    part(p);
}

static void large_boxes_are_sampled(void **state)
{
    struct place *p = *state;

    meet(p);
    for (unsigned i = 0; i < 300; i++) {
        char name[16];
        struct text t = text_of(name, sizeof name);

        text_addf(&t, "e%03u", i);
        store_put(p->a.store, STORE_KIT_BOX, name, NULL, 0, i < 40 ? 20 : LIFE, store_kit_done,
                  &p->answer);
    }
    store_kit_until(&p->a, &p->answer.n, 300);
    assert_int_equal(p->answer.status, STORE_OK);
    wait_absent(p, "e039");
    store_kit_list(&p->b, 32, &p->answer);
    assert_int_equal(p->answer.status, STORE_OK);
    assert_true(p->answer.n_entries > 20 && p->answer.n_entries <= 32);
    assert_true(p->answer.total >= 260 && p->answer.total <= 300);
    store_kit_list(&p->b, 1000, &p->answer);
    assert_true(p->answer.n_entries >= 200 && p->answer.n_entries <= STORE_LIST_MAX);
    part(p);
}

#define CASES(begin)                                                                               \
    cmocka_unit_test_setup_teardown(entries_are_put_and_deleted, begin, end),                      \
        cmocka_unit_test_setup_teardown(bytes_and_sizes_are_kept, begin, end),                     \
        cmocka_unit_test_setup_teardown(entries_end, begin, end),                                  \
        cmocka_unit_test_setup_teardown(one_gets_a_claim, begin, end),                             \
        cmocka_unit_test_setup_teardown(watchers_hear, begin, end),                                \
        cmocka_unit_test_setup_teardown(large_boxes_are_sampled, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {CASES(begin_directory), CASES(begin_redis)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
