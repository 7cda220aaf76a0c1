/* A program that is executed with descriptors: the test itself, which takes them in another role.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>

#include <cmocka.h>

#include "handover.h"
#include "inherited.h"
#include "memory.h"

#define N_SOCKETS 60

static char role[] = "--taker";
static char program[] = "test_handover";
static char *const taker[] = {program, role, NULL};

/* Under valgrind /proc/self/exe is another program for exec. */
static const char *self(void)
{
    static char path[PATH_MAX];

    assert_true(readlink("/proc/self/exe", path, sizeof path - 1) > 0);
    return path;
}

static bool holds(int fd, char wanted)
{
    char c = 0;

    return pread(fd, &c, 1, 0) == 1 && c == wanted;
}

static int judge(const struct inherited *in)
{
    struct sigaction action;
    sigset_t mask;

    if (in->n_sockets != N_SOCKETS || in->n_refused != 0 || in->end != 3 + 3 + N_SOCKETS) {
        return 1;
    }
    if (!holds(in->window_fd, 'w') || !holds(in->chain_fd, 'c') || !holds(in->cache_fd, 's')) {
        return 2;
    }
    /* As at program start, and nothing beyond what was handed on. */
    if (sigprocmask(SIG_BLOCK, NULL, &mask) != 0 || sigismember(&mask, SIGTERM) != 0 ||
        sigaction(SIGPIPE, NULL, &action) != 0 || action.sa_handler != SIG_DFL) {
        return 3;
    }
    for (int fd = in->end; fd < 200; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            return 4;
        }
    }
    return 0;
}

static int take(void)
{
    struct inherited in;
    const int verdict = inherited_take(&in) == RP_OK ? judge(&in) : 1;

    inherited_fini(&in);
    return verdict;
}

static int file_with(char c)
{
    const int fd = memfd_create("test", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &c, 1, 0), 1);
    return fd;
}

static int listening(void)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in in = {.sin_family = AF_INET,
                                   .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static int exit_status_of(pid_t pid)
{
    int status = -1;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* In an order in which each is at another's place. */
static void everything_arrives_under_its_name(void **state)
{
    struct handover_item items[N_SOCKETS + 3];
    const struct handover handover = {self(), taker, items, N_SOCKETS + 3};
    struct rp_error err = {""};
    sigset_t blocked;
    pid_t pid;

    (void)state;
    for (size_t i = N_SOCKETS + 3; i-- > 3;) {
        items[i] = (struct handover_item){listening(), INHERITED_LISTEN};
    }
    items[0] = (struct handover_item){file_with('w'), INHERITED_WINDOW};
    items[1] = (struct handover_item){file_with('s'), INHERITED_CACHE};
    items[2] = (struct handover_item){file_with('c'), INHERITED_CHAIN};
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGTERM);
    assert_int_equal(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(handover_start(&handover, &pid, &err), RP_OK);
    assert_int_equal(exit_status_of(pid), 0);
    (void)signal(SIGPIPE, SIG_DFL);
    assert_int_equal(sigprocmask(SIG_UNBLOCK, &blocked, NULL), 0);
    assert_null(getenv("LISTEN_FDS")); /* it was the child's */
    for (size_t i = 0; i < N_SOCKETS + 3; i++) {
        assert_int_equal(fcntl(items[i].fd, F_GETFD), FD_CLOEXEC);
        (void)close(items[i].fd);
    }
}

static void a_program_that_is_not_there_is_told(void **state)
{
    const struct handover handover = {"/nonexistent/reprised", taker, NULL, 0};
    struct rp_error err = {""};
    pid_t pid;

    (void)state;
    assert_int_equal(handover_start(&handover, &pid, &err), RP_SYSTEM);
    assert_string_equal(err.text,
                        "cannot execute /nonexistent/reprised: No such file or directory");
    assert_int_equal(pid, -1);
}

static void a_program_that_is_none_ends_at_once(void **state)
{
    char path[] = "/tmp/reprise-handover-XXXXXX";
    const int fd = mkstemp(path);
    const struct handover handover = {path, taker, NULL, 0};
    struct rp_error err = {""};
    pid_t pid;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd,
                           "\x7f"
                           "ELF",
                           4),
                     4);
    assert_int_equal(fchmod(fd, 0700), 0);
    (void)close(fd);
    assert_int_equal(handover_start(&handover, &pid, &err), RP_OK);
    assert_int_equal(exit_status_of(pid), HANDOVER_NOT_EXECUTED);
    (void)unlink(path);
}

static void a_descriptor_that_is_closed_ends_it_at_once(void **state)
{
    static const struct handover_item items[] = {{999, INHERITED_CACHE}};
    const struct handover handover = {self(), taker, items, 1};
    pid_t pid;

    (void)state;
    assert_int_equal(handover_start(&handover, &pid, NULL), RP_OK);
    assert_int_equal(exit_status_of(pid), HANDOVER_NOT_EXECUTED);
}

static void a_failed_allocation_is_told(void **state)
{
    const struct handover handover = {self(), taker, NULL, 0};
    enum rp_status status = RP_NO_MEMORY;
    long n = 0;

    (void)state;
    while (status != RP_OK) {
        pid_t pid;

        memory_fail_after(n++);
        status = handover_start(&handover, &pid, NULL);
        memory_fail_after(-1);
        assert_true(status == RP_OK || (status == RP_NO_MEMORY && pid == -1));
        if (status == RP_OK) {
            (void)exit_status_of(pid);
        }
    }
    assert_true(n > 2);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_arrives_under_its_name),
        cmocka_unit_test(a_program_that_is_not_there_is_told),
        cmocka_unit_test(a_program_that_is_none_ends_at_once),
        cmocka_unit_test(a_descriptor_that_is_closed_ends_it_at_once),
        cmocka_unit_test(a_failed_allocation_is_told),
    };

    return argc > 1 && strcmp(argv[1], role) == 0 ? take()
                                                  : cmocka_run_group_tests(tests, NULL, NULL);
}
