#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "spawn.h"
#include "text.h"

#define NOT_EXECUTED 127
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define CHUNK 512
#define CHUNKS_MAX 128 /* a pipe's room, at once: some never stop talking */

static const char *search_path(void)
{
    const char *path = getenv("PATH");

    return path != NULL && path[0] != '\0' ? path : DEFAULT_PATH;
}

/* In the child. */

static bool set_descriptors(int output_fd, bool only_errors)
{
    const int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    return null_fd >= 0 && dup2(null_fd, STDIN_FILENO) == STDIN_FILENO &&
           dup2(only_errors ? null_fd : output_fd, STDOUT_FILENO) == STDOUT_FILENO &&
           dup2(output_fd, STDERR_FILENO) == STDERR_FILENO &&
           close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) == 0;
}

/* The reason goes out as what the command would have said. */
_Noreturn static void execute(const struct command_order *order, int output_fd, pid_t parent)
{
    char path[COMMAND_PATH_SIZE];
    char lang[] = "LANG=C";
    char *environment[] = {path, lang, NULL};
    struct text t = text_of(path, sizeof path);

    text_addf(&t, "PATH=%s", search_path());
    if (spawn_reset_signals(NULL, 0) && setsid() >= 0 &&
        set_descriptors(output_fd, order->only_errors) && chdir("/") == 0 &&
        (order->account == NULL || privileges_drop(order->account)) &&
        (!order->is_confined || privileges_drop_capabilities()) &&
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent) {
        (void)execve(order->argv[0], order->argv, environment);
    }
    {
        const char *why = strerror(errno);

        (void)!write(STDERR_FILENO, why, strlen(why));
    }
    _exit(NOT_EXECUTED);
}

/* In the parent. */

static void take(struct command *command, const char *p, size_t n)
{
    struct command_result *result = &command->result;

    for (size_t i = 0; i < n && !command->has_line; i++) {
        if (p[i] == '\n' || p[i] == '\0') {
            command->has_line = command->n_line != 0;
        } else {
            result->line[command->n_line++] = p[i];
            command->has_line = command->n_line == sizeof result->line - 1;
        }
    }
}

static void close_output(struct command *command)
{
    if (command->is_watched) {
        command->is_watched = false;
        loop_unwatch(command->loop, &command->output);
        (void)close(command->output.fd);
    }
}

/* False: there will be no more. */
static bool read_output(struct command *command)
{
    char buffer[CHUNK];
    ssize_t n = 1;

    for (unsigned i = 0; i < CHUNKS_MAX && n > 0; i++) {
        n = read(command->output.fd, buffer, sizeof buffer);
        if (n > 0) {
            take(command, buffer, (size_t)n);
            memory_wipe(buffer, (size_t)n);
        }
    }
    return n > 0 || (n < 0 && errno == EAGAIN);
}

static void output_ready(struct loop_watch *watch, uint32_t events)
{
    struct command *command = (struct command *)((char *)watch - offsetof(struct command, output));

    (void)events;
    if (!read_output(command)) {
        close_output(command);
    }
}

static void kill_session(const struct command *command)
{
    /* Its group is there once it has called setsid; until then it is alone. */
    if (kill(-command->pid, SIGKILL) != 0) {
        (void)kill(command->pid, SIGKILL);
    }
}

static void deadline_due(struct loop_timer *timer)
{
    struct command *command =
        (struct command *)((char *)timer - offsetof(struct command, deadline));

    command->is_overdue = true;
    kill_session(command);
}

static bool watch_output(struct command *command, int fd)
{
    command->output = (struct loop_watch){.fd = fd, .events = EPOLLIN, .ready = output_ready};
    command->is_watched = loop_watch(command->loop, &command->output);
    return command->is_watched;
}

bool command_start(struct command *command, struct loop *loop, const struct command_order *order,
                   void (*done)(struct command *command, const struct command_result *result),
                   struct command_result *result)
{
    const pid_t parent = getpid();
    int fds[2] = {-1, -1};

    memset(command, 0, sizeof *command);
    command->loop = loop;
    command->done = done;
    command->deadline.due = deadline_due;
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0 && fcntl(fds[1], F_SETFL, 0) == 0 &&
        watch_output(command, fds[0]) &&
        loop_timer_set(loop, &command->deadline, order->timeout_ms)) {
        command->pid = fork();
        if (command->pid == 0) {
            execute(order, fds[1], parent);
        }
    } else {
        command->pid = -1;
    }
    if (command->pid < 0) {
        memset(result, 0, sizeof *result);
        result->how = COMMAND_NOT_STARTED;
        result->value = errno != 0 ? errno : ENOMEM;
        command->pid = 0;
        loop_timer_clear(&command->deadline);
        if (!command->is_watched && fds[0] >= 0) {
            (void)close(fds[0]);
        }
        close_output(command);
    }
    if (fds[1] >= 0) {
        (void)close(fds[1]);
    }
    return command->pid != 0;
}

bool command_runs(const struct command *command)
{
    return command->pid != 0;
}

bool command_ended(struct command *command, pid_t pid, int wait_status)
{
    struct command_result *result = &command->result;

    if (command->pid == 0 || pid != command->pid) {
        return false;
    }
    if (command->is_watched) {
        (void)read_output(command);
    }
    close_output(command);
    loop_timer_clear(&command->deadline);
    command->pid = 0;
    if (command->is_overdue) {
        result->how = COMMAND_TIMED_OUT;
    } else if (WIFSIGNALED(wait_status)) {
        result->how = COMMAND_KILLED;
        result->value = WTERMSIG(wait_status);
    } else {
        result->how = COMMAND_EXITED;
        result->value = WEXITSTATUS(wait_status);
    }
    command->done(command, result);
    return true;
}

void command_stop(struct command *command)
{
    if (command->pid != 0) {
        kill_session(command);
        command->pid = 0;
        loop_timer_clear(&command->deadline);
        close_output(command);
    }
}

/* Folders can be executed, too, says access. */
static bool is_program(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

bool command_find(const char *name, char out[static COMMAND_PATH_SIZE])
{
    const char *path = search_path();
    struct text t = text_of(out, COMMAND_PATH_SIZE);

    if (name[0] == '/') {
        text_add(&t, name);
        return !t.cut && is_program(out);
    }
    while (*path != '\0') {
        const size_t n = strcspn(path, ":");

        t = text_of(out, COMMAND_PATH_SIZE);
        text_add_n(&t, path, n);
        text_addf(&t, "/%s", name);
        if (n != 0 && path[0] == '/' && !t.cut && is_program(out)) {
            return true;
        }
        path += n + (path[n] == ':');
    }
    return false;
}

bool command_find_beside(const char *program, const char *name, char out[static COMMAND_PATH_SIZE])
{
    const char *slash = strrchr(program, '/');
    char beside[COMMAND_PATH_SIZE];
    struct text t = text_of(beside, sizeof beside);

    if (slash != NULL) {
        text_add_n(&t, program, (size_t)(slash - program) + 1);
        text_add(&t, name);
        if (!t.cut && command_find(beside, out)) {
            return true;
        }
    }
    return command_find(name, out);
}
