#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "system_log.h"
#include "text.h"

/* What stands in for syslogd. */
struct collector {
    char folder[32];
    char path[48];
    int fd;
    struct system_log log;
    char line[8192];
};

static void start(struct collector *c)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memcpy(address.sun_path, c->path, strlen(c->path) + 1);
    (void)unlink(c->path);
    c->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(c->fd >= 0);
    assert_int_equal(bind(c->fd, (const struct sockaddr *)&address, sizeof address), 0);
}

static int set_up(void **state)
{
    static struct collector c;
    struct text t = text_of(c.folder, sizeof c.folder);

    text_add(&t, "/tmp/system_log.XXXXXX");
    if (mkdtemp(c.folder) == NULL) {
        return -1;
    }
    t = text_of(c.path, sizeof c.path);
    text_addf(&t, "%s/log", c.folder);
    start(&c);
    system_log_init(&c.log, c.path);
    *state = &c;
    return 0;
}

static int tear_down(void **state)
{
    struct collector *c = *state;

    system_log_fini(&c->log);
    (void)close(c->fd);
    (void)unlink(c->path);
    return rmdir(c->folder);
}

static const char *received(struct collector *c)
{
    const ssize_t n = recv(c->fd, c->line, sizeof c->line - 1, 0);

    c->line[n > 0 ? n : 0] = '\0';
    return c->line;
}

static bool send_text(struct collector *c, const char *line)
{
    return system_log_send(&c->log, SYSTEM_LOG_INFO, line, strlen(line));
}

static void expect_end(struct collector *c, const char *end)
{
    const char *s = received(c);
    const size_t n = strlen(s);

    assert_true(n > strlen(end));
    assert_string_equal(s + n - strlen(end), end);
}

static void a_line_has_priority_time_and_process(void **state)
{
    struct collector *c = *state;
    char tail[64];
    struct text t = text_of(tail, sizeof tail);

    assert_true(send_text(c, "worker 3 listening"));
    text_addf(&t, " reprised[%ld]: worker 3 listening", (long)getpid());
    assert_memory_equal(received(c), "<30>", 4);
    assert_string_equal(c->line + 4 + strlen("Nov 22 01:10:39"), tail);
    assert_int_equal(c->line[4 + 3], ' ');
    assert_int_equal(c->line[4 + 9], ':');
}

static void levels_are_severities(void **state)
{
    struct collector *c = *state;
    struct log log = {.fd = -1, .role = "parent", .system = &c->log};

    log_line(&log, LOG_LEVEL_WARNING, "a", NULL, 0);
    assert_memory_equal(received(c), "<28>", 4);
    log_line(&log, LOG_LEVEL_ERROR, "a", NULL, 0);
    assert_memory_equal(received(c), "<27>", 4);
    log_line(&log, LOG_LEVEL_DEBUG, "a", NULL, 0);
    assert_memory_equal(received(c), "<31>", 4);
}

static void a_log_line_is_text_without_time_or_json(void **state)
{
    struct collector *c = *state;
    struct log log = {.fd = -1, .role = "parent", .system = &c->log};

    LOG_LINE(&log, LOG_LEVEL_WARNING, "something", LOG_S("a", "b\nc"));
    expect_end(c, "]: parent warning: something a=\"b\\x0ac\"");
    log.json = true;
    LOG_LINE(&log, LOG_LEVEL_WARNING, "something", LOG_N("a", 1));
    expect_end(c, ",\"level\":\"warning\",\"role\":\"parent\",\"message\":\"something\",\"a\":1}");
}

static void what_nobody_takes_is_counted(void **state)
{
    struct collector *c = *state;
    unsigned n_lost = 0;
    metrics_cell ever = 0;
    struct log log = {
        .fd = -1, .role = "parent", .system = &c->log, .n_lost = &n_lost, .n_lost_ever = &ever};
    unsigned n = 0;

    while (n_lost == 0 && n++ < 100000) {
        log_line(&log, LOG_LEVEL_INFO, "flood", NULL, 0); /* returns, though nobody reads */
    }
    assert_int_equal(n_lost, 1);
    while (received(c)[0] != '\0') {
    }
    log_line(&log, LOG_LEVEL_INFO, "after", NULL, 0);
    expect_end(c, "parent warning: log lines lost, for nobody took them lines=1");
    expect_end(c, "parent after");
    assert_int_equal(n_lost, 0);
    assert_int_equal(metrics_get(&ever), 1);
}

static void a_log_that_was_restarted_gets_the_next_line(void **state)
{
    struct collector *c = *state;

    assert_true(send_text(c, "one"));
    expect_end(c, "one");
    (void)close(c->fd);
    assert_false(send_text(c, "two"));
    (void)unlink(c->path);
    assert_false(send_text(c, "three"));
    start(c);
    assert_true(send_text(c, "four"));
    expect_end(c, "four");
    (void)close(c->fd);
    start(c); /* without a line in between */
    assert_true(send_text(c, "five"));
    expect_end(c, "five");
}

static void a_child_has_a_connection_of_its_own(void **state)
{
    struct collector *c = *state;
    int status;
    pid_t pid;

    assert_true(send_text(c, "one"));
    expect_end(c, "one");
    pid = fork();
    if (pid == 0) {
        int fds[2];

        /* Another descriptor gets the number: it must not be written to. */
        (void)close(c->log.fd);
        if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds) != 0) {
            _exit(1);
        }
        _exit(send_text(c, "two") && recv(fds[0], c->line, 1, 0) < 0 &&
                      recv(fds[1], c->line, 1, 0) < 0
                  ? 0
                  : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    expect_end(c, "two");
    assert_true(send_text(c, "three"));
    expect_end(c, "three");
}

static void a_path_that_cannot_be_takes_nothing(void **state)
{
    struct system_log log;
    char path[200];

    (void)state;
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    system_log_init(&log, path);
    assert_false(system_log_send(&log, SYSTEM_LOG_INFO, "a", 1));
    system_log_init(&log, "/nowhere/at/all");
    assert_false(system_log_send(&log, SYSTEM_LOG_INFO, "a", 1));
    system_log_fini(&log);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(a_line_has_priority_time_and_process),
        LOG_TEST(levels_are_severities),
        LOG_TEST(a_log_line_is_text_without_time_or_json),
        LOG_TEST(what_nobody_takes_is_counted),
        LOG_TEST(a_log_that_was_restarted_gets_the_next_line),
        LOG_TEST(a_child_has_a_connection_of_its_own),
        cmocka_unit_test(a_path_that_cannot_be_takes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
