/* What goes wrong with a real Redis, and its name. Tests are skipped where none is installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "redis_place.h"
#include "text.h"

#define LIFE 60000
#define TRIES 3000

static int set_up(void **state)
{
    struct place *const p = redis_place_new();
    struct text url = text_of(p->url, sizeof p->url);

    text_addf(&url, "redis+unix://%s/redis.sock", p->path);
    redis_kit_start(&p->server, p->path, NULL, NULL);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    redis_place_free(*state);
    return 0;
}

static void meet(struct place *p)
{
    if (p->server.pid == 0) {
        redis_kit_skip();
    }
    store_kit_begin(&p->a, p->url);
    store_kit_begin(&p->b, p->url);
    p->a.step_ms = p->b.step_ms = 5;
}

static void until_state(struct store_kit *kit, bool up)
{
    for (unsigned i = 0; kit->up != up; i++) {
        assert_true(i < TRIES);
        store_kit_turn(kit, 2);
    }
}

static void a_server_that_comes_back_empty_is_filled_again(void **state)
{
    struct place *p = *state;

    meet(p);
    store_watch(p->b.store, STORE_KIT_BOX);
    assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_OK);
    store_kit_until(&p->b, &p->b.n_arrived, 1);
    redis_kit_stop(&p->server);
    until_state(&p->a, false);
    until_state(&p->b, false);
    assert_int_equal(store_kit_put(&p->a, "x", "2", LIFE), STORE_DOWN);
    redis_kit_start(&p->server, p->path, NULL, NULL);
    until_state(&p->a, true);
    until_state(&p->b, true);
    store_kit_list(&p->b, 10, &p->answer);
    assert_int_equal(p->answer.status, STORE_OK);
    assert_int_equal(p->answer.n_entries, 0);
    p->b.n_arrived = 0;
    assert_int_equal(store_kit_put(&p->a, "y", "3", LIFE), STORE_OK);
    store_kit_until(&p->b, &p->b.n_arrived, 1);
    assert_non_null(strstr(p->b.arrived, "y=3 "));
}

static void a_full_server_is_full_until_it_has_room(void **state)
{
    struct place *p = *state;

    meet(p);
    assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_OK);
    redis_kit_say(&p->server, "CONFIG SET maxmemory 1", "+OK");
    assert_int_equal(store_kit_put(&p->a, "x", "2", LIFE), STORE_FULL);
    assert_int_equal(store_kit_claim(&p->a, "y", "2", LIFE), STORE_FULL);
    assert_true(p->a.up);
    assert_non_null(strstr(p->a.why, "OOM"));
    store_kit_list(&p->a, 10, &p->answer);
    assert_string_equal(p->answer.text, "x=1 ");
    assert_int_equal(store_kit_delete(&p->a, "x"), STORE_OK);
    redis_kit_say(&p->server, "CONFIG SET maxmemory 0", "+OK");
    assert_int_equal(store_kit_put(&p->a, "x", "3", LIFE), STORE_OK);
    assert_string_equal(p->a.why, "");
}

static void a_paused_server_is_waited_for(void **state)
{
    struct place *p = *state;

    meet(p);
    assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_OK);
    redis_kit_say(&p->server, "CLIENT PAUSE 500 ALL", "+OK");
    p->a.step_ms = 100;
    assert_int_equal(store_kit_put(&p->a, "x", "2", LIFE), STORE_DOWN);
    p->a.step_ms = 5;
    assert_true(p->a.up);
    store_kit_get(&p->a, "x", &p->answer);
    assert_string_equal(p->answer.text, "x=2 ");
}

static void a_stopped_server_is_left_and_found_again(void **state)
{
    struct place *p = *state;

    meet(p);
    assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_OK);
    assert_int_equal(kill(p->server.pid, SIGSTOP), 0);
    p->a.step_ms = 100;
    assert_int_equal(store_kit_put(&p->a, "x", "2", LIFE), STORE_DOWN);
    p->a.step_ms = 100;
    until_state(&p->a, false);
    p->a.step_ms = 5;
    assert_non_null(strstr(p->a.why, "does not answer"));
    assert_int_equal(kill(p->server.pid, SIGCONT), 0);
    until_state(&p->a, true);
    assert_int_equal(store_kit_put(&p->a, "x", "3", LIFE), STORE_OK);
}

static void a_server_that_became_a_copy_is_not_used(void **state)
{
    struct place *p = *state;

    meet(p);
    assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_OK);
    redis_kit_say(&p->server, "REPLICAOF 127.0.0.1 1", "+OK");
    assert_int_equal(store_kit_put(&p->a, "x", "2", LIFE), STORE_DOWN);
    assert_false(p->a.up);
    assert_non_null(strstr(p->a.why, "READONLY"));
    redis_kit_say(&p->server, "REPLICAOF NO ONE", "+OK");
    until_state(&p->a, true);
    assert_int_equal(store_kit_put(&p->a, "x", "3", LIFE), STORE_OK);
}

static void a_user_without_channels_can_still_watch(void **state)
{
    struct place *p = *state;
    struct text url = text_of(p->url, sizeof p->url);

    text_addf(&url, "redis+unix://me:pw@%s/redis.sock", p->path);
    if (p->server.pid != 0) {
        redis_kit_say(&p->server, "ACL SETUSER me on >pw ~reprise/* resetchannels +@all", "+OK");
    }
    meet(p);
    store_watch(p->b.store, STORE_KIT_BOX);
    assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_OK);
    store_kit_until(&p->b, &p->b.n_arrived, 1);
    assert_true(p->b.up);
}

/* Nothing of ours stays for good. */
static void what_is_left_ends_by_itself(void **state)
{
    struct place *p = *state;

    meet(p);
    assert_int_equal(store_kit_put(&p->a, "x", "1", 40), STORE_OK);
    assert_int_equal(store_kit_claim(&p->a, "y", "1", 60), STORE_OK);
    redis_kit_say(&p->server, "TTL " STORE_KIT_BOX "/", ":0");
    for (unsigned i = 0; i < 200; i++) {
        (void)poll(NULL, 0, 1);
    }
    redis_kit_say(&p->server, "DBSIZE", ":0");
}

static void a_name_that_is_nowhere_is_down(void **state)
{
    struct place *p = *state;

    store_kit_begin(&p->a, "redis://no-such-host.invalid");
    p->a.step_ms = 500;
    assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_DOWN);
    assert_false(p->a.up);
    assert_non_null(strstr(p->a.why, "no-such-host.invalid"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_server_that_comes_back_empty_is_filled_again),
        CASE(a_full_server_is_full_until_it_has_room),
        CASE(a_paused_server_is_waited_for),
        CASE(a_stopped_server_is_left_and_found_again),
        CASE(a_server_that_became_a_copy_is_not_used),
        CASE(a_user_without_channels_can_still_watch),
        CASE(what_is_left_ends_by_itself),
        CASE(a_name_that_is_nowhere_is_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
