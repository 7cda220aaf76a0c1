#include "upgrade.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "error.h"
#include "handover.h"
#include "inherited.h"
#include "memory.h"
#include "parent_state.h"

#define PATIENCE_MS 60000   /* from exec to TAKEN_OVER */
#define LAST_MOMENT_MS 1000 /* to end with a status of its own */

static const char failed[] = "the upgrade failed, and this process goes on";

static const struct channel_rule rules[] = {
    {UPGRADE_KEEPER_WANTED, 0, 0},
    {UPGRADE_TAKEN_OVER, 0, 0},
};

bool upgrade_is_on(const struct parent *parent)
{
    return parent->upgrade.stage != UPGRADE_NONE && parent->upgrade.stage != UPGRADE_DONE;
}

bool upgrade_has_keeper(const struct parent *parent)
{
    return parent->upgrade.is_lent;
}

/* Taking back. */

/* A keeper that was killed and has not ended yet is started again when it has, as ever. */
static void return_keeper(struct parent *parent)
{
    parent->upgrade.is_lent = false;
    if (parent->phase <= PARENT_DRAINING && parent->keeper->pid == 0) {
        parent_child_again(parent->keeper);
    }
}

/* All is as it was, but for the keeper, whose successor resumes the ring. */
static void take_back(struct parent *parent)
{
    struct upgrade *upgrade = &parent->upgrade;

    if (parent->phase == PARENT_RUNNING) {
        LOG_LINE(&parent->log, LOG_LEVEL_ERROR, failed, LOG_S("reason", upgrade->why.text));
        parent_metrics_count(parent, METRICS_UPGRADES_FAILED);
    }
    channel_free(&upgrade->channel);
    loop_timer_clear(&upgrade->deadline);
    upgrade->stage = UPGRADE_NONE;
    if (upgrade->is_lent) {
        return_keeper(parent);
    }
    if (parent->phase == PARENT_RUNNING) {
        parent_feeder_follow(parent); /* if it was killed already */
    }
    parent_drain_further(parent);
    parent_reload_if_asked(parent);
}

static void give_up(struct parent *parent, const char *why)
{
    struct upgrade *upgrade = &parent->upgrade;

    error_set(&upgrade->why, "%s", why);
    channel_free(&upgrade->channel);
    loop_timer_clear(&upgrade->deadline);
    upgrade->stage = UPGRADE_FAILED;
    (void)kill(upgrade->pid, SIGKILL); /* its children go with it */
}

static void deadline_due(struct loop_timer *timer)
{
    struct parent *parent =
        (struct parent *)((char *)timer - offsetof(struct parent, upgrade.deadline));

    give_up(parent, parent->upgrade.channel != NULL
                        ? "the new process did not take over within a minute"
                        : "the new process closed its channel");
}

void upgrade_abort(struct parent *parent)
{
    if (upgrade_is_on(parent) && parent->upgrade.stage != UPGRADE_FAILED) {
        give_up(parent, "this process stops");
    }
}

static void explain_end(struct upgrade *upgrade, int wait_status)
{
    if (WIFSIGNALED(wait_status)) {
        error_set(&upgrade->why, "the new process was killed: %s",
                  strsignal(WTERMSIG(wait_status)));
    } else if (WEXITSTATUS(wait_status) == HANDOVER_NOT_EXECUTED) {
        error_set(&upgrade->why, "the new program cannot be executed");
    } else {
        error_set(&upgrade->why, "the new process ended with status %d; its last words are above",
                  WEXITSTATUS(wait_status));
    }
}

bool upgrade_ended(struct parent *parent, pid_t pid, int wait_status)
{
    struct upgrade *upgrade = &parent->upgrade;

    if (pid != upgrade->pid) {
        return false;
    }
    upgrade->pid = 0;
    if (upgrade->stage == UPGRADE_DONE) {
        return true; /* it is its service manager's business now */
    }
    if (upgrade->stage != UPGRADE_FAILED) {
        explain_end(upgrade, wait_status);
    }
    take_back(parent);
    return true;
}

/* Going on. */

static void lend(struct parent *parent)
{
    parent->upgrade.stage = UPGRADE_LENT;
    if (parent->upgrade.channel != NULL) {
        (void)channel_send(parent->upgrade.channel, UPGRADE_KEEPER_STOPPED, NULL, 0);
    }
}

/* Killed, not drained: it must not wipe. */
static void stop_keeper(struct parent *parent)
{
    parent->upgrade.is_lent = true;
    parent->upgrade.stage = UPGRADE_STOPPING;
    if (parent->keeper->pid != 0) {
        child_kill(parent->keeper);
    } else {
        loop_timer_clear(&parent->keeper->restart);
        lend(parent);
    }
}

void upgrade_keeper_ended(struct parent *parent)
{
    if (parent->upgrade.stage == UPGRADE_STOPPING) {
        lend(parent);
    }
}

static void retire(struct parent *parent)
{
    struct upgrade *upgrade = &parent->upgrade;

    LOG_LINE(&parent->log, LOG_LEVEL_INFO, "the new process has taken over",
             LOG_N("pid", upgrade->pid));
    upgrade->stage = UPGRADE_DONE;
    loop_timer_clear(&upgrade->deadline);
    (void)notify_main_pid(&parent->notify, upgrade->pid);
    notify_close(&parent->notify); /* what is said from here on, the new one says */
    (void)channel_send(upgrade->channel, UPGRADE_GOING, NULL, 0);
    channel_free(&upgrade->channel);
    if (parent->reload_again) {
        (void)kill(upgrade->pid, SIGHUP); /* it may have read the files before they changed */
    }
    parent_retire(parent);
}

/* Its files are the new one's as soon as it hears that we go. */
static void stop_feeder(struct parent *parent)
{
    parent->upgrade.stage = UPGRADE_TAKEN;
    if (parent_feeder_kill(parent)) {
        retire(parent);
    }
}

void upgrade_feeder_ended(struct parent *parent)
{
    if (parent->upgrade.stage == UPGRADE_TAKEN &&
        parent_n_alive(parent, &parent_feeder_kind) == 0) {
        retire(parent);
    }
}

static void on_message(void *cookie, enum channel_type type, const uint8_t *body, size_t n)
{
    struct parent *parent = cookie;
    const enum upgrade_stage stage = parent->upgrade.stage;

    (void)body;
    (void)n;
    if (type == UPGRADE_KEEPER_WANTED && stage == UPGRADE_CHECKING) {
        stop_keeper(parent);
    } else if (type == UPGRADE_TAKEN_OVER && (stage == UPGRADE_CHECKING || stage == UPGRADE_LENT)) {
        stop_feeder(parent);
    } else {
        give_up(parent, "the new process sent a message out of turn");
    }
}

/* One that is gone most likely ends, and has a moment to do so with a status of its own. */
static void on_closed(void *cookie, const char *why)
{
    struct parent *parent = cookie;
    struct upgrade *upgrade = &parent->upgrade;

    if (why != channel_gone || !loop_timer_set(parent->loop, &upgrade->deadline, LAST_MOMENT_MS)) {
        give_up(parent, why);
    } else {
        channel_free(&upgrade->channel);
    }
}

/* Starting. */

/* Everything there is; *n_items of them. NULL: out of memory. */
static struct handover_item *list(const struct parent *parent, int upgrade_fd, size_t *n_items)
{
    size_t n_queues;
    const struct listening_queue *queues = listening_queues(parent->running->listening, &n_queues);
    struct handover_item *items = memory_new(n_queues + 4, sizeof *items);
    int window_fd;
    int chain_fd;
    size_t n = 0;

    if (items == NULL) {
        return NULL;
    }
    rp_keyring_descriptors(parent->keyring, &window_fd, &chain_fd);
    items[n++] = (struct handover_item){upgrade_fd, INHERITED_UPGRADE};
    items[n++] = (struct handover_item){window_fd, INHERITED_WINDOW};
    items[n++] = (struct handover_item){chain_fd, INHERITED_CHAIN};
    if (parent->running->cache != NULL) {
        items[n++] =
            (struct handover_item){rp_cache_descriptor(parent->running->cache), INHERITED_CACHE};
    }
    for (size_t i = 0; i < n_queues; i++) {
        items[n++] = (struct handover_item){queues[i].fd, INHERITED_LISTEN};
    }
    *n_items = n;
    return items;
}

static enum rp_status execute(struct parent *parent, int upgrade_fd, struct rp_error *err)
{
    struct handover handover = {.path = parent->start->program, .argv = parent->start->argv};
    struct handover_item *items = list(parent, upgrade_fd, &handover.n_items);
    enum rp_status status = RP_NO_MEMORY;

    error_set(err, "out of memory");
    if (items != NULL) {
        handover.items = items;
        status = handover_start(&handover, &parent->upgrade.pid, err);
    }
    if (status != RP_OK) {
        parent->upgrade.pid = 0;
    }
    memory_free(items);
    return status;
}

static enum rp_status start(struct parent *parent, struct rp_error *err)
{
    const struct channel_peer peer = {.rules = rules,
                                      .n_rules = sizeof rules / sizeof rules[0],
                                      .message = on_message,
                                      .closed = on_closed,
                                      .cookie = parent};
    struct upgrade *upgrade = &parent->upgrade;
    enum rp_status status;
    int fds[2];

    *upgrade = (struct upgrade){.deadline = {.due = deadline_due}};
    if (!channel_pair(fds)) {
        error_set(err, "cannot make a socket pair: %s", strerror(errno));
        return RP_SYSTEM;
    }
    status = channel_new(parent->loop, fds[0], &peer, &upgrade->channel);
    if (status == RP_OK && !loop_timer_set(parent->loop, &upgrade->deadline, PATIENCE_MS)) {
        status = RP_NO_MEMORY;
    }
    if (status == RP_OK) {
        status = execute(parent, fds[1], err);
    } else {
        error_set(err, "%s", rp_status_text(status));
    }
    (void)close(fds[1]);
    if (status != RP_OK) {
        channel_free(&upgrade->channel);
        loop_timer_clear(&upgrade->deadline);
    }
    return status;
}

static const char *hindrance(const struct parent *parent)
{
    /* The service manager takes no word of us before the old process has gone. */
    if (upgrade_is_on(parent) || parent->predecessor.channel != NULL) {
        return "one is going on";
    }
    if (parent->coming != NULL) {
        return "a reload is going on";
    }
    if (getpid() == 1) {
        return "this is process 1, with which all others end; start another container instead";
    }
    return NULL;
}

void upgrade_begin(struct parent *parent)
{
    const char *const why_not = hindrance(parent);
    struct rp_error err = {""};

    if (parent->phase != PARENT_RUNNING) {
        return;
    }
    if (why_not != NULL) {
        LOG_LINE(&parent->log, LOG_LEVEL_WARNING, "no upgrade", LOG_S("reason", why_not));
        return;
    }
    if (start(parent, &err) != RP_OK) {
        LOG_LINE(&parent->log, LOG_LEVEL_ERROR, failed, LOG_S("reason", err.text));
        parent_metrics_count(parent, METRICS_UPGRADES_FAILED);
        return;
    }
    parent->upgrade.stage = UPGRADE_CHECKING;
    LOG_LINE(&parent->log, LOG_LEVEL_INFO, "upgrading", LOG_S("program", parent->start->program),
             LOG_N("pid", parent->upgrade.pid));
}

void upgrade_fini(struct parent *parent)
{
    channel_free(&parent->upgrade.channel);
    loop_timer_clear(&parent->upgrade.deadline);
}
