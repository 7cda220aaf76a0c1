#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "metrics.h"

static struct metrics_totals totals;

static struct metrics_worker *begin(struct metrics *metrics, unsigned slot)
{
    metrics_worker_idle(metrics, slot);
    return metrics_worker(metrics, slot);
}

static int set_up(void **state)
{
    struct metrics *metrics;

    memset(&totals, 0, sizeof totals);
    if (metrics_new(&metrics, NULL) != RP_OK) {
        return -1;
    }
    *state = metrics;
    return 0;
}

static int tear_down(void **state)
{
    struct metrics *metrics = *state;

    metrics_free(&metrics);
    return 0;
}

static void it_begins_at_zero(void **state)
{
    static const struct metrics_totals none;

    metrics_read(*state, &totals);
    assert_memory_equal(&totals, &none, sizeof none);
}

static void sections_are_summed_up(void **state)
{
    struct metrics_worker *a = begin(*state, 0);
    struct metrics_worker *b = begin(*state, 7);

    assert_ptr_not_equal(a, b);
    metrics_add(&a->cells[METRICS_VERDICTS + RP_VERDICT_FORGED], 1);
    metrics_add(&a->cells[METRICS_VERDICTS + RP_VERDICT_FORGED], 2);
    metrics_add(&b->cells[METRICS_VERDICTS + RP_VERDICT_FORGED], 4);
    metrics_read(*state, &totals);
    assert_int_equal(totals.worker[METRICS_VERDICTS + RP_VERDICT_FORGED], 7);
    assert_int_equal(totals.worker[METRICS_VERDICTS + RP_VERDICT_EXPIRED], 0);
}

static void a_successor_counts_on(void **state)
{
    struct metrics_worker *w = begin(*state, METRICS_WORKERS - 1);

    metrics_add(&w->cells[METRICS_ACCEPTED], 5);
    metrics_add(&w->cells[METRICS_OPEN], 3);
    metrics_worker_idle(*state, METRICS_WORKERS - 1);
    metrics_read(*state, &totals);
    assert_int_equal(totals.worker[METRICS_ACCEPTED], 5);
    assert_int_equal(totals.worker[METRICS_OPEN], 0);
    w = begin(*state, METRICS_WORKERS - 1);
    metrics_add(&w->cells[METRICS_ACCEPTED], 1);
    metrics_read(*state, &totals);
    assert_int_equal(totals.worker[METRICS_ACCEPTED], 6);
}

static void durations_fall_into_buckets(void **state)
{
    struct metrics_worker *w = begin(*state, 0);

    metrics_duration(w, false, 0);
    metrics_duration(w, false, metrics_bucket_us[0]);
    metrics_duration(w, false, metrics_bucket_us[0] + 1);
    metrics_duration(w, true, UINT32_MAX);
    metrics_read(*state, &totals);
    assert_int_equal(totals.worker[METRICS_DURATION_FULL], 2);
    assert_int_equal(totals.worker[METRICS_DURATION_FULL + 1], 1);
    assert_int_equal(totals.worker[METRICS_DURATION_RESUMED + METRICS_BUCKETS - 1], 1);
    assert_int_equal(totals.worker[METRICS_SUM_US_FULL], 2 * metrics_bucket_us[0] + 1);
    assert_int_equal(totals.worker[METRICS_SUM_US_RESUMED], UINT32_MAX);
}

static void every_handshake_has_its_cell(void **state)
{
    bool seen[METRICS_VERDICTS - METRICS_HANDSHAKES] = {false};

    (void)state;
    for (unsigned v = 0; v < METRICS_N_VERSIONS; v++) {
        for (unsigned m = 0; m < RP_N_MECHANISMS; m++) {
            for (unsigned r = 0; r < 2; r++) {
                const size_t i =
                    metrics_handshake((enum metrics_version)v, (enum rp_mechanism)m, r != 0);

                assert_true(i < sizeof seen);
                assert_false(seen[i]);
                seen[i] = true;
            }
        }
    }
}

static void keys_come_back(void **state)
{
    struct metrics_key keys[METRICS_KEYS_MAX] = {
        {{0xde, 0xad, 0xbe, 0xef}, METRICS_KEY_NEXT, 8, 3000},
        {{0, 0, 0, 1}, METRICS_KEY_SEALS, UINT64_MAX, -5},
        {{0xff, 0xff, 0xff, 0xff}, METRICS_KEY_OPENS, 6, INT64_MAX},
    };

    metrics_keys_write(*state, keys, METRICS_KEYS_MAX);
    metrics_keys_write(*state, keys, 3);
    metrics_read(*state, &totals);
    assert_int_equal(totals.n_keys, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_memory_equal(totals.keys[i].name, keys[i].name, METRICS_NAME_LEN);
        assert_int_equal(totals.keys[i].role, keys[i].role);
        assert_true(totals.keys[i].epoch == keys[i].epoch);
        assert_true(totals.keys[i].since_ms == keys[i].since_ms);
    }
}

static void a_child_writes_and_the_courier_cannot(void **state)
{
    struct metrics *metrics = *state;
    struct metrics_worker *w = begin(metrics, 0);
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        metrics_add(&w->cells[METRICS_ACCEPTED], 1);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    metrics_read(metrics, &totals);
    assert_int_equal(totals.worker[METRICS_ACCEPTED], 1);
    pid = fork();
    if (pid == 0) {
        (void)signal(SIGSEGV, SIG_DFL);
        metrics_read_only(metrics);
        metrics_read_only(metrics);
        metrics_read(metrics, &totals);
        _exit(totals.worker[METRICS_ACCEPTED] == 1 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void names_are_unique(void **state)
{
    (void)state;
    for (unsigned i = 0; i < METRICS_N_FAILURES; i++) {
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(metrics_failure_text((enum metrics_failure)i),
                                    metrics_failure_text((enum metrics_failure)j));
        }
    }
    assert_string_equal(metrics_refusal_text(METRICS_REFUSAL_ADDRESS), "per-address");
    assert_string_equal(metrics_version_text(METRICS_VERSION_TLS13), "TLSv1.3");
    assert_string_equal(metrics_role_text(METRICS_ROLE_COURIER), "courier");
    assert_string_equal(metrics_key_role_text(METRICS_KEY_SEALS), "seals");
    assert_string_equal(metrics_key_role_text(METRICS_KEY_NEXT), "next");
}

static void without_memory_there_is_none(void **state)
{
    struct metrics *metrics;
    struct rp_error err;

    (void)state;
    memory_fail_after(0);
    assert_int_equal(metrics_new(&metrics, &err), RP_NO_MEMORY);
    memory_fail_after(-1);
    assert_null(metrics);
    assert_string_equal(err.text, "out of memory");
    metrics_free(&metrics);
}

#define METRICS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        METRICS_TEST(it_begins_at_zero),
        METRICS_TEST(sections_are_summed_up),
        METRICS_TEST(a_successor_counts_on),
        METRICS_TEST(durations_fall_into_buckets),
        METRICS_TEST(every_handshake_has_its_cell),
        METRICS_TEST(keys_come_back),
        METRICS_TEST(a_child_writes_and_the_courier_cannot),
        cmocka_unit_test(names_are_unique),
        cmocka_unit_test(without_memory_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
