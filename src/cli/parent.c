#include "parent.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "error.h"
#include "memory.h"
#include "parent_state.h"
#include "text.h"

#define START_MS 60000
#define DRAIN_MS 11000 /* a second more than the workers give themselves */

static unsigned n_alive(const struct parent *parent)
{
    unsigned n = 0;

    for (unsigned i = 0; i < parent->n_workers; i++) {
        n += parent->workers[i].pid != 0;
    }
    return n;
}

/* Ending. */

static void kill_all(struct parent *parent)
{
    parent->phase = PARENT_STOPPING;
    loop_timer_clear(&parent->look);
    loop_timer_clear(&parent->keeper.restart);
    child_kill(&parent->keeper);
    for (unsigned i = 0; i < parent->n_workers; i++) {
        loop_timer_clear(&parent->workers[i].restart);
        child_kill(&parent->workers[i]);
    }
    if (parent->keeper.pid == 0 && n_alive(parent) == 0) {
        loop_stop(parent->loop);
    }
}

void parent_fail(struct parent *parent, enum rp_status status)
{
    if (parent->phase < PARENT_DRAINING) {
        parent->status = status;
        kill_all(parent);
    }
}

static void drain(struct parent *parent, int signal)
{
    LOG_LINE(&parent->log, LOG_LEVEL_INFO, "draining", LOG_S("signal", strsignal(signal)),
             LOG_N("workers", n_alive(parent)));
    parent->phase = PARENT_DRAINING;
    loop_timer_clear(&parent->look);
    loop_timer_clear(&parent->keeper.restart);
    for (unsigned i = 0; i < parent->n_workers; i++) {
        loop_timer_clear(&parent->workers[i].restart);
        child_drain(&parent->workers[i]);
    }
    /* Ours are closed too, so that new connections are refused and do not wait in vain. */
    listening_free(&parent->listening);
    if (n_alive(parent) == 0) {
        child_drain(&parent->keeper);
    }
    if ((n_alive(parent) == 0 && parent->keeper.pid == 0) ||
        !loop_timer_set(parent->loop, &parent->deadline, DRAIN_MS)) {
        kill_all(parent);
    }
}

static void deadline_due(struct loop_timer *timer)
{
    struct parent *parent = (struct parent *)((char *)timer - offsetof(struct parent, deadline));

    if (parent->phase < PARENT_RUNNING) {
        error_set(parent->err, "the processes did not get ready within a minute");
        parent_fail(parent, RP_SYSTEM);
    } else if (parent->phase == PARENT_DRAINING) {
        LOG_LINE(&parent->log, LOG_LEVEL_WARNING, "not all finished in time and are killed",
                 LOG_N("workers", n_alive(parent)));
        kill_all(parent);
    }
}

/* Restarting. */

static bool is_keeper(const struct child *child)
{
    return child == &((const struct parent *)child->owner)->keeper;
}

static void plan_restart(struct child *child)
{
    struct parent *parent = child->owner;
    const int64_t pause_ms = child_pause_ms(child, loop_now_ms(parent->loop));

    if (!loop_timer_set(parent->loop, &child->restart, pause_ms)) {
        LOG_LINE(&parent->log, LOG_LEVEL_ERROR, "a process cannot be started again",
                 LOG_S("process", child->title), LOG_S("reason", "out of memory"));
    }
}

/* A successor that hangs before it is ready is killed, so that it gets a successor too. */
static enum rp_status start_again(struct parent *parent, struct child *child)
{
    const enum rp_status status =
        is_keeper(child) ? parent_start_keeper(parent) : parent_start_worker(parent, child);

    if (status == RP_OK && !loop_timer_set(parent->loop, &child->restart, START_MS)) {
        error_set(parent->err, "out of memory");
        child_kill(child);
        return RP_NO_MEMORY;
    }
    return status;
}

static void restart_due(struct loop_timer *timer)
{
    struct child *child = (struct child *)timer;
    struct parent *parent = child->owner;
    struct rp_error err = {""};
    enum rp_status status;

    if (child->pid != 0) { /* it closed its channel, and lives on; or it does not get ready */
        if (child->channel != NULL) {
            LOG_LINE(&parent->log, LOG_LEVEL_WARNING, "a process does not get ready and is killed",
                     LOG_S("process", child->title), LOG_N("pid", child->pid));
        }
        child_kill(child);
        return;
    }
    parent->err = &err;
    status = start_again(parent, child);
    parent->err = NULL;
    if (status != RP_OK) {
        LOG_LINE(&parent->log, LOG_LEVEL_ERROR, "a process cannot be started again",
                 LOG_S("process", child->title), LOG_S("reason", err.text));
        if (child->pid == 0) {
            plan_restart(child);
        }
    }
}

static void ended(struct parent *parent, struct child *child, int wait_status)
{
    loop_timer_clear(&child->restart);
    child_ended(child, wait_status, parent->phase != PARENT_STOPPING ? &parent->log : NULL,
                parent->phase == PARENT_DRAINING);
    switch (parent->phase) {
    case PARENT_STARTING_KEEPER:
    case PARENT_STARTING_WORKERS:
        error_set(parent->err, "the %s did not start; its last words are above", child->title);
        parent_fail(parent, RP_SYSTEM);
        break;
    case PARENT_RUNNING:
        plan_restart(child);
        break;
    case PARENT_DRAINING:
    case PARENT_STOPPING:
        if (n_alive(parent) == 0 && parent->keeper.pid == 0) {
            loop_stop(parent->loop);
        } else if (n_alive(parent) == 0 && parent->phase == PARENT_DRAINING) {
            child_drain(&parent->keeper);
        }
        break;
    }
}

static struct child *child_of(struct parent *parent, pid_t pid)
{
    if (pid == parent->keeper.pid) {
        return &parent->keeper;
    }
    for (unsigned i = 0; i < parent->n_workers; i++) {
        if (pid == parent->workers[i].pid) {
            return &parent->workers[i];
        }
    }
    return NULL; /* as process 1 of a container we get others' orphans */
}

static void reap(struct parent *parent)
{
    int wait_status;
    pid_t pid;

    while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0) {
        struct child *child = child_of(parent, pid);

        if (child != NULL) {
            ended(parent, child, wait_status);
        }
    }
}

static void reload(struct parent *parent)
{
    if (parent->phase != PARENT_RUNNING) {
        return;
    }
    if (parent->key_watch != NULL) {
        parent_keys_reload(parent, strsignal(SIGHUP));
    } else {
        LOG_LINE(&parent->log, LOG_LEVEL_WARNING,
                 "reloading the configuration is not part of this version; restart instead",
                 LOG_S("signal", strsignal(SIGHUP)));
    }
}

static void caught(int signal, void *cookie)
{
    struct parent *parent = cookie;

    if (signal == SIGCHLD) {
        reap(parent);
    } else if (signal == SIGHUP) {
        reload(parent);
    } else if (parent->phase == PARENT_RUNNING) {
        drain(parent, signal);
    } else {
        kill_all(parent); /* a second signal, or one before anybody could connect */
    }
}

/* Starting. */

void parent_keeper_started(struct parent *parent)
{
    const struct config *config = parent->config;
    enum rp_status status = resources_sites(&parent->resources, config, parent->err);

    if (status == RP_OK) {
        status = listening_open(config, &parent->listening, parent->err);
    }
    parent->phase = PARENT_STARTING_WORKERS;
    for (unsigned i = 0; status == RP_OK && i < parent->n_workers; i++) {
        status = parent_start_worker(parent, &parent->workers[i]);
    }
    if (status != RP_OK) {
        parent_fail(parent, status);
    }
}

static void all_started(struct parent *parent)
{
    char address[ADDRESS_TEXT_SIZE];

    parent->phase = PARENT_RUNNING;
    parent->err = NULL;
    loop_timer_clear(&parent->deadline);
    if (parent->key_watch != NULL) {
        parent_keys_look(&parent->look);
    }
    for (size_t i = 0; i < parent->config->n_listen; i++) {
        address_text(listening_address(parent->listening, i), address);
        LOG_LINE(&parent->log, LOG_LEVEL_INFO, "listening", LOG_S("address", address));
    }
    LOG_LINE(&parent->log, LOG_LEVEL_INFO, "ready", LOG_N("workers", parent->n_workers),
             LOG_N("pid", getpid()));
}

void parent_worker_started(struct parent *parent, struct child *worker)
{
    unsigned n_ready = 0;

    if (parent->phase >= PARENT_DRAINING) {
        return;
    }
    if (parent->phase != PARENT_STARTING_WORKERS) {
        LOG_LINE(&parent->log, LOG_LEVEL_INFO, "a process is back", LOG_S("process", worker->title),
                 LOG_N("pid", worker->pid));
        return;
    }
    for (unsigned i = 0; i < parent->n_workers; i++) {
        n_ready += parent->workers[i].ready;
    }
    if (n_ready == parent->n_workers) {
        all_started(parent);
    }
}

/* As far as we may; what there is may well do. */
static void raise_limits(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_MEMLOCK, &limit);
    }
}

static void log_privileges(const struct parent *parent)
{
    if (parent->privileges.remark == PRIVILEGES_NOBODY) {
        LOG_LINE(&parent->log, LOG_LEVEL_WARNING,
                 "keeper and workers share the user nobody, for reprise and reprise-keeper do not "
                 "exist",
                 LOG_S("remedy", "useradd --system --user-group --no-create-home --shell "
                                 "/usr/sbin/nologin reprise; the same with reprise-keeper"));
    } else if (parent->privileges.remark == PRIVILEGES_SAME && parent->config->user != NULL) {
        LOG_LINE(&parent->log, LOG_LEVEL_WARNING,
                 "user has no effect, because reprised was not started as root",
                 LOG_S("user", parent->config->user));
    }
}

static void init_child(struct parent *parent, struct child *child, const char *title)
{
    struct text t = text_of(child->title, sizeof child->title);

    text_add(&t, title);
    child->owner = parent;
    child->restart.due = restart_due;
}

static enum rp_status init(struct parent *parent)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    const struct config *config = parent->config;
    enum rp_status status = RP_OK;

    parent->workers = memory_new(config->workers, sizeof *parent->workers);
    if (parent->workers == NULL) {
        return RP_NO_MEMORY;
    }
    init_child(parent, &parent->keeper, "keeper");
    for (parent->n_workers = 0; parent->n_workers < config->workers; parent->n_workers++) {
        struct child *worker = &parent->workers[parent->n_workers];

        init_child(parent, worker, "worker ");
        worker->index = parent->n_workers;
        text_addf(&(struct text){worker->title, strlen(worker->title), sizeof worker->title, false},
                  "%u", worker->index);
    }
    if (config->session_ticket_key.n != 0) {
        status = key_watch_new(&config->session_ticket_key, &parent->key_watch);
    }
    if (status == RP_OK) {
        status = loop_new(&parent->loop);
    }
    if (status == RP_OK && !loop_signals(parent->loop, signals, 4, caught, parent)) {
        status = RP_SYSTEM;
    }
    if (status == RP_OK && !loop_timer_set(parent->loop, &parent->deadline, START_MS)) {
        status = RP_NO_MEMORY;
    }
    if (status != RP_OK) {
        error_set(parent->err, "cannot start: %s", rp_status_text(status));
    }
    return status;
}

static enum rp_status confine(const struct parent *parent)
{
    raise_limits();
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGUSR1, SIG_IGN) == SIG_ERR ||
        signal(SIGUSR2, SIG_IGN) == SIG_ERR || !privileges_confine()) {
        error_set(parent->err, "cannot confine the process: %s", strerror(errno));
        return RP_SYSTEM;
    }
    return RP_OK;
}

static void fini(struct parent *parent)
{
    channel_free(&parent->keeper.channel);
    for (unsigned i = 0; i < parent->n_workers; i++) {
        channel_free(&parent->workers[i].channel);
    }
    memory_free(parent->workers);
    key_watch_free(&parent->key_watch);
    listening_free(&parent->listening);
    resources_fini(&parent->resources);
    loop_free(&parent->loop);
}

enum rp_status parent_run(const struct config *config, struct rp_error *err)
{
    unsigned n_lost = 0; /* every child counts on in its own copy */
    struct parent parent = {
        .config = config,
        .log = {.fd = STDERR_FILENO,
                .json = config->log_format == CONFIG_LOG_JSON,
                .least = LOG_LEVEL_INFO,
                .role = "parent",
                .n_lost = &n_lost},
        .deadline = {.due = deadline_due},
        .look = {.due = parent_keys_look},
        .err = err,
    };
    enum rp_status status = privileges_plan(config, &parent.privileges, err);

    log_never_wait(&parent.log);
    if (status == RP_OK) {
        log_privileges(&parent);
        status = confine(&parent);
    }
    if (status == RP_OK) {
        status = resources_keyring(&parent.resources, config, &parent.log, err);
    }
    if (status == RP_OK) {
        status = init(&parent);
    }
    if (status == RP_OK) {
        status = parent_start_keeper(&parent);
    }
    if (status == RP_OK) {
        loop_run(parent.loop);
        status = parent.status;
        if (status == RP_OK) {
            log_line(&parent.log, LOG_LEVEL_INFO, "stopped", NULL, 0);
        }
    }
    fini(&parent);
    return status;
}
