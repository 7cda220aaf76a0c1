/* Descriptors handed on by the protocol of socket activation; each case in a child of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>
#include <netinet/in.h>

#include <cmocka.h>

#include "inherited.h"
#include "memory.h"
#include "text.h"

static void set_number(const char *variable, int number)
{
    char buffer[16];
    struct text t = text_of(buffer, sizeof buffer);

    text_addf(&t, "%d", number);
    (void)setenv(variable, buffer, 1);
}

/* In the child: what a starter does between fork and exec. fds are above 40. */
static void hand_on(const int *fds, int n, const char *names)
{
    for (int i = 0; i < n; i++) {
        if (dup2(fds[i], 3 + i) < 0) {
            _exit(10);
        }
    }
    (void)close_range((unsigned)(3 + n), ~0u, 0);
    set_number("LISTEN_PID", getpid());
    set_number("LISTEN_FDS", n);
    (void)unsetenv("LISTEN_FDNAMES");
    if (names != NULL) {
        (void)setenv("LISTEN_FDNAMES", names, 1);
    }
}

static int high(int fd)
{
    const int moved = fcntl(fd, F_DUPFD_CLOEXEC, 40);

    (void)close(fd);
    return moved;
}

static int memory(void)
{
    return high(memfd_create("test", 0));
}

/* A socket on the loopback, or of another family. */
static int bound(int family, int type, bool listening)
{
    const int fd = socket(family, type, 0);
    const struct sockaddr_in in = {.sin_family = AF_INET,
                                   .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    const struct sockaddr_un un = {.sun_family = AF_UNIX};

    if (family == AF_INET) {
        (void)bind(fd, (const struct sockaddr *)&in, sizeof in);
    } else {
        (void)bind(fd, (const struct sockaddr *)&un, sizeof un.sun_family);
    }
    if (listening) {
        (void)listen(fd, 4);
    }
    return high(fd);
}

static bool is_closed(int fd)
{
    return fcntl(fd, F_GETFD) < 0;
}

static bool is_ours(int fd)
{
    return fcntl(fd, F_GETFD) == FD_CLOEXEC;
}

/* Runs body in a child; it exits with 0, or with the number of what was wrong. */
static void in_child(int (*body)(struct inherited *in))
{
    int status = -1;
    const pid_t child = fork();

    if (child == 0) {
        struct inherited in = {.window_fd = -1, .chain_fd = -1, .cache_fd = -1, .upgrade_fd = -1};
        const int result = body(&in);

        inherited_fini(&in);
        _exit(result);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static int take_what_an_upgrade_hands_on(struct inherited *in)
{
    const int fds[] = {memory(), bound(AF_INET, SOCK_STREAM, true), memory(),
                       memory(), bound(AF_INET, SOCK_STREAM, true), memory()};

    hand_on(fds, 6, "keyring.window:listen:keyring.chain:cache:listen:upgrade");
    if (inherited_take(in) != RP_OK || getenv("LISTEN_PID") != NULL ||
        getenv("LISTEN_FDS") != NULL || getenv("LISTEN_FDNAMES") != NULL) {
        return 1;
    }
    if (in->window_fd != 3 || in->chain_fd != 5 || in->cache_fd != 6 || in->upgrade_fd != 8 ||
        in->n_sockets != 2 || in->sockets[0].fd != 4 || in->sockets[1].fd != 7 ||
        in->n_refused != 0 || in->end != 9) {
        return 2;
    }
    for (int fd = 3; fd < 9; fd++) {
        if (!is_ours(fd)) {
            return 3;
        }
    }
    if (address_port(&in->sockets[0].address) == 0 ||
        address_equal(&in->sockets[0].address, &in->sockets[1].address) ||
        (fcntl(4, F_GETFL) & O_NONBLOCK) == 0) {
        return 4;
    }
    in->sockets[0].fd = -1; /* somebody took it */
    in->cache_fd = -1;
    inherited_fini(in);
    return is_ours(4) && is_ours(6) && is_closed(3) && is_closed(5) && is_closed(7) && is_closed(8)
               ? 0
               : 5;
}

static void what_an_upgrade_hands_on_is_taken(void **state)
{
    (void)state;
    in_child(take_what_an_upgrade_hands_on);
}

static int take_what_has_other_names(struct inherited *in)
{
    const int fds[] = {bound(AF_INET, SOCK_STREAM, true), bound(AF_INET, SOCK_STREAM, true)};

    hand_on(fds, 2, "https.socket:");
    return inherited_take(in) == RP_OK && in->n_sockets == 2 && in->n_refused == 0 ? 0 : 1;
}

static int take_what_has_no_names(struct inherited *in)
{
    const int fds[] = {bound(AF_INET, SOCK_STREAM, true), memory()};

    hand_on(fds, 2, NULL);
    return inherited_take(in) == RP_OK && in->n_sockets == 1 && in->n_refused == 1 && is_closed(4)
               ? 0
               : 1;
}

static int take_with_too_few_names(struct inherited *in)
{
    const int fds[] = {bound(AF_INET, SOCK_STREAM, true), memory()};

    hand_on(fds, 2, "cache");
    return inherited_take(in) == RP_OK && in->n_sockets == 1 && in->cache_fd == -1 &&
                   in->n_refused == 1
               ? 0
               : 1;
}

static void sockets_need_no_name(void **state)
{
    (void)state;
    in_child(take_what_has_other_names);
    in_child(take_what_has_no_names);
    in_child(take_with_too_few_names);
}

static int refuse_what_is_of_no_use(struct inherited *in)
{
    const int fds[] = {memory(),
                       memory(), /* a second one */
                       bound(AF_INET, SOCK_STREAM, false),
                       bound(AF_INET, SOCK_DGRAM, false),
                       bound(AF_UNIX, SOCK_STREAM, true),
                       memory(), /* under a socket's name */
                       bound(AF_INET, SOCK_STREAM, true)};

    hand_on(fds, 7, "cache:cache:listen:listen:listen:listen:listen");
    if (inherited_take(in) != RP_OK || in->cache_fd != 3 || in->n_sockets != 1 ||
        in->sockets[0].fd != 9 || in->n_refused != 5) {
        return 1;
    }
    for (int fd = 4; fd < 9; fd++) {
        if (!is_closed(fd)) {
            return 2;
        }
    }
    return 0;
}

static void what_is_of_no_use_is_closed(void **state)
{
    (void)state;
    in_child(refuse_what_is_of_no_use);
}

static int take_nothing(const char *pid, const char *fds)
{
    struct inherited in;

    (void)unsetenv("LISTEN_FDS");
    if (pid != NULL) {
        (void)setenv("LISTEN_PID", pid, 1);
    } else {
        set_number("LISTEN_PID", getpid());
    }
    if (fds != NULL) {
        (void)setenv("LISTEN_FDS", fds, 1);
    }
    if (inherited_take(&in) != RP_OK || in.n_sockets != 0 || in.window_fd != -1 || in.end != 3 ||
        getenv("LISTEN_PID") != NULL || getenv("LISTEN_FDS") != NULL) {
        return 1;
    }
    inherited_fini(&in);
    return 0;
}

static int ignore_what_is_not_ours(struct inherited *in)
{
    (void)in;
    return take_nothing("1", "1") + take_nothing("", "1") + take_nothing("x", "1") +
           take_nothing("-1", "1") + take_nothing(NULL, "") + take_nothing(NULL, "-1") +
           take_nothing(NULL, "4097") + take_nothing(NULL, "18446744073709551617") +
           take_nothing(NULL, "0") + take_nothing(NULL, NULL);
}

static void what_is_not_for_us_is_left_alone(void **state)
{
    (void)state;
    in_child(ignore_what_is_not_ours);
}

static int take_more_than_there_are(struct inherited *in)
{
    const int fds[] = {memory()};

    hand_on(fds, 1, NULL);
    (void)setenv("LISTEN_FDS", "3", 1);
    (void)setenv("LISTEN_FDNAMES", "cache:keyring.window:listen", 1);
    return inherited_take(in) == RP_OK && in->cache_fd == 3 && in->window_fd == -1 &&
                   in->n_sockets == 0 && in->n_refused == 0 && in->end == 6
               ? 0
               : 1;
}

static void what_is_announced_and_missing_is_missing(void **state)
{
    (void)state;
    in_child(take_more_than_there_are);
}

static int fail_without_memory(struct inherited *in)
{
    const int fds[] = {memory()};

    hand_on(fds, 1, "cache");
    memory_fail_after(0);
    if (inherited_take(in) != RP_NO_MEMORY) {
        return 1;
    }
    memory_fail_after(-1);
    inherited_fini(in);
    return 0;
}

static void a_failed_allocation_is_told(void **state)
{
    (void)state;
    in_child(fail_without_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_upgrade_hands_on_is_taken),
        cmocka_unit_test(sockets_need_no_name),
        cmocka_unit_test(what_is_of_no_use_is_closed),
        cmocka_unit_test(what_is_not_for_us_is_left_alone),
        cmocka_unit_test(what_is_announced_and_missing_is_missing),
        cmocka_unit_test(a_failed_allocation_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
