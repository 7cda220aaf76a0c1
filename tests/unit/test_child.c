#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "memory.h"
#include "message.h"

#define WAIT_MS 20000

struct end {
    struct loop *loop;
    struct child child;
    unsigned n_pongs;
    unsigned n_wanted;
};

static enum rp_status no_descriptors(const struct child *child, int **out, size_t *n)
{
    (void)child;
    *out = memory_new(1, sizeof **out);
    *n = 0;
    return *out != NULL ? RP_OK : RP_NO_MEMORY;
}

/* Answers what it is told to, and ends at DRAIN. */
static int answer(int channel_fd, void *cookie)
{
    static const uint8_t ready[] = {0, CHANNEL_READY, 0, 0};
    static const uint8_t pong[] = {0, CHANNEL_PONG, 0, 0};
    uint8_t head[4];

    (void)cookie;
    if (fcntl(channel_fd, F_SETFL, 0) != 0 || write(channel_fd, ready, sizeof ready) != 4) {
        return 1;
    }
    while (recv(channel_fd, head, sizeof head, MSG_WAITALL) == 4) {
        if (head[1] == CHANNEL_DRAIN) {
            return 7;
        }
        if (write(channel_fd, pong, sizeof pong) != 4) {
            return 1;
        }
    }
    return 1;
}

static const struct child_kind kind = {
    .rules = message_rules_for_worker,
    .n_rules = 2,
    .descriptors = no_descriptors,
    .run = answer,
};

static void message(void *cookie, enum channel_type type, const uint8_t *body, size_t n)
{
    struct end *end = cookie;

    (void)body;
    (void)n;
    if (type == CHANNEL_READY) {
        end->child.ready = true;
        loop_stop(end->loop);
        return;
    }
    assert_true(child_pong(&end->child));
    if (++end->n_pongs == end->n_wanted) {
        loop_stop(end->loop);
    }
}

static void closed(void *cookie, const char *why)
{
    struct end *end = cookie;

    assert_ptr_equal(why, channel_gone);
    loop_stop(end->loop);
}

static void begin(struct end *end)
{
    const struct channel_peer peer = {kind.rules, kind.n_rules, message, closed, end, 0};
    struct rp_error err = {""};

    *end = (struct end){.child = {.kind = &kind, .title = "one", .name = "one"}};
    assert_int_equal(loop_new(&end->loop), RP_OK);
    assert_int_equal(child_start(&end->child, end->loop, &peer, &err), RP_OK);
    assert_false(end->child.ready);
    assert_true(child_ping(&end->child)); /* who is not ready is not asked */
    assert_int_equal(end->child.n_unanswered, 0);
    loop_run(end->loop);
    assert_true(end->child.ready);
}

static void finish(struct end *end, int expected)
{
    int status;

    assert_int_equal(waitpid(end->child.pid, &status, 0), end->child.pid);
    assert_int_equal(status, expected);
    child_ended(&end->child, status, NULL, true);
    assert_int_equal(end->child.pid, 0);
    assert_null(end->child.channel);
    loop_free(&end->loop);
}

static void one_that_answers_lives(void **state)
{
    struct end end;

    (void)state;
    begin(&end);
    assert_false(child_pong(&end.child)); /* out of turn */
    for (unsigned i = 0; i < 10; i++) {
        assert_true(child_ping(&end.child));
        end.n_wanted++;
        loop_run(end.loop);
        assert_int_equal(end.child.n_unanswered, 0);
    }
    child_drain(&end.child, WAIT_MS);
    loop_run(end.loop); /* until it closes */
    finish(&end, 7 << 8);
}

static void one_that_stands_still_is_found(void **state)
{
    struct end end;

    (void)state;
    begin(&end);
    assert_int_equal(kill(end.child.pid, SIGSTOP), 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(child_ping(&end.child));
    }
    assert_false(child_ping(&end.child));
    /* It goes on just in time: its answers were only late. */
    assert_int_equal(kill(end.child.pid, SIGCONT), 0);
    end.n_wanted = 3;
    loop_run(end.loop);
    assert_true(child_ping(&end.child));
    child_kill(&end.child);
    finish(&end, SIGKILL);
}

static void one_that_is_dismissed_says_no_more(void **state)
{
    struct end end;

    (void)state;
    begin(&end);
    child_dismiss(&end.child);
    assert_null(end.child.channel);
    assert_true(end.child.dismissed);
    assert_true(child_ping(&end.child));
    finish(&end, SIGKILL);
    assert_true(end.child.was_ready); /* so its successor need not wait for long */
}

static void one_that_ends_is_not_asked(void **state)
{
    struct child child = {.ready = true};

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        assert_true(child_ping(&child));
    }
}

static void pauses_grow_for_those_never_ready(void **state)
{
    struct child child = {0};

    (void)state;
    assert_int_equal(child_pause_ms(&child, 0), 100);
    assert_int_equal(child_pause_ms(&child, 0), 200);
    for (unsigned i = 0; i < 10; i++) {
        (void)child_pause_ms(&child, 0);
    }
    assert_int_equal(child_pause_ms(&child, 0), 10000);
    child.was_ready = true;
    child.started_ms = 5000;
    assert_int_equal(child_pause_ms(&child, 5999), 100);
    child.was_ready = true;
    assert_int_equal(child_pause_ms(&child, 6000), 0);
    assert_int_equal(child_pause_ms(&child, 6000), 100);
}

static void survives_failing_allocations(void **state)
{
    struct end end = {.child = {.kind = &kind, .title = "one", .name = "one"}};
    const struct channel_peer peer = {kind.rules, kind.n_rules, message, closed, &end, 0};
    enum rp_status status = RP_NO_MEMORY;
    struct rp_error err;

    (void)state;
    assert_int_equal(loop_new(&end.loop), RP_OK);
    for (long n = 0; status != RP_OK; n++) {
        memory_fail_after(n);
        status = child_start(&end.child, end.loop, &peer, &err);
        memory_fail_after(-1);
        if (end.child.pid != 0) {
            child_kill(&end.child);
            (void)waitpid(end.child.pid, NULL, 0);
            channel_free(&end.child.channel);
        }
    }
    loop_free(&end.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_answers_lives),
        cmocka_unit_test(one_that_stands_still_is_found),
        cmocka_unit_test(one_that_is_dismissed_says_no_more),
        cmocka_unit_test(one_that_ends_is_not_asked),
        cmocka_unit_test(pauses_grow_for_those_never_ready),
        cmocka_unit_test(survives_failing_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
