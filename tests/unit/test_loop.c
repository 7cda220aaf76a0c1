#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop.h"
#include "memory.h"

/* A watch on an eventfd that is always ready, with a count of its callbacks. */
struct bell {
    struct loop_watch watch;
    struct loop *loop;
    struct bell *other; /* unwatched by the callback */
    unsigned n_rung;
    unsigned stop_at;
};

static void bell_ready(struct loop_watch *watch, uint32_t events)
{
    struct bell *bell = (struct bell *)watch;

    assert_true((events & EPOLLIN) != 0);
    bell->n_rung++;
    if (bell->other != NULL) {
        loop_unwatch(bell->loop, &bell->other->watch);
        bell->other->other = NULL;
        bell->other = NULL;
    }
    if (bell->n_rung >= bell->stop_at) {
        loop_stop(bell->loop);
    }
}

static void bell_init(struct bell *bell, struct loop *loop)
{
    *bell = (struct bell){.loop = loop, .stop_at = 1};
    bell->watch.fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    bell->watch.events = EPOLLIN;
    bell->watch.ready = bell_ready;
    assert_true(bell->watch.fd >= 0);
    assert_true(loop_watch(loop, &bell->watch));
}

static void bell_fini(struct bell *bell)
{
    loop_unwatch(bell->loop, &bell->watch);
    (void)close(bell->watch.fd);
}

static struct loop *new_loop(void)
{
    struct loop *loop;

    assert_int_equal(loop_new(&loop), RP_OK);
    return loop;
}

static void watch_calls_while_ready(void **state)
{
    struct loop *loop = new_loop();
    struct bell bell;

    (void)state;
    bell_init(&bell, loop);
    bell.stop_at = 5;
    loop_run(loop);
    assert_int_equal(bell.n_rung, 5);
    bell_fini(&bell);
    loop_free(&loop);
    assert_null(loop);
}

static void unwatched_in_the_same_turn_is_not_called(void **state)
{
    struct loop *loop = new_loop();
    struct bell a;
    struct bell b;

    (void)state;
    bell_init(&a, loop);
    bell_init(&b, loop);
    a.other = &b;
    b.other = &a;
    /* Whichever comes first unwatches the other. */
    a.stop_at = 3;
    b.stop_at = 3;
    loop_run(loop);
    assert_int_equal(a.n_rung + b.n_rung, 3);
    assert_true(a.n_rung == 0 || b.n_rung == 0);
    bell_fini(&a);
    bell_fini(&b);
    loop_free(&loop);
}

/* Rings, closes the other for good, and takes its descriptor's number anew. */
static void bell_closes_other(struct loop_watch *watch, uint32_t events)
{
    struct bell *bell = (struct bell *)watch;

    (void)events;
    bell->n_rung++;
    if (bell->other != NULL) {
        loop_close(bell->loop, &bell->other->watch);
        bell->other->watch.fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
        bell->other->other = NULL;
        bell->other = NULL;
    }
    if (bell->n_rung >= bell->stop_at) {
        loop_stop(bell->loop);
    }
}

static void closed_in_the_same_turn_is_not_called(void **state)
{
    struct loop *loop = new_loop();
    struct bell a;
    struct bell b;

    (void)state;
    bell_init(&a, loop);
    bell_init(&b, loop);
    a.watch.ready = b.watch.ready = bell_closes_other;
    a.other = &b;
    b.other = &a;
    a.stop_at = 3;
    b.stop_at = 3;
    loop_run(loop);
    assert_int_equal(a.n_rung + b.n_rung, 3);
    assert_true(a.n_rung == 0 || b.n_rung == 0);
    bell_fini(&a);
    bell_fini(&b);
    loop_free(&loop);
}

static void stopped_before_it_runs_it_does_nothing(void **state)
{
    struct loop *loop = new_loop();
    struct bell bell;

    (void)state;
    bell_init(&bell, loop);
    loop_stop(loop);
    loop_run(loop);
    assert_int_equal(bell.n_rung, 0);
    loop_run(loop);
    assert_int_equal(bell.n_rung, 1);
    bell_fini(&bell);
    loop_free(&loop);
}

static void unwatching_itself_ends_it(void **state)
{
    struct loop *loop = new_loop();
    struct bell a;
    struct bell b;

    (void)state;
    bell_init(&a, loop);
    bell_init(&b, loop);
    a.other = &a;
    a.stop_at = 100;
    b.stop_at = 10;
    loop_run(loop);
    assert_int_equal(a.n_rung, 1);
    assert_int_equal(b.n_rung, 10);
    bell_fini(&a);
    bell_fini(&b);
    loop_free(&loop);
}

static void rewatch_changes_the_events(void **state)
{
    struct loop *loop = new_loop();
    struct bell quiet;
    struct bell bell;

    (void)state;
    bell_init(&quiet, loop);
    bell_init(&bell, loop);
    assert_true(loop_rewatch(loop, &quiet.watch, 0));
    quiet.stop_at = 100;
    bell.stop_at = 3;
    loop_run(loop);
    assert_int_equal(quiet.n_rung, 0);
    bell_fini(&quiet);
    bell_fini(&bell);
    loop_free(&loop);
}

struct alarm {
    struct loop_timer timer;
    struct loop *loop;
    char name;
    char *order; /* names are appended */
    int64_t again_ms;
    bool stops;
    struct alarm *clears;
};

static void alarm_due(struct loop_timer *timer)
{
    struct alarm *alarm = (struct alarm *)timer;
    char *end = alarm->order;

    while (*end != '\0') {
        end++;
    }
    *end = alarm->name;
    if (alarm->clears != NULL) {
        loop_timer_clear(&alarm->clears->timer);
    }
    if (alarm->again_ms >= 0) {
        assert_true(loop_timer_set(alarm->loop, timer, alarm->again_ms));
        alarm->again_ms = -1;
    }
    if (alarm->stops) {
        loop_stop(alarm->loop);
    }
}

static struct alarm alarm_of(struct loop *loop, char name, char *order)
{
    return (struct alarm){
        .timer = {.due = alarm_due}, .loop = loop, .name = name, .order = order, .again_ms = -1};
}

/* Sets timers within one turn of the loop, in which the clock stands still. */
struct starter {
    struct loop_timer timer; /* first, so that a timer is a starter */
    struct loop *loop;
    struct alarm *alarms;
    const int64_t (*delays)[2]; /* which alarm, how long */
    unsigned n;
};

static void start_all(struct loop_timer *timer)
{
    const struct starter *starter = (const struct starter *)timer;

    for (unsigned i = 0; i < starter->n; i++) {
        assert_true(loop_timer_set(starter->loop, &starter->alarms[starter->delays[i][0]].timer,
                                   starter->delays[i][1]));
    }
}

static void expect_order(const int64_t (*delays)[2], unsigned n, const char *expected)
{
    struct loop *loop = new_loop();
    char order[64] = "";
    struct alarm alarms[5];
    struct starter starter = {
        .timer = {.due = start_all}, .loop = loop, .alarms = alarms, .delays = delays, .n = n};

    for (unsigned i = 0; i < 5; i++) {
        alarms[i] = alarm_of(loop, (char)('a' + i), order);
        alarms[i].stops = alarms[i].name == expected[strlen(expected) - 1];
    }
    assert_true(loop_timer_set(loop, &starter.timer, 0));
    loop_run(loop);
    assert_string_equal(order, expected);
    loop_free(&loop);
}

static void timers_come_in_order(void **state)
{
    static const int64_t delays[5][2] = {{0, 8}, {1, 2}, {2, 10}, {3, 0}, {4, 5}};

    (void)state;
    expect_order(delays, 5, "dbeac");
}

static void a_set_timer_moves(void **state)
{
    static const int64_t delays[5][2] = {{0, 1}, {1, 3600000}, {0, 6}, {1, 3}, {2, 9}};

    (void)state;
    expect_order(delays, 5, "bac");
}

static void timers_are_set_and_cleared_in_callbacks(void **state)
{
    struct loop *loop = new_loop();
    char order[64] = "";
    struct alarm a = alarm_of(loop, 'a', order);
    struct alarm b = alarm_of(loop, 'b', order);
    struct alarm c = alarm_of(loop, 'c', order);

    (void)state;
    assert_true(loop_timer_set(loop, &a.timer, 1));
    assert_true(loop_timer_set(loop, &b.timer, 30));
    assert_true(loop_timer_set(loop, &c.timer, 300));
    a.clears = &b;
    a.again_ms = 0;
    c.stops = true;
    loop_run(loop);
    assert_string_equal(order, "aac");
    assert_int_equal(b.timer.place, 0);
    loop_timer_clear(&b.timer); /* of one that is not set: nothing */
    loop_free(&loop);
}

static void again_and_again(struct loop_timer *timer)
{
    struct alarm *alarm = (struct alarm *)timer;

    assert_true(loop_timer_set(alarm->loop, timer, 0));
}

static void a_timer_that_is_always_due_starves_nobody(void **state)
{
    struct loop *loop = new_loop();
    struct alarm alarm = {.timer = {.due = again_and_again}, .loop = loop};
    struct bell bell;

    (void)state;
    bell_init(&bell, loop);
    bell.stop_at = 10;
    assert_true(loop_timer_set(loop, &alarm.timer, 0));
    loop_run(loop);
    assert_int_equal(bell.n_rung, 10);
    bell_fini(&bell);
    loop_free(&loop);
}

static void never_does_not_overflow(void **state)
{
    struct loop *loop = new_loop();
    char order[64] = "";
    struct alarm never = alarm_of(loop, 'n', order);
    struct alarm end = alarm_of(loop, '.', order);

    (void)state;
    assert_true(loop_timer_set(loop, &never.timer, INT64_MAX));
    assert_true(loop_timer_set(loop, &end.timer, -5));
    end.stops = true;
    loop_run(loop);
    assert_string_equal(order, ".");
    loop_free(&loop);
    assert_int_equal(never.timer.place, 0);
}

static void the_heap_keeps_its_order(void **state)
{
    enum { N = 300 };
    struct loop *loop = new_loop();
    char order[N + 2] = "";
    struct alarm alarms[N];
    uint32_t random = 1;

    (void)state;
    for (unsigned i = 0; i < N; i++) {
        random = random * 1664525 + 1013904223;
        alarms[i] = alarm_of(loop, 'x', order);
        assert_true(loop_timer_set(loop, &alarms[i].timer, (random >> 16) % 1000));
    }
    for (unsigned i = 0; i < N; i += 3) {
        loop_timer_clear(&alarms[i].timer);
    }
    for (unsigned i = 1; i < N; i += 3) {
        random = random * 1664525 + 1013904223;
        assert_true(loop_timer_set(loop, &alarms[i].timer, (random >> 16) % 20));
    }
    for (unsigned i = 2; i < N; i += 3) {
        assert_true(loop_timer_set(loop, &alarms[i].timer, i % 7));
    }
    alarms[0].stops = true;
    assert_true(loop_timer_set(loop, &alarms[0].timer, 25));
    loop_run(loop);
    assert_int_equal(order[N / 3 * 2], 'x');
    assert_int_equal(order[N / 3 * 2 + 1], '\0');
    loop_free(&loop);
}

struct caught {
    struct loop *loop;
    int last;
    unsigned n;
};

static void on_signal(int number, void *cookie)
{
    struct caught *caught = cookie;

    caught->last = number;
    if (++caught->n == 2) {
        loop_stop(caught->loop);
    }
}

static void signals_are_read(void **state)
{
    static const int signals[] = {SIGUSR1, SIGUSR2};
    struct loop *loop = new_loop();
    struct caught caught = {.loop = loop};
    sigset_t set;

    (void)state;
    assert_true(loop_signals(loop, signals, 2, on_signal, &caught));
    assert_false(loop_signals(loop, signals, 2, on_signal, &caught));
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(raise(SIGUSR2), 0);
    loop_run(loop);
    assert_int_equal(caught.n, 2);
    assert_int_equal(caught.last, SIGUSR2);
    loop_free(&loop);
    assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &set), 0);
    assert_int_equal(sigismember(&set, SIGUSR1), 0);
}

static void now_is_read_once_a_turn(void **state)
{
    struct loop *loop = new_loop();
    const int64_t before = loop_now_ms(loop);
    char order[8] = "";
    struct alarm end = alarm_of(loop, '.', order);

    (void)state;
    assert_true(before > 0);
    end.stops = true;
    assert_true(loop_timer_set(loop, &end.timer, 4));
    loop_run(loop);
    assert_true(loop_now_ms(loop) >= before + 4);
    loop_free(&loop);
}

static void survives_failing_allocations(void **state)
{
    struct loop *loop;
    enum rp_status status = RP_NO_MEMORY;
    char order[8] = "";
    struct alarm alarm;

    (void)state;
    for (long n = 0; status == RP_NO_MEMORY; n++) {
        memory_fail_after(n);
        status = loop_new(&loop);
        memory_fail_after(-1);
        assert_true(n < 10);
        assert_true((status == RP_OK) == (loop != NULL));
    }
    assert_int_equal(status, RP_OK);
    alarm = alarm_of(loop, 'a', order);
    memory_fail_after(0);
    assert_false(loop_timer_set(loop, &alarm.timer, 1));
    memory_fail_after(-1);
    assert_int_equal(alarm.timer.place, 0);
    loop_free(&loop);
    loop_free(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watch_calls_while_ready),
        cmocka_unit_test(unwatched_in_the_same_turn_is_not_called),
        cmocka_unit_test(closed_in_the_same_turn_is_not_called),
        cmocka_unit_test(stopped_before_it_runs_it_does_nothing),
        cmocka_unit_test(unwatching_itself_ends_it),
        cmocka_unit_test(rewatch_changes_the_events),
        cmocka_unit_test(timers_come_in_order),
        cmocka_unit_test(a_set_timer_moves),
        cmocka_unit_test(timers_are_set_and_cleared_in_callbacks),
        cmocka_unit_test(a_timer_that_is_always_due_starves_nobody),
        cmocka_unit_test(never_does_not_overflow),
        cmocka_unit_test(the_heap_keeps_its_order),
        cmocka_unit_test(signals_are_read),
        cmocka_unit_test(now_is_read_once_a_turn),
        cmocka_unit_test(survives_failing_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
