#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "error.h"
#include "sandbox.h"

#define NOT_POSSIBLE 77
#define WRONG 1

/* What a child does within; its exit status is its answer. */
static int run_within(enum sandbox_role role, int (*act)(void))
{
    int status;
    const pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct rp_error err = {""};

        if (sandbox_enter(role, &err) != RP_OK) {
            _exit(NOT_POSSIBLE);
        }
        _exit(act());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_POSSIBLE) {
        skip();
    }
    return status;
}

static void assert_does(enum sandbox_role role, int (*act)(void))
{
    const int status = run_within(role, act);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static bool is_refused(long result)
{
    return result < 0 && errno == EPERM;
}

static int open_a_file(void)
{
    return is_refused(open("/etc/passwd", O_RDONLY)) &&
                   is_refused(open("/proc/self/mem", O_RDWR)) && is_refused(creat("/tmp/x", 0600))
               ? 0
               : WRONG;
}

static int make_memory_writable(void)
{
    static char page[8192] __attribute__((aligned(4096)));
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return code == MAP_FAILED && errno == EPERM &&
                   is_refused(mprotect(page, 4096, PROT_READ | PROT_WRITE)) &&
                   is_refused(mprotect(page, 4096, PROT_READ | PROT_EXEC)) &&
                   mprotect(page, 4096, PROT_READ) == 0
               ? 0
               : WRONG;
}

static int fork_or_signal(void)
{
    return is_refused(kill(getppid(), 0)) && is_refused(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))
               ? 0
               : WRONG;
}

static int make_connections(void)
{
    const int inet = socket(AF_INET, SOCK_STREAM, 0);
    const int inet6 = socket(AF_INET6, SOCK_STREAM, 0);
    const int local = socket(AF_UNIX, SOCK_STREAM, 0);

    return inet >= 0 && inet6 >= 0 && local >= 0 && is_refused(socket(AF_NETLINK, SOCK_RAW, 0)) &&
                   is_refused(socket(AF_PACKET, SOCK_RAW, 0))
               ? 0
               : WRONG;
}

static int make_no_connections(void)
{
    return is_refused(socket(AF_INET, SOCK_STREAM, 0)) &&
                   is_refused(socket(AF_INET6, SOCK_DGRAM, 0)) &&
                   socket(AF_UNIX, SOCK_DGRAM, 0) >= 0
               ? 0
               : WRONG;
}

static int live_on(void)
{
    static const char *const sizes = "\x01\x10\x20";
    unsigned char random[32];

    for (size_t i = 0; i < 3; i++) {
        void *p = malloc((size_t)sizes[i] << 16);

        if (p == NULL) {
            return WRONG;
        }
        memset(p, 1, (size_t)sizes[i] << 16);
        free(p);
    }
    return RAND_bytes(random, sizeof random) == 1 ? 0 : WRONG;
}

static int execute(void)
{
    char *const arguments[] = {NULL};

    (void)execve("/bin/true", arguments, arguments);
    return WRONG;
}

static int keep_files(void)
{
    const int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd >= 0 && mkdirat(fd, "box", 0700) == 0 &&
                   openat(fd, "a", O_CREAT | O_RDWR, 0600) > 0 &&
                   linkat(fd, "a", fd, "b", 0) == 0 && renameat(fd, "b", fd, "c") == 0 &&
                   unlinkat(fd, "a", 0) == 0 && unlinkat(fd, "c", 0) == 0 &&
                   unlinkat(fd, "box", AT_REMOVEDIR) == 0 && flock(fd, LOCK_EX) == 0
               ? 0
               : WRONG;
}

static int put_files(void)
{
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 2}};
    const int folder = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int fd = folder >= 0 ? openat(folder, "a", O_CREAT | O_RDWR, 0600) : -1;

    return fd >= 0 && fchmod(fd, 0640) == 0 && fchown(fd, (uid_t)-1, getegid()) == 0 &&
                   pwrite(fd, "x", 1, 0) == 1 && futimens(fd, times) == 0 &&
                   renameat(folder, "a", folder, "b") == 0 && unlinkat(folder, "b", 0) == 0 &&
                   is_refused(mkdirat(folder, "box", 0700)) &&
                   is_refused(linkat(folder, "a", folder, "b", 0))
               ? 0
               : WRONG;
}

static void a_feeder_puts_files(void **state)
{
    char folder[] = "/tmp/sandbox.XXXXXX";

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    assert_does(SANDBOX_FEEDER, put_files);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void a_store_that_is_a_folder_keeps_files(void **state)
{
    char folder[] = "/tmp/sandbox.XXXXXX";

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    assert_does(SANDBOX_COURIER_FOLDER, keep_files);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void opens_no_file(void **state)
{
    (void)state;
    assert_does(SANDBOX_WORKER, open_a_file);
    assert_does(SANDBOX_KEEPER, open_a_file);
    assert_does(SANDBOX_COURIER, open_a_file);
    assert_does(SANDBOX_COURIER_NETWORK, open_a_file);
}

static void memory_stays_as_it_is(void **state)
{
    (void)state;
    assert_does(SANDBOX_WORKER, make_memory_writable);
    assert_does(SANDBOX_KEEPER, make_memory_writable);
    assert_does(SANDBOX_FEEDER, make_memory_writable);
}

static void others_are_out_of_reach(void **state)
{
    (void)state;
    assert_does(SANDBOX_WORKER, fork_or_signal);
    assert_does(SANDBOX_KEEPER, fork_or_signal);
    assert_does(SANDBOX_FEEDER, fork_or_signal);
}

static void who_makes_connections(void **state)
{
    (void)state;
    assert_does(SANDBOX_WORKER, make_connections);
    assert_does(SANDBOX_COURIER_NETWORK, make_connections);
    assert_does(SANDBOX_COURIER, make_no_connections);
    assert_does(SANDBOX_FEEDER, make_no_connections);
    assert_does(SANDBOX_FEEDER_NETWORK, make_connections);
    assert_does(SANDBOX_COURIER_FOLDER, make_no_connections);
    assert_does(SANDBOX_KEEPER, make_no_connections);
}

static void the_rest_of_life_goes_on(void **state)
{
    (void)state;
    assert_does(SANDBOX_WORKER, live_on);
    assert_does(SANDBOX_KEEPER, live_on);
    assert_does(SANDBOX_COURIER, live_on);
    assert_does(SANDBOX_FEEDER, live_on);
}

static void exec_is_the_end(void **state)
{
    int status;

    (void)state;
    status = run_within(SANDBOX_WORKER, execute);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_no_file),
        cmocka_unit_test(a_feeder_puts_files),
        cmocka_unit_test(a_store_that_is_a_folder_keeps_files),
        cmocka_unit_test(memory_stays_as_it_is),
        cmocka_unit_test(others_are_out_of_reach),
        cmocka_unit_test(who_makes_connections),
        cmocka_unit_test(the_rest_of_life_goes_on),
        cmocka_unit_test(exec_is_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
