#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <unistd.h>

#include "log.h"

static char line[65536];

/* What one call wrote, as one write: a pipe in packet mode yields them one by one. */
static const char *logged(bool json, enum log_level level, const char *message,
                          const struct log_field *fields, size_t n)
{
    int fds[2];
    struct log log = {.json = json, .least = LOG_LEVEL_INFO, .role = "worker 3"};
    ssize_t got;

    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    log.fd = fds[1];
    log_line(&log, level, message, fields, n);
    (void)close(fds[1]);
    got = read(fds[0], line, sizeof line - 1);
    (void)close(fds[0]);
    assert_true(got >= 0);
    line[got] = '\0';
    return line;
}

static const char *logged_string(bool json, const char *value)
{
    const struct log_field field = LOG_S("sni", value);

    return logged(json, LOG_LEVEL_INFO, "a message", &field, 1);
}

static void expect_text(const char *value, const char *written)
{
    const char *s = strstr(logged_string(false, value), " sni=");

    assert_non_null(s);
    assert_int_equal(strlen(s), 5 + strlen(written) + 1);
    assert_memory_equal(s + 5, written, strlen(written));
    assert_string_equal(s + 5 + strlen(written), "\n");
}

static void text_has_time_role_message_and_fields(void **state)
{
    const struct log_field fields[] = {LOG_S("address", "[::1]:443"), LOG_N("n", -5),
                                       LOG_B("resumed", true), LOG_S("none", NULL)};
    const char *s = logged(false, LOG_LEVEL_INFO, "listening", fields, 4);

    (void)state;
    assert_string_equal(s + strlen("2026-01-01T00:00:00.000Z"),
                        " worker 3 listening address=[::1]:443 n=-5 resumed=yes none=-\n");
    assert_int_equal(s[10], 'T');
    assert_int_equal(s[23], 'Z');
}

static void a_warning_says_so(void **state)
{
    (void)state;
    assert_non_null(strstr(logged(false, LOG_LEVEL_WARNING, "something", NULL, 0),
                           " worker 3 warning: something\n"));
    assert_non_null(strstr(logged(false, LOG_LEVEL_ERROR, "something", NULL, 0),
                           " worker 3 error: something\n"));
}

static void below_the_least_level_nothing_is_written(void **state)
{
    (void)state;
    assert_string_equal(logged(false, LOG_LEVEL_DEBUG, "something", NULL, 0), "");
}

static void text_cannot_be_injected(void **state)
{
    (void)state;
    expect_text("a.example", "a.example");
    expect_text("", "\"\"");
    expect_text("two words", "\"two words\"");
    expect_text("a\n2026-01-01T00:00:00.000Z parent ready",
                "\"a\\x0a2026-01-01T00:00:00.000Z parent ready\"");
    expect_text("a=b", "\"a=b\"");
    expect_text("say \"x\\\"", "\"say \\\"x\\\\\\\"\"");
    expect_text("\033[2J\r\a\177", "\"\\x1b[2J\\x0d\\x07\\x7f\"");
    expect_text("\302\233m", "\"\\xc2\\x9bm\"");
}

static void json_cannot_be_injected(void **state)
{
    static const struct {
        const char *value;
        const char *written;
    } cases[] = {
        {"a.example", "\"a.example\""},
        {"a\",\"level\":\"x", "\"a\\\",\\\"level\\\":\\\"x\""},
        {"\n\t\\\177", "\"\\u000a\\u0009\\\\\\u007f\""},
        {"\303\251", "\"\\u00e9\""},
        {"\360\237\230\200", "\"\\ud83d\\ude00\""},
        {"\342\200\250", "\"\\u2028\""},
        {"\377", "\"\\ufffd\""},
        {"\303", "\"\\ufffd\""},
        {"\300\200", "\"\\ufffd\\ufffd\""},
        {"\355\240\200", "\"\\ufffd\\ufffd\\ufffd\""},
        {"\364\220\200\200", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
        {"\360\237\230", "\"\\ufffd\\ufffd\\ufffd\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *s = strstr(logged_string(true, cases[i].value), "\"sni\":");

        assert_non_null(s);
        assert_memory_equal(s + 6, cases[i].written, strlen(cases[i].written));
        assert_string_equal(s + 6 + strlen(cases[i].written), "}\n");
    }
}

static void json_is_json(void **state)
{
    const struct log_field fields[] = {LOG_S("address", "[::1]:443"), LOG_N("n", INT64_MIN),
                                       LOG_B("resumed", false), LOG_S("none", NULL)};
    const char *s = logged(true, LOG_LEVEL_WARNING, "listening", fields, 4);
    json_t *root = json_loads(s, JSON_REJECT_DUPLICATES, NULL);

    (void)state;
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "level")), "warning");
    assert_string_equal(json_string_value(json_object_get(root, "role")), "worker 3");
    assert_string_equal(json_string_value(json_object_get(root, "message")), "listening");
    assert_string_equal(json_string_value(json_object_get(root, "address")), "[::1]:443");
    assert_true(json_integer_value(json_object_get(root, "n")) == INT64_MIN);
    assert_true(json_is_false(json_object_get(root, "resumed")));
    assert_true(json_is_null(json_object_get(root, "none")));
    json_decref(root);
}

static void what_does_not_fit_is_left_out_whole(void **state)
{
    static char big[9000];
    struct log_field fields[] = {LOG_S("before", "1"), LOG_S("big", big), LOG_S("after", "2")};
    json_t *root;

    (void)state;
    memset(big, 'x', sizeof big - 1);
    root = json_loads(logged(true, LOG_LEVEL_INFO, "m", fields, 3), 0, NULL);
    assert_non_null(root);
    assert_non_null(json_object_get(root, "before"));
    assert_null(json_object_get(root, "big"));
    assert_non_null(json_object_get(root, "after"));
    assert_true(json_is_true(json_object_get(root, "truncated")));
    json_decref(root);
    assert_non_null(strstr(logged(false, LOG_LEVEL_INFO, "m", fields, 3),
                           " m before=1 after=2 truncated=yes\n"));
}

static void every_length_ends_the_line(void **state)
{
    static char value[8300];

    (void)state;
    memset(value, '\n', sizeof value - 1);
    for (size_t n = 0; n < sizeof value; n += 7) {
        json_t *root;

        value[n] = '\0';
        root = json_loads(logged_string(true, value), 0, NULL);
        value[n] = '\n';
        assert_non_null(root);
        json_decref(root);
    }
}

/* Reads all that is in the pipe; how often it holds the needle. */
static unsigned drained(int fd, const char *needle)
{
    unsigned n = 0;
    ssize_t got = read(fd, line, sizeof line - 1);

    line[got > 0 ? got : 0] = '\0';
    for (const char *s = line; (s = strstr(s, needle)) != NULL; s++) {
        n++;
    }
    return n;
}

static void nobody_waits_for_a_reader(void **state)
{
    unsigned n_lost = 0;
    struct log log = {.least = LOG_LEVEL_INFO, .role = "worker 3", .n_lost = &n_lost};
    unsigned n_taken;
    int fds[2];

    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0); /* blocking: a write too many would hang */
    (void)fcntl(fds[1], F_SETPIPE_SZ, 4096);
    log.fd = fds[1];
    for (unsigned i = 0; i < 1000; i++) {
        log_line(&log, LOG_LEVEL_INFO, "a line", NULL, 0);
    }
    assert_true(n_lost > 0 && n_lost < 1000);
    n_taken = drained(fds[0], "a line");
    assert_int_equal(n_taken + n_lost, 1000);
    log_line(&log, LOG_LEVEL_INFO, "a line", NULL, 0);
    /* In so small a pipe only one of the two has room, for a page is taken by any write. */
    assert_true(n_lost <= 1);
    assert_int_equal(drained(fds[0], "log lines lost, for nobody took them lines="), 1);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_has_time_role_message_and_fields),
        cmocka_unit_test(a_warning_says_so),
        cmocka_unit_test(below_the_least_level_nothing_is_written),
        cmocka_unit_test(text_cannot_be_injected),
        cmocka_unit_test(json_cannot_be_injected),
        cmocka_unit_test(json_is_json),
        cmocka_unit_test(what_does_not_fit_is_left_out_whole),
        cmocka_unit_test(every_length_ends_the_line),
        cmocka_unit_test(nobody_waits_for_a_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
