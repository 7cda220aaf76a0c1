#include "parent.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adoption.h"
#include "error.h"
#include "parent_state.h"
#include "resources.h"
#include "resources_feeds.h"

#define FEEDER_GONE_MS 3000 /* after a crash */
#define LEAVE_MS 500        /* that a keeper has to take leave of its fleet */

/* Ending. */

static void kill_all(struct parent *parent)
{
    parent->phase = PARENT_STOPPING;
    upgrade_abort(parent);
    parent_commands_stop(parent);
    loop_timer_clear(&parent->look);
    loop_timer_clear(&parent->beat);
    for (struct child *c = parent->children; c != NULL; c = c->next) {
        loop_timer_clear(&c->restart);
        child_kill(c);
    }
    parent_drain_further(parent);
}

void parent_fail(struct parent *parent, enum rp_status status, const struct rp_error *why)
{
    if (parent->phase == PARENT_STARTING) {
        error_set(parent->err, "%s", why->text);
        parent->status = status;
        kill_all(parent);
    }
}

/* The keeper of a fleet takes leave of it, for which it needs the courier. */
static void drain_rest(struct parent *parent)
{
    const bool takes_leave =
        parent_has_fleet(parent) && parent->courier != NULL && parent->keeper->pid != 0;

    for (struct child *c = parent->children; c != NULL; c = c->next) {
        if (c->pid != 0 && c->fate == CHILD_STAYS && !(takes_leave && c == parent->courier)) {
            parent_child_drain(c, takes_leave ? LEAVE_MS : 0);
        }
    }
}

void parent_drain_further(struct parent *parent)
{
    if (parent->phase < PARENT_DRAINING || upgrade_is_on(parent)) {
        return;
    }
    if (parent_n_alive(parent, NULL) == 0) {
        loop_stop(parent->loop);
    } else if (parent->phase == PARENT_DRAINING &&
               parent_n_alive(parent, &parent_worker_kind) == 0 &&
               parent_n_alive(parent, &parent_feeder_kind) == 0) { /* it reads the window */
        drain_rest(parent);
    }
}

static void drain(struct parent *parent, int64_t bound_ms)
{
    parent_coming_drop(parent);
    parent->phase = PARENT_DRAINING;
    parent_metrics_update(parent);
    loop_timer_clear(&parent->look);
    if (parent->keeper->pid == 0) {
        loop_timer_clear(&parent->keeper->restart);
    }
    /* Ours first: the workers empty the queues, and whoever came after that is refused at once. */
    listening_free(&parent->running->listening, NULL);
    parent_feeder_leave(parent, parent->running, NULL);
    parent_workers_drain(parent, PARENT_ALL, bound_ms);
    parent_drain_further(parent);
    if (!loop_timer_set(parent->loop, &parent->deadline, bound_ms + 2 * PARENT_MARGIN_MS)) {
        kill_all(parent);
    }
}

static void stop(struct parent *parent, int signal)
{
    LOG_LINE(&parent->log, LOG_LEVEL_INFO, "draining", LOG_S("signal", strsignal(signal)),
             LOG_N("workers", parent_n_alive(parent, &parent_worker_kind)));
    parent->upgrade.is_hurried = true;
    parent_manager_stopping(parent);
    upgrade_abort(parent);
    drain(parent, parent->running->config->shutdown_timeout_ms);
}

void parent_retire(struct parent *parent)
{
    parent_courier_retire(parent);
    drain(parent, parent->running->config->worker_shutdown_timeout_ms);
}

static void deadline_due(struct loop_timer *timer)
{
    struct parent *parent = (struct parent *)((char *)timer - offsetof(struct parent, deadline));
    struct rp_error err;

    if (parent->phase == PARENT_DRAINING) {
        LOG_LINE(&parent->log, LOG_LEVEL_WARNING, "not all finished in time and are killed",
                 LOG_N("processes", parent_n_alive(parent, NULL)));
        kill_all(parent);
    } else if (parent->coming != NULL) {
        error_set(&err, "the processes did not get ready within a minute");
        parent_coming_fail(parent, RP_SYSTEM, &err);
    } else if (parent->leaving != 0) {
        parent_reload_done(parent); /* the old worker that stands still is killed before long */
    }
}

/* Signals. */

/* Whoever stops the service stops us too, who finish what a successor did not take over. */
static bool is_at_leisure(const struct parent *parent)
{
    return parent->phase == PARENT_DRAINING && parent->upgrade.stage == UPGRADE_DONE &&
           !parent->upgrade.is_hurried;
}

static void reap(struct parent *parent)
{
    int wait_status;
    pid_t pid;

    while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0) {
        if (!upgrade_ended(parent, pid, wait_status) &&
            !parent_command_ended(parent, pid, wait_status)) {
            parent_child_ended(parent, pid, wait_status);
        }
    }
}

static void caught(int signal, void *cookie)
{
    struct parent *parent = cookie;

    if (signal == SIGCHLD) {
        reap(parent);
    } else if (signal == SIGHUP) {
        parent_reload(parent);
    } else if (signal == SIGUSR2) {
        upgrade_begin(parent);
    } else if (parent->phase == PARENT_RUNNING || is_at_leisure(parent)) {
        stop(parent, signal);
    } else {
        kill_all(parent); /* a second signal, or one before anybody could connect */
    }
}

/* Starting. */

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

static void log_privileges(const struct parent *parent, const struct generation *generation)
{
    const char *user = generation->config->user;

    if (generation->privileges.remark == PRIVILEGES_NOBODY) {
        LOG_LINE(&parent->log, LOG_LEVEL_WARNING,
                 "keeper and workers share the user nobody, for reprise and reprise-keeper do not "
                 "exist",
                 LOG_S("remedy", "useradd --system --user-group --no-create-home --shell "
                                 "/usr/sbin/nologin reprise; the same with reprise-keeper"));
    } else if (generation->privileges.remark == PRIVILEGES_SAME && user != NULL) {
        LOG_LINE(&parent->log, LOG_LEVEL_WARNING,
                 "user has no effect, because reprised was not started as root",
                 LOG_S("user", user));
    }
}

static enum rp_status init(struct parent *parent)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD};
    enum rp_status status = loop_new(&parent->loop);

    if (status == RP_OK &&
        !loop_signals(parent->loop, signals, sizeof signals / sizeof signals[0], caught, parent)) {
        status = RP_SYSTEM;
    }
    if (status == RP_OK) {
        (void)signal(SIGUSR2, SIG_DFL); /* until now it could not be answered */
        limiter_init(&parent->epochs, parent->loop, &parent->log, "epoch");
    } else {
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

/* What all generations share, and the first of them, which comes once the keeper is ready. */
static enum rp_status begin(struct parent *parent, struct generation *first)
{
    struct inherited *inherited = parent->start->inherited;
    const int predecessor_fd = inherited->upgrade_fd;
    enum rp_status status = RP_OK;
    bool goes_on;

    log_privileges(parent, first);
    adoption_keyring(inherited, first->config, &parent->log, &parent->keyring);
    goes_on = parent->keyring != NULL;
    if (!goes_on) {
        status = resources_keyring(first->config, &parent->log, &parent->keyring, parent->err);
    }
    if (status == RP_OK) {
        inherited->upgrade_fd = -1; /* transferred */
        parent_coming_begin(parent, first);
        status = predecessor_begin(parent, predecessor_fd, goes_on, parent->err);
    }
    return status;
}

/* config is taken over, also on failure. */
static enum rp_status make_first(const struct parent *parent, struct config *config,
                                 struct generation **out)
{
    struct inherited *const inherited = parent->start->inherited;
    struct generation before;
    enum rp_status status = resources_feeds_prober(config, parent->start->program, parent->err);

    if (status == RP_OK &&
        inherited->upgrade_fd < 0) { /* else the feeder of our predecessor has them */
        status = resources_feeds_alone(config, NULL, FEEDER_GONE_MS, parent->err);
    }
    if (status != RP_OK) {
        config_free(&config);
        return status;
    }
    status = adoption_generation(inherited, config, &parent->log, &before);
    if (status != RP_OK) {
        error_set(parent->err, "%s", rp_status_text(status));
        config_free(&config);
        return status;
    }
    status = generation_new(config, &before, out, parent->err);
    adoption_end(&before, *out, &parent->log);
    return status;
}

static void fini(struct parent *parent)
{
    parent_children_free(parent);
    parent_commands_stop(parent);
    loop_timer_clear(&parent->feeding.settle);
    upgrade_fini(parent);
    predecessor_fini(parent);
    notify_close(&parent->notify);
    parent_domains_end(parent);
    generation_free(&parent->coming, parent->running);
    generation_free(&parent->running, NULL);
    limiter_fini(&parent->epochs);
    loop_free(&parent->loop);
    rp_keyring_free(&parent->keyring);
    metrics_free(&parent->metrics);
    conn_count_free(&parent->count);
}

enum rp_status parent_run(struct config *config, const struct parent_start *start,
                          struct rp_error *err)
{
    unsigned n_lost = 0; /* every child counts on in its own copy */
    struct parent parent = {
        .start = start,
        .log = {.fd = STDERR_FILENO, .least = LOG_LEVEL_INFO, .role = "parent", .n_lost = &n_lost},
        .deadline = {.due = deadline_due},
        .look = {.due = parent_keys_look},
        .beat = {.due = parent_beat},
        .err = err,
    };
    struct generation *first = NULL;
    enum rp_status status;

    log_never_wait(&parent.log);
    parent_log_follow(&parent, config);
    parent_log_check(&parent);
    parent_manager_begin(&parent);
    status = confine(&parent);
    if (status == RP_OK) {
        status = parent_metrics_begin(&parent, err);
    }
    if (status == RP_OK) {
        status = conn_count_new(&parent.count);
        if (status != RP_OK) {
            error_set(err, "cannot count connections: %s", rp_status_text(status));
        }
    }
    if (status == RP_OK) {
        status = init(&parent);
    }
    if (status == RP_OK) {
        status = make_first(&parent, config, &first);
        config = NULL; /* transferred */
    }
    if (status == RP_OK) {
        status = begin(&parent, first);
    }
    if (status == RP_OK) {
        loop_run(parent.loop);
        status = parent.status;
        if (status == RP_OK) {
            parent_manager_stopped(&parent);
            log_line(&parent.log, LOG_LEVEL_INFO, "stopped", NULL, 0);
        }
    }
    fini(&parent);
    config_free(&config);
    return status;
}
