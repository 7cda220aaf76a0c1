/* What the service manager is told; the test is the manager. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fcntl.h>

#include <cmocka.h>

#include "notify.h"
#include "text.h"

struct manager {
    int fd;
    char name[64]; /* as NOTIFY_SOCKET has it */
};

static struct manager manager_at(bool abstract)
{
    struct manager m = {.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    struct text t = text_of(m.name, sizeof m.name);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    socklen_t len;

    text_addf(&t, "%sreprise-notify-%d", abstract ? "@" : "/tmp/", (int)getpid());
    memcpy(at.sun_path, m.name, t.len);
    if (abstract) {
        at.sun_path[0] = '\0';
    }
    len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + t.len + (abstract ? 0 : 1));
    assert_true(m.fd >= 0);
    assert_int_equal(bind(m.fd, (const struct sockaddr *)&at, len), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", m.name, 1), 0);
    return m;
}

static void manager_end(struct manager *m)
{
    (void)close(m->fd);
    if (m->name[0] == '/') {
        (void)unlink(m->name);
    }
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
}

/* The next message, and how many descriptors came with it, which are closed. */
static size_t expect(const struct manager *m, const char *wanted)
{
    char bytes[512] = "";
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(256 * sizeof(int))];
    } control;
    struct iovec iov = {bytes, sizeof bytes - 1};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    const ssize_t n = recvmsg(m->fd, &message, 0);
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    size_t n_fds = 0;

    assert_true(n > 0);
    assert_string_equal(bytes, wanted);
    if (header != NULL) {
        n_fds = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n_fds; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
            (void)close(fd);
        }
    }
    return n_fds;
}

static void tell_all(bool abstract)
{
    struct manager m = manager_at(abstract);
    struct notify notify;

    assert_true(notify_open(&notify));
    assert_int_equal(fcntl(notify.fd, F_GETFD), FD_CLOEXEC);
    assert_true(notify_ready(&notify, "2 workers"));
    assert_int_equal(expect(&m, "READY=1\nSTATUS=2 workers"), 0);
    assert_true(notify_reloading(&notify, 123456789));
    assert_int_equal(expect(&m, "RELOADING=1\nMONOTONIC_USEC=123456789"), 0);
    assert_true(notify_stopping(&notify, "draining"));
    assert_int_equal(expect(&m, "STOPPING=1\nSTATUS=draining"), 0);
    assert_true(notify_main_pid(&notify, 4711));
    assert_int_equal(expect(&m, "MAINPID=4711"), 0);
    assert_true(notify_forget(&notify, "cache"));
    assert_int_equal(expect(&m, "FDSTOREREMOVE=1\nFDNAME=cache"), 0);
    assert_non_null(getenv("NOTIFY_SOCKET"));
    notify_close(&notify);
    notify_close(&notify);
    manager_end(&m);
}

static void a_manager_is_told_under_a_path(void **state)
{
    (void)state;
    tell_all(false);
}

static void a_manager_is_told_under_an_abstract_name(void **state)
{
    (void)state;
    tell_all(true);
}

static void descriptors_are_left_in_its_care(void **state)
{
    struct manager m = manager_at(true);
    struct notify notify;
    int fds[201];

    (void)state;
    assert_true(notify_open(&notify));
    for (size_t i = 0; i < 201; i++) {
        fds[i] = STDERR_FILENO;
    }
    assert_true(notify_store(&notify, "listen", fds, 0));
    assert_true(notify_store(&notify, "cache", fds, 1));
    assert_int_equal(expect(&m, "FDSTORE=1\nFDNAME=cache\nFDPOLL=0"), 1);
    assert_true(notify_store(&notify, "listen", fds, 201));
    assert_int_equal(expect(&m, "FDSTORE=1\nFDNAME=listen\nFDPOLL=0"), 200);
    assert_int_equal(expect(&m, "FDSTORE=1\nFDNAME=listen\nFDPOLL=0"), 1);
    fds[0] = -1;
    assert_false(notify_store(&notify, "cache", fds, 1));
    notify_close(&notify);
    manager_end(&m);
}

static void a_long_status_is_cut(void **state)
{
    struct manager m = manager_at(true);
    struct notify notify;
    char status[400];
    char wanted[256];
    struct text t = text_of(wanted, sizeof wanted);

    (void)state;
    memset(status, 'x', sizeof status - 1);
    status[sizeof status - 1] = '\0';
    text_addf(&t, "READY=1\nSTATUS=%.200s", status);
    assert_true(notify_open(&notify));
    assert_true(notify_ready(&notify, status));
    assert_int_equal(expect(&m, wanted), 0);
    notify_close(&notify);
    manager_end(&m);
}

static void without_a_manager_nothing_happens(void **state)
{
    static const int fds[] = {STDERR_FILENO};
    struct notify notify;

    (void)state;
    (void)unsetenv("NOTIFY_SOCKET");
    assert_true(notify_open(&notify));
    assert_int_equal(notify.fd, -1);
    assert_true(notify_ready(&notify, "ready"));
    assert_true(notify_store(&notify, "cache", fds, 1));
    assert_true(notify_main_pid(&notify, 1));
    notify_close(&notify);
}

static void a_name_that_is_none_is_told(void **state)
{
    static const char *const names[] = {"vsock:2:1234", "relative/path", "@", "/"};
    char name[200];
    struct notify notify;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)setenv("NOTIFY_SOCKET", names[i], 1);
        assert_false(notify_open(&notify));
        assert_int_equal(notify.fd, -1);
    }
    memset(name, '/', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    (void)setenv("NOTIFY_SOCKET", name, 1);
    assert_false(notify_open(&notify));
    (void)unsetenv("NOTIFY_SOCKET");
}

/* Its queue is full: a message is given up, not waited for without end. */
static void a_manager_that_does_not_read_stops_nobody(void **state)
{
    struct manager m = manager_at(true);
    struct notify notify;
    bool taken = true;

    (void)state;
    assert_true(notify_open(&notify));
    for (unsigned i = 0; taken && i < 100000; i++) {
        taken = notify_stopping(&notify, "draining");
    }
    assert_false(taken);
    manager_end(&m);
    assert_false(notify_ready(&notify, "ready")); /* it is gone */
    notify_close(&notify);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manager_is_told_under_a_path),
        cmocka_unit_test(a_manager_is_told_under_an_abstract_name),
        cmocka_unit_test(descriptors_are_left_in_its_care),
        cmocka_unit_test(a_long_status_is_cut),
        cmocka_unit_test(without_a_manager_nothing_happens),
        cmocka_unit_test(a_name_that_is_none_is_told),
        cmocka_unit_test(a_manager_that_does_not_read_stops_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
