#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conn_count.h"
#include "memory.h"

static struct conn_count *new_count(unsigned n_slots)
{
    struct conn_count *count;

    assert_int_equal(conn_count_new(&count), RP_OK);
    assert_int_equal(conn_count_addresses(count), RP_OK);
    for (unsigned i = 0; i < n_slots; i++) {
        conn_count_begin(count, i);
    }
    return count;
}

static struct network network(const char *text)
{
    struct network n;

    assert_true(network_parse(text, &n));
    return n;
}

static bool enter(struct conn_count *count, unsigned slot, const char *text, unsigned max,
                  uint32_t *place)
{
    const struct network n = network(text);

    return conn_count_enter_address(count, slot, &n, max, place);
}

static void all_workers_count_together(void **state)
{
    struct conn_count *count = new_count(3);

    (void)state;
    assert_true(conn_count_enter(count, 0, 3));
    assert_true(conn_count_enter(count, 2, 3));
    assert_true(conn_count_enter(count, 2, 3));
    assert_false(conn_count_enter(count, 1, 3));
    assert_false(conn_count_enter(count, 2, 3));
    conn_count_leave(count, 0);
    assert_true(conn_count_enter(count, 1, 3));
    assert_false(conn_count_enter(count, 0, 3));
    assert_true(conn_count_enter(count, 0, 4));
    conn_count_free(&count);
    assert_null(count);
    conn_count_free(&count);
}

static void what_a_worker_leaves_behind_is_forgotten(void **state)
{
    struct conn_count *count = new_count(2);
    uint32_t place;

    (void)state;
    assert_true(conn_count_enter(count, 0, 1));
    assert_true(enter(count, 0, "192.0.2.1", 1, &place));
    assert_false(conn_count_enter(count, 1, 1));
    assert_false(enter(count, 1, "192.0.2.1", 1, &place));
    conn_count_end(count, 0);
    assert_true(conn_count_enter(count, 1, 1));
    assert_true(enter(count, 1, "192.0.2.1", 1, &place));
    conn_count_begin(count, 1);
    assert_true(conn_count_enter(count, 0, 1));
    assert_true(enter(count, 0, "192.0.2.1", 1, &place));
    conn_count_free(&count);
}

static void addresses_count_by_themselves(void **state)
{
    struct conn_count *count = new_count(2);
    uint32_t first;
    uint32_t second;
    uint32_t place;

    (void)state;
    assert_true(enter(count, 0, "192.0.2.1", 2, &first));
    assert_true(enter(count, 1, "192.0.2.1", 2, &second));
    assert_false(enter(count, 0, "192.0.2.1", 2, &place));
    assert_int_equal(place, 0);
    assert_false(enter(count, 1, "192.0.2.1", 2, &place));
    assert_true(enter(count, 0, "192.0.2.2", 2, &place));
    conn_count_leave_address(count, 1, second);
    assert_true(enter(count, 0, "192.0.2.1", 2, &place));
    assert_int_equal(place, first);
    conn_count_leave_address(count, 0, 0); /* one that was not counted */
    assert_false(enter(count, 0, "192.0.2.1", 2, &place));
    conn_count_free(&count);
}

static void ipv6_counts_by_its_64_bits(void **state)
{
    struct conn_count *count = new_count(1);
    uint32_t place;

    (void)state;
    assert_true(enter(count, 0, "2001:db8:0:1::1", 2, &place));
    assert_true(enter(count, 0, "2001:db8:0:1:ffff::", 2, &place));
    assert_false(enter(count, 0, "2001:db8:0:1::2", 2, &place));
    assert_true(enter(count, 0, "2001:db8:0:2::1", 2, &place));
    assert_true(enter(count, 0, "::1", 1, &place)); /* 64 zero bits are a network too */
    assert_false(enter(count, 0, "::2", 1, &place));
    assert_true(enter(count, 0, "0.0.0.1", 1, &place));
    assert_true(enter(count, 0, "::ffff:192.0.2.1", 1, &place));
    assert_false(enter(count, 0, "192.0.2.1", 1, &place));
    conn_count_free(&count);
}

static struct network numbered(uint32_t i)
{
    return (struct network){
        .family = AF_INET,
        .bytes = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i},
        .n_bits = 32,
    };
}

/* Half as many addresses as there are places find one each; then all others do as well. */
static void places_are_used_again(void **state)
{
    enum { N = CONN_COUNT_ADDRESSES / 2, TIMES = 6 };
    static uint32_t places[N];
    struct conn_count *count = new_count(1);
    unsigned n_lost = 0;

    (void)state;
    for (uint32_t times = 0; times < TIMES; times++) {
        for (uint32_t i = 0; i < N; i++) {
            const struct network n = numbered(times * N + i);
            uint32_t place;

            assert_true(conn_count_enter_address(count, 0, &n, 1, &places[i]));
            n_lost += places[i] == 0;
            assert_true(places[i] == 0 || !conn_count_enter_address(count, 0, &n, 1, &place));
        }
        for (uint32_t i = 0; i < N; i++) {
            conn_count_leave_address(count, 0, places[i]);
        }
    }
    assert_in_range(n_lost, 0, 10);
    conn_count_free(&count);
}

static void a_full_table_refuses_nobody(void **state)
{
    struct conn_count *count = new_count(1);
    unsigned n_lost = 0;

    (void)state;
    for (uint32_t i = 0; i < CONN_COUNT_ADDRESSES + 1000; i++) {
        const struct network n = numbered(i);
        uint32_t place;

        assert_true(conn_count_enter_address(count, 0, &n, 1, &place));
        n_lost += place == 0;
    }
    assert_true(n_lost >= 1000);
    conn_count_free(&count);
}

/* Processes that come and go at random never exceed the maximum together, and end at zero. */
enum { RACERS = 4, ROUNDS = 20000, MOST = 5 };

static int race(struct conn_count *count, unsigned slot)
{
    const struct network n = network("192.0.2.1");
    uint32_t places[MOST];
    unsigned n_in = 0;
    uint32_t dice = slot + 1;

    for (unsigned i = 0; i < ROUNDS; i++) {
        dice = dice * 1664525 + 1013904223;
        if (n_in != 0 && (dice >> 16) % 2 == 0) {
            conn_count_leave_address(count, slot, places[--n_in]);
            conn_count_leave(count, slot);
        } else if (conn_count_enter(count, slot, MOST)) {
            if (n_in == MOST || !conn_count_enter_address(count, slot, &n, MOST, &places[n_in])) {
                conn_count_leave(count, slot);
                continue;
            }
            n_in++;
        }
    }
    while (n_in != 0) {
        conn_count_leave_address(count, slot, places[--n_in]);
        conn_count_leave(count, slot);
    }
    return 0;
}

static void who_races_is_never_let_in_beyond(void **state)
{
    struct conn_count *count = new_count(RACERS);
    uint32_t place;
    int status;

    (void)state;
    for (unsigned i = 0; i < RACERS; i++) {
        const pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
            _exit(race(count, i));
        }
    }
    for (unsigned i = 0; i < RACERS; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    for (unsigned i = 0; i < MOST; i++) {
        assert_true(conn_count_enter(count, 0, MOST));
        assert_true(enter(count, 0, "192.0.2.1", MOST, &place));
    }
    assert_false(conn_count_enter(count, 0, MOST));
    conn_count_free(&count);
}

static void a_killed_worker_is_forgotten(void **state)
{
    struct conn_count *count = new_count(2);
    int ready[2];
    uint32_t place;
    char byte;
    pid_t pid;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)conn_count_enter(count, 0, 1);
        (void)enter(count, 0, "192.0.2.1", 1, &place);
        if (write(ready[1], "", 1) != 1) {
            _exit(1);
        }
        for (;;) {
            (void)pause();
        }
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_false(conn_count_enter(count, 1, 1));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_false(conn_count_enter(count, 1, 1));
    conn_count_end(count, 0);
    assert_true(conn_count_enter(count, 1, 1));
    assert_true(enter(count, 1, "192.0.2.1", 1, &place));
    (void)close(ready[0]);
    (void)close(ready[1]);
    conn_count_free(&count);
}

/* One that says it counts addresses where nobody does: the parent looks for none of them. */
static void a_worker_that_lies_harms_nobody(void **state)
{
    struct conn_count *count;
    uint32_t place;
    int status;
    pid_t pid;

    (void)state;
    assert_int_equal(conn_count_new(&count), RP_OK);
    conn_count_begin(count, 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        status = conn_count_addresses(count) == RP_OK && enter(count, 0, "192.0.2.1", 1, &place);
        _exit(status);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 1);
    conn_count_end(count, 0);
    conn_count_begin(count, 0);
    assert_true(conn_count_enter(count, 0, 1));
    conn_count_free(&count);
}

static void running_out_of_memory_is_told(void **state)
{
    struct conn_count *count;

    (void)state;
    memory_fail_after(0);
    assert_int_equal(conn_count_new(&count), RP_NO_MEMORY);
    assert_null(count);
    memory_fail_after(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_workers_count_together),
        cmocka_unit_test(what_a_worker_leaves_behind_is_forgotten),
        cmocka_unit_test(addresses_count_by_themselves),
        cmocka_unit_test(ipv6_counts_by_its_64_bits),
        cmocka_unit_test(places_are_used_again),
        cmocka_unit_test(a_full_table_refuses_nobody),
        cmocka_unit_test(who_races_is_never_let_in_beyond),
        cmocka_unit_test(a_killed_worker_is_forgotten),
        cmocka_unit_test(a_worker_that_lies_harms_nobody),
        cmocka_unit_test(running_out_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
