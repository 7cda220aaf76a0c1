#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin.h"
#include "memory.h"

#define DEADLINE_MS 10000
#define TURN_MS 10

struct server {
    struct loop *loop;
    struct loop_timer turn;
    struct metrics *metrics;
    struct log log;
    struct admin *admin;
    struct sockaddr_in address;
    int listen_fd;
};

static void turn_over(struct loop_timer *timer)
{
    loop_stop(((struct server *)((char *)timer - offsetof(struct server, turn)))->loop);
}

static void turn(struct server *s)
{
    assert_true(loop_timer_set(s->loop, &s->turn, TURN_MS));
    loop_run(s->loop);
}

static void make_socket(struct server *s)
{
    socklen_t n = sizeof s->address;

    s->address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    s->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(s->listen_fd >= 0);
    assert_int_equal(bind(s->listen_fd, (struct sockaddr *)&s->address, n), 0);
    assert_int_equal(listen(s->listen_fd, 256), 0);
    assert_int_equal(getsockname(s->listen_fd, (struct sockaddr *)&s->address, &n), 0);
}

static enum rp_status start(struct server *s)
{
    const struct admin_start admin = {
        .metrics = s->metrics, .listen_fds = &s->listen_fd, .n_listen = 1, .log = &s->log};

    const enum rp_status status = admin_new(s->loop, &admin, &s->admin);

    return status != RP_OK || admin_open(s->admin) ? status : RP_SYSTEM;
}

static int set_up(void **state)
{
    static struct server s;

    s = (struct server){.log = {.fd = -1}};
    s.turn.due = turn_over;
    make_socket(&s);
    *state = &s;
    return loop_new(&s.loop) == RP_OK && metrics_new(&s.metrics, NULL) == RP_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct server *s = *state;

    admin_free(&s->admin);
    metrics_free(&s->metrics);
    loop_free(&s->loop);
    return close(s->listen_fd);
}

static int visitor(const struct server *s)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&s->address, sizeof s->address), 0);
    return fd;
}

/* All that comes until the server closes. */
static size_t answer(struct server *s, int fd, char *out, size_t size)
{
    size_t n = 0;
    int64_t left = DEADLINE_MS / TURN_MS;

    while (left-- > 0) {
        const ssize_t got = recv(fd, out + n, size - 1 - n, MSG_DONTWAIT);

        if (got == 0) {
            break;
        }
        if (got > 0) {
            n += (size_t)got;
        } else {
            turn(s);
        }
    }
    assert_true(left > 0);
    out[n] = '\0';
    (void)close(fd);
    return n;
}

static void say(int fd, const char *request)
{
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
}

static void a_visit_is_answered_and_closed(void **state)
{
    struct server *s = *state;
    char text[32768];
    int fd;

    assert_int_equal(start(s), RP_OK);
    fd = visitor(s);
    say(fd, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(answer(s, fd, text, sizeof text) > 0);
    assert_memory_equal(text, "HTTP/1.1 200 OK\r\n", 17);
    assert_non_null(strstr(text, "\nreprise_connections_open 0\n"));
    assert_non_null(strstr(text, "Connection: close\r\n"));
    fd = visitor(s);
    say(fd,
        "HEAD /status.json HTTP/1.1\r\nHost: a\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(answer(s, fd, text, sizeof text) > 0);
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    fd = visitor(s);
    say(fd, "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n");
    assert_true(answer(s, fd, text, sizeof text) > 0);
    assert_memory_equal(text, "HTTP/1.1 405", 12);
    assert_non_null(strstr(text, "Allow: GET, HEAD\r\n"));
}

/* Those that are too many wait in the queue, and get their turn. */
static void visits_are_limited(void **state)
{
    struct server *s = *state;
    int silent[ADMIN_VISITS_MAX];
    char text[32768];
    int fd;

    assert_int_equal(start(s), RP_OK);
    for (size_t i = 0; i < ADMIN_VISITS_MAX; i++) {
        silent[i] = visitor(s);
    }
    turn(s);
    turn(s);
    fd = visitor(s);
    say(fd, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    turn(s);
    turn(s);
    assert_int_equal(recv(fd, text, sizeof text, MSG_DONTWAIT), -1);
    (void)close(silent[0]);
    assert_true(answer(s, fd, text, sizeof text) > 0);
    assert_memory_equal(text, "HTTP/1.1 503", 12);
    for (size_t i = 1; i < ADMIN_VISITS_MAX; i++) {
        (void)close(silent[i]);
    }
}

static void without_memory_there_is_none(void **state)
{
    struct server *s = *state;
    enum rp_status status = RP_NO_MEMORY;

    for (long n = 0; status != RP_OK; n++) {
        assert_true(n < 20);
        memory_fail_after(n);
        status = start(s);
        memory_fail_after(-1);
        assert_true(status == RP_OK || s->admin == NULL);
    }
}

#define ADMIN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ADMIN_TEST(a_visit_is_answered_and_closed),
        ADMIN_TEST(visits_are_limited),
        ADMIN_TEST(without_memory_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
