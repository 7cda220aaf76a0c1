#include "spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "channel.h"
#include "error.h"
#include "memory.h"

#define FAILED 1

bool spawn_reset_signals(const int *ignored, size_t n)
{
    sigset_t none;

    for (int i = 1; i < NSIG; i++) {
        (void)signal(i, SIG_DFL); /* not those two that cannot be set, nor libc's own */
    }
    for (size_t i = 0; i < n; i++) {
        if (signal(ignored[i], SIG_IGN) == SIG_ERR) {
            return false;
        }
    }
    (void)sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

static int compare(const void *a, const void *b)
{
    const int x = *(const int *)a;
    const int y = *(const int *)b;

    return (x > y) - (x < y);
}

/* Closes all but 0 to 2 and those; what a library opened unknown to us too. */
static bool close_others(const struct spawn *spawn, int channel_fd)
{
    const size_t n = spawn->n_keep + 1;
    int *keep = memory_new(n, sizeof *keep);
    unsigned next = STDERR_FILENO + 1;
    bool good = keep != NULL;

    if (good) {
        keep[0] = channel_fd;
        for (size_t i = 1; i < n; i++) {
            keep[i] = spawn->keep[i - 1];
        }
        qsort(keep, n, sizeof keep[0], compare);
    }
    for (size_t i = 0; good && i < n; i++) {
        if (keep[i] < (int)next) {
            continue;
        }
        good = (unsigned)keep[i] == next || close_range(next, (unsigned)keep[i] - 1, 0) == 0;
        next = (unsigned)keep[i] + 1;
    }
    memory_free(keep);
    return good && close_range(next, ~0u, 0) == 0;
}

_Noreturn static void run_child(const struct spawn *spawn, int channel_fd, pid_t parent)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2};
    int status = FAILED;

    if (spawn_reset_signals(ignored, sizeof ignored / sizeof ignored[0]) &&
        close_others(spawn, channel_fd) && prctl(PR_SET_NAME, spawn->title, 0, 0, 0) == 0 &&
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent) {
        status = spawn->run(channel_fd, spawn->cookie);
    }
    _exit(status);
}

enum rp_status spawn_child(const struct spawn *spawn, pid_t *pid, int *channel_fd,
                           struct rp_error *err)
{
    const pid_t parent = getpid();
    int fds[2];

    *pid = -1;
    *channel_fd = -1;
    if (!channel_pair(fds)) {
        error_set(err, "cannot make a socket pair for %s: %s", spawn->title, strerror(errno));
        return RP_SYSTEM;
    }
    *pid = fork();
    if (*pid == 0) {
        run_child(spawn, fds[1], parent);
    }
    (void)close(fds[1]);
    if (*pid < 0) {
        error_set(err, "cannot fork %s: %s", spawn->title, strerror(errno));
        (void)close(fds[0]);
        return RP_SYSTEM;
    }
    *channel_fd = fds[0];
    return RP_OK;
}

enum rp_status spawn_confine(const struct privileges_account *account, struct rp_error *err)
{
    if (account != NULL && !privileges_drop(account)) {
        error_set(err, "cannot become user id %u: %s", (unsigned)account->uid, strerror(errno));
        return RP_SYSTEM;
    }
    /* The kernel forgot the last one when the user changed. Should the parent have died in between,
     * the channel tells. */
    if (!privileges_drop_capabilities() || !privileges_confine() ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) {
        error_set(err, "cannot confine the process: %s", strerror(errno));
        return RP_SYSTEM;
    }
    return RP_OK;
}
