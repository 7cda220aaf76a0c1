/* Commands of a feed: what they get, how their end is told, and that they do end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "memory.h"
#include "number.h"

#define LONG_MS 20000

struct run {
    struct command command; /* first */
    struct loop *loop;
    struct command_result result;
    unsigned n_done;
};

static void done(struct command *command, const struct command_result *result)
{
    struct run *run = (struct run *)command;

    run->result = *result;
    run->n_done++;
    loop_stop(run->loop);
}

static void caught(int number, void *cookie)
{
    struct run *run = cookie;
    int status;
    pid_t pid;

    (void)number;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        (void)command_ended(&run->command, pid, status);
    }
}

static int begin(void **state)
{
    static const int signals[] = {SIGCHLD};
    struct run *run = memory_new(1, sizeof *run);

    *state = run;
    return run == NULL || loop_new(&run->loop) != RP_OK ||
                   !loop_signals(run->loop, signals, 1, caught, run)
               ? -1
               : 0;
}

static int end(void **state)
{
    struct run *run = *state;

    loop_free(&run->loop);
    memory_free(run);
    return 0;
}

static bool start(struct run *run, char *const *argv, int64_t timeout_ms)
{
    const struct command_order order = {.argv = argv, .timeout_ms = timeout_ms};

    return command_start(&run->command, run->loop, &order, done, &run->result);
}

static void run_script(struct run *run, const char *script, int64_t timeout_ms)
{
    char shell[] = "/bin/sh";
    char flag[] = "-c";
    char *text = memory_string(script);
    char *const argv[] = {shell, flag, text, NULL};

    assert_non_null(text);
    assert_true(start(run, argv, timeout_ms));
    memory_free(text); /* all is copied by now */
    assert_true(command_runs(&run->command));
    loop_run(run->loop);
    assert_int_equal(run->n_done, 1);
    assert_false(command_runs(&run->command));
    run->n_done = 0;
}

static void its_status_is_told(void **state)
{
    struct run *run = *state;

    run_script(run, "exit 0", LONG_MS);
    assert_int_equal(run->result.how, COMMAND_EXITED);
    assert_int_equal(run->result.value, 0);
    assert_string_equal(run->result.line, "");
    run_script(run, "exit 7", LONG_MS);
    assert_int_equal(run->result.value, 7);
    run_script(run, "kill -TERM $$", LONG_MS);
    assert_int_equal(run->result.how, COMMAND_KILLED);
    assert_int_equal(run->result.value, SIGTERM);
}

static void its_first_line_is_kept(void **state)
{
    struct run *run = *state;

    run_script(run, "echo; echo one; echo two >&2; exit 1", LONG_MS);
    assert_string_equal(run->result.line, "one");
    run_script(run, "printf 'no end'", LONG_MS);
    assert_string_equal(run->result.line, "no end");
    run_script(run, "head -c 100000 /dev/zero | tr '\\0' x", LONG_MS);
    assert_int_equal(strlen(run->result.line), COMMAND_LINE_SIZE - 1);
}

static void it_gets_nothing_of_ours(void **state)
{
    struct run *run = *state;

    assert_int_equal(setenv("RP_TEST_SECRET", "1", 1), 0);
    run_script(run,
               "for i in 3 4 5 6 7 8 9 10 11 12; do test -e /proc/$$/fd/$i && echo $i; done; "
               "echo \"$RP_TEST_SECRET$LANG$(pwd)$(cat)\"",
               LONG_MS);
    assert_string_equal(run->result.line, "C/");
    assert_int_equal(unsetenv("RP_TEST_SECRET"), 0);
    run_script(run, "test $(ps -o sid= -p $$) = $$ && echo its own", LONG_MS);
    assert_string_equal(run->result.line, "its own");
}

static void standard_output_may_be_of_no_interest(void **state)
{
    struct run *run = *state;
    char shell[] = "/bin/sh";
    char flag[] = "-c";
    char text[] = "echo report; echo reason >&2";
    char *const argv[] = {shell, flag, text, NULL};
    const struct command_order order = {.argv = argv, .timeout_ms = LONG_MS, .only_errors = true};

    assert_true(command_start(&run->command, run->loop, &order, done, &run->result));
    loop_run(run->loop);
    assert_string_equal(run->result.line, "reason");
}

static void one_that_hangs_is_killed_with_its_children(void **state)
{
    struct run *run = *state;

    run_script(run, "echo begun; sleep 600 & sleep 600", 200);
    assert_int_equal(run->result.how, COMMAND_TIMED_OUT);
    assert_int_equal(run->result.value, 0);
    assert_string_equal(run->result.line, "begun");
}

static void what_it_leaves_running_is_not_waited_for(void **state)
{
    struct run *run = *state;
    uint64_t pid;

    run_script(run, "sleep 600 & echo $!", LONG_MS);
    assert_int_equal(run->result.how, COMMAND_EXITED);
    assert_true(number_parse(run->result.line, INT32_MAX, &pid));
    assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
}

/* Nobody waits until there is no more to be read. */
static void one_that_never_stops_talking_is_killed(void **state)
{
    struct run *run = *state;

    run_script(run, "exec yes", 200);
    assert_int_equal(run->result.how, COMMAND_TIMED_OUT);
    assert_string_equal(run->result.line, "y");
    run_script(run, "yes & exit 0", LONG_MS);
    assert_int_equal(run->result.how, COMMAND_EXITED);
}

static void one_that_is_not_there_says_so(void **state)
{
    struct run *run = *state;
    char path[] = "/no/such/command";
    char *const argv[] = {path, NULL};

    assert_true(start(run, argv, LONG_MS)); /* exec fails in the child */
    loop_run(run->loop);
    assert_int_equal(run->result.how, COMMAND_EXITED);
    assert_int_equal(run->result.value, 127);
    assert_string_equal(run->result.line, strerror(ENOENT));
}

static void one_that_is_stopped_is_not_heard_of(void **state)
{
    struct run *run = *state;
    char path[] = "/bin/sleep";
    char seconds[] = "600";
    char *const argv[] = {path, seconds, NULL};
    pid_t pid;
    int status;

    assert_true(start(run, argv, LONG_MS));
    pid = run->command.pid;
    command_stop(&run->command);
    assert_false(command_runs(&run->command));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_false(command_ended(&run->command, pid, status));
    assert_int_equal(run->n_done, 0);
    command_stop(&run->command);
}

static void want_of_memory_is_told(void **state)
{
    struct run *run = *state;
    char path[] = "/bin/true";
    char *const argv[] = {path, NULL};

    memory_fail_after(0);
    assert_false(start(run, argv, LONG_MS));
    memory_fail_after(-1);
    assert_int_equal(run->result.how, COMMAND_NOT_STARTED);
    assert_int_not_equal(run->result.value, 0);
    assert_false(command_runs(&run->command));
}

static void names_are_looked_for_in_path(void **state)
{
    char path[COMMAND_PATH_SIZE];
    const char *before = getenv("PATH");
    char *saved = memory_string(before != NULL ? before : "/usr/bin:/bin");

    (void)state;
    assert_non_null(saved);
    assert_int_equal(setenv("PATH", ":relative:/no/such:/bin", 1), 0);
    assert_true(command_find("sh", path));
    assert_string_equal(path, "/bin/sh");
    assert_false(command_find("no-such-command", path));
    assert_true(command_find("/bin/sh", path));
    assert_string_equal(path, "/bin/sh");
    assert_false(command_find("/etc/passwd", path));
    assert_false(command_find("/tmp", path)); /* a folder */
    assert_int_equal(setenv("PATH", "/", 1), 0);
    assert_false(command_find("tmp", path));
    assert_int_equal(setenv("PATH", "", 1), 0);
    assert_true(command_find("sh", path));
    assert_int_equal(setenv("PATH", saved, 1), 0);
    memory_free(saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(its_status_is_told, begin, end),
        cmocka_unit_test_setup_teardown(its_first_line_is_kept, begin, end),
        cmocka_unit_test_setup_teardown(it_gets_nothing_of_ours, begin, end),
        cmocka_unit_test_setup_teardown(standard_output_may_be_of_no_interest, begin, end),
        cmocka_unit_test_setup_teardown(one_that_hangs_is_killed_with_its_children, begin, end),
        cmocka_unit_test_setup_teardown(what_it_leaves_running_is_not_waited_for, begin, end),
        cmocka_unit_test_setup_teardown(one_that_never_stops_talking_is_killed, begin, end),
        cmocka_unit_test_setup_teardown(one_that_is_not_there_says_so, begin, end),
        cmocka_unit_test_setup_teardown(one_that_is_stopped_is_not_heard_of, begin, end),
        cmocka_unit_test_setup_teardown(want_of_memory_is_told, begin, end),
        cmocka_unit_test(names_are_looked_for_in_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
