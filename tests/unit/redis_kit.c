#include "redis_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "text.h"

#define SERVER "/usr/bin/redis-server"
#define TRIES 2000

static int connect_to(const struct redis_kit *kit)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(un.sun_path, kit->socket, strlen(kit->socket) + 1);
    if (connect(fd, (struct sockaddr *)&un, sizeof un) == 0) {
        return fd;
    }
    (void)close(fd);
    return -1;
}

void redis_kit_start(struct redis_kit *kit, const char *path, const char *option, const char *value)
{
    struct text t = text_of(kit->socket, sizeof kit->socket);
    int fd = -1;

    kit->pid = 0;
    text_addf(&t, "%s/redis.sock", path);
    if (access(SERVER, X_OK) != 0) {
        return;
    }
    (void)unlink(kit->socket);
    kit->pid = fork();
    assert_true(kit->pid >= 0);
    if (kit->pid == 0) {
        (void)execl(SERVER, SERVER, "--port", "0", "--unixsocket", kit->socket, "--save", "",
                    "--dir", path, "--logfile", "/dev/null", option, value, (char *)NULL);
        _exit(127);
    }
    for (unsigned i = 0; (fd = connect_to(kit)) < 0; i++) {
        assert_true(i < TRIES);
        (void)poll(NULL, 0, 5);
    }
    (void)close(fd);
}

void redis_kit_stop(struct redis_kit *kit)
{
    if (kit->pid > 0) {
        (void)kill(kit->pid, SIGKILL);
        (void)waitpid(kit->pid, NULL, 0);
        kit->pid = 0;
    }
}

void redis_kit_say(const struct redis_kit *kit, const char *command, const char *expected)
{
    const int fd = connect_to(kit);
    char answer[256] = "";
    struct text t = text_of(answer, sizeof answer);
    ssize_t n;

    assert_true(fd >= 0);
    text_addf(&t, "%s\r\n", command);
    assert_int_equal(write(fd, answer, t.len), t.len);
    n = read(fd, answer, sizeof answer - 1);
    assert_true(n > 0);
    answer[n] = '\0';
    assert_memory_equal(answer, expected, strlen(expected));
    (void)close(fd);
}

void redis_kit_skip(void)
{
    print_message("redis-server is not installed\n");
    skip();
}
