#include "parent_state.h"

#include <string.h>

#include "error.h"
#include "keyring_descriptors.h"
#include "memory.h"
#include "text.h"

#define FAILED 1
#define LAST_MOMENT_MS 1000
#define BEAT_MS 10000

/* In the children. */

/* The parent's channels may hold keys that were not sent yet; no child has a use for them. */
void parent_forget(struct parent *parent, const struct generation *served)
{
    const struct generation *heir = served != NULL ? served : parent->coming;

    for (struct child *c = parent->children; c != NULL; c = c->next) {
        channel_abandon(&c->channel);
    }
    if (parent->running != NULL && parent->running != served) {
        generation_forget(parent->running, heir);
    }
    if (parent->coming != NULL && parent->coming != served) {
        generation_forget(parent->coming, served);
    }
    if (parent->running != NULL) {
        fleet_secrets_fini(&parent->running->secrets);
    }
    if (parent->coming != NULL) {
        fleet_secrets_fini(&parent->coming->secrets);
    }
}

static void forget_store(const struct generation *generation)
{
    if (generation != NULL && generation->config->fleet.store != NULL) {
        memory_wipe(generation->config->fleet.store, strlen(generation->config->fleet.store));
    }
}

void parent_forget_store(struct parent *parent)
{
    forget_store(parent->running);
    forget_store(parent->coming);
}

struct log parent_log_of(const struct child *child)
{
    const struct parent *parent = child->owner;
    struct log log = parent->log;

    log.role = child->title;
    log.n_lost_ever = parent_metrics_lost(child);
    return log;
}

const struct privileges_account *parent_account(const struct parent *parent,
                                                const struct privileges_account *account)
{
    return parent_generation(parent)->privileges.remark != PRIVILEGES_SAME ? account : NULL;
}

int parent_complain(const struct child *child, const struct rp_error *err)
{
    const struct log log = parent_log_of(child);

    LOG_LINE(&log, LOG_LEVEL_ERROR, "cannot start", LOG_S("reason", err->text));
    return FAILED;
}

/* In the parent. */

const struct generation *parent_generation(const struct parent *parent)
{
    return parent->running != NULL ? parent->running : parent->coming;
}

unsigned parent_n_alive(const struct parent *parent, const struct child_kind *kind)
{
    unsigned n = 0;

    for (const struct child *c = parent->children; c != NULL; c = c->next) {
        n += c->pid != 0 && (kind == NULL || c->kind == kind);
    }
    return n;
}

unsigned parent_n_draining(const struct parent *parent, const struct child_kind *kind)
{
    unsigned n = 0;

    for (const struct child *c = parent->children; c != NULL; c = c->next) {
        n += c->channel != NULL && c->kind == kind && c->fate == CHILD_DRAINS;
    }
    return n;
}

/* What they say. */

/* What obeys nobody's rules is replaced at once. */
static void refuse(struct child *child, const char *why)
{
    const struct parent *parent = child->owner;

    if (child->fate != CHILD_DISCARDED) {
        LOG_LINE(&parent->log, LOG_LEVEL_WARNING, "a process misbehaves and is killed",
                 LOG_S("process", child->title), LOG_N("pid", child->pid), LOG_S("reason", why));
    }
    channel_free(&child->channel);
    child_kill(child);
}

/* One that is gone most likely ends, and has a moment to do so with a status of its own. */
static void closed(void *cookie, const char *why)
{
    struct child *child = cookie;
    const struct parent *parent = child->owner;

    if (why != channel_gone || !loop_timer_set(parent->loop, &child->restart, LAST_MOMENT_MS)) {
        refuse(child, why);
    } else {
        channel_free(&child->channel);
    }
}

static void on_message(void *cookie, enum channel_type type, const uint8_t *body, size_t n)
{
    struct child *child = cookie;
    struct parent *parent = child->owner; /* the child may be gone later */
    bool obeyed;

    if (type == CHANNEL_READY) {
        obeyed = !child->ready;
        if (obeyed) {
            child->ready = true;
            if (child->fate == CHILD_STAYS) {
                loop_timer_clear(&child->restart);
            }
            child->kind->ready(child);
        }
    } else if (type == CHANNEL_PONG) {
        obeyed = child_pong(child);
        if (obeyed) {
            parent_reload_further(parent);
        }
    } else {
        obeyed = child->ready && child->kind->message != NULL &&
                 child->kind->message(child, type, body, n);
    }
    if (obeyed && type == CHANNEL_READY) {
        parent_metrics_update(parent);
    }
    if (!obeyed) {
        refuse(child, "it sent a message out of turn, or a malformed one");
    }
}

/* Starting them, and starting them again. */

static void restart_due(struct loop_timer *timer);

struct child *parent_child_new(struct parent *parent, const struct child_kind *kind,
                               const char *title, const char *name)
{
    struct child *child = memory_new(1, sizeof *child);
    struct text t;

    if (child == NULL) {
        return NULL;
    }
    t = text_of(child->title, sizeof child->title);
    text_add(&t, title);
    t = text_of(child->name, sizeof child->name);
    text_add(&t, name);
    child->kind = kind;
    child->owner = parent;
    child->restart.due = restart_due;
    child->next = parent->children;
    parent->children = child;
    return child;
}

enum rp_status parent_keyring_alone(const struct child *child, int **out, size_t *n)
{
    const struct parent *parent = child->owner;

    *n = KEYRING_DESCRIPTORS;
    *out = memory_new(*n, sizeof **out);
    if (*out == NULL) {
        return RP_NO_MEMORY;
    }
    keyring_descriptors(parent->keyring, *out);
    return RP_OK;
}

enum rp_status parent_child_start(struct child *child, struct rp_error *err)
{
    const struct parent *parent = child->owner;
    const struct channel_peer peer = {.rules = child->kind->rules,
                                      .n_rules = child->kind->n_rules,
                                      .message = on_message,
                                      .closed = closed,
                                      .cookie = child,
                                      .mail_room = child->kind->mail_room};

    return child_start(child, parent->loop, &peer, err);
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
void parent_child_again(struct child *child)
{
    const struct parent *parent = child->owner;
    struct rp_error err = {""};
    enum rp_status status = parent_child_start(child, &err);

    if (status == RP_OK) {
        child->n_restarts++;
        parent_metrics_count(parent, METRICS_RESTARTS + child->kind->role);
    }
    if (status == RP_OK && !loop_timer_set(parent->loop, &child->restart, PARENT_START_MS)) {
        error_set(&err, "out of memory");
        child_kill(child);
        status = RP_NO_MEMORY;
    }
    if (status != RP_OK) {
        LOG_LINE(&parent->log, LOG_LEVEL_ERROR, "a process cannot be started again",
                 LOG_S("process", child->title), LOG_S("reason", err.text));
        if (child->pid == 0) {
            plan_restart(child);
        }
    }
}

/* One that closed its channel and lives on; or does not get ready; or does not finish. */
static void overdue(struct child *child)
{
    const struct parent *parent = child->owner;

    if (child->channel != NULL && child->fate != CHILD_DISCARDED) {
        LOG_LINE(&parent->log, LOG_LEVEL_WARNING,
                 child->fate == CHILD_DRAINS ? "a process does not finish in time and is killed"
                                             : "a process does not get ready and is killed",
                 LOG_S("process", child->title), LOG_N("pid", child->pid));
    }
    child_kill(child);
}

static void restart_due(struct loop_timer *timer)
{
    struct child *child = (struct child *)timer;

    if (child->pid != 0) {
        overdue(child);
    } else {
        parent_child_again(child);
    }
}

void parent_beat(struct loop_timer *timer)
{
    struct parent *parent = (struct parent *)((char *)timer - offsetof(struct parent, beat));

    for (struct child *c = parent->children; c != NULL; c = c->next) {
        if (!child_ping(c)) {
            LOG_LINE(&parent->log, LOG_LEVEL_WARNING, "a process does not answer and is killed",
                     LOG_S("process", c->title), LOG_N("pid", c->pid));
            child_kill(c);
        }
    }
    if (!loop_timer_set(parent->loop, timer, BEAT_MS)) {
        LOG_LINE(&parent->log, LOG_LEVEL_ERROR, "the processes are not watched any more",
                 LOG_S("reason", "out of memory"));
    }
}

/* Their end. */

static void forget(struct child *child)
{
    struct parent *parent = child->owner;
    struct child **link = &parent->children;

    while (*link != child) {
        link = &(*link)->next;
    }
    *link = child->next;
    if (child == parent->courier) {
        parent->courier = NULL;
    }
    if (child == parent->feeder) {
        parent->feeder = NULL;
    }
    loop_timer_clear(&child->restart);
    channel_free(&child->channel);
    memory_free(child);
}

void parent_child_drain(struct child *child, int64_t bound_ms)
{
    const struct parent *parent = child->owner;

    if (child->pid == 0) {
        forget(child);
        return;
    }
    if (child->fate == CHILD_STAYS) {
        child->fate = CHILD_DRAINS;
    }
    child_drain(child, bound_ms);
    if (!loop_timer_set(parent->loop, &child->restart, bound_ms + PARENT_MARGIN_MS)) {
        child_kill(child);
    }
}

void parent_child_discard(struct child *child)
{
    if (child->pid == 0) {
        forget(child);
        return;
    }
    child->fate = CHILD_DISCARDED;
    loop_timer_clear(&child->restart);
    child_kill(child);
}

/* The last of a generation that drained is worth a line. */
static void remark_end(const struct parent *parent, const struct child *child)
{
    for (const struct child *c = parent->children; c != NULL; c = c->next) {
        if (c != child && c->fate == CHILD_DRAINS && c->generation == child->generation) {
            return;
        }
    }
    LOG_LINE(&parent->log, LOG_LEVEL_INFO, "an earlier generation has finished",
             LOG_N("generation", child->generation));
}

static void ended(struct parent *parent, struct child *child, int wait_status)
{
    const bool is_lent = child == parent->keeper && upgrade_has_keeper(parent);
    const bool silent = parent->phase == PARENT_STOPPING || child->fate == CHILD_DISCARDED ||
                        child->dismissed || is_lent;
    struct rp_error err;

    loop_timer_clear(&child->restart);
    if (child->kind == &parent_worker_kind) {
        metrics_worker_idle(parent->metrics, child->slot);
        conn_count_end(parent->count, child->slot);
    }
    if (child == parent->courier) {
        parent_fleet_lost(parent);
    }
    child_ended(child, wait_status, silent ? NULL : &parent->log, child->fate == CHILD_DRAINS);
    if (child->kind == &parent_feeder_kind) {
        parent_feeder_ended(parent, child);
        upgrade_feeder_ended(parent);
    }
    if (is_lent && parent->phase == PARENT_RUNNING) {
        upgrade_keeper_ended(parent);
    } else if (child->fate != CHILD_STAYS || parent->phase >= PARENT_DRAINING) {
        if (child->kind == &parent_worker_kind && child->fate == CHILD_DRAINS &&
            parent->phase == PARENT_RUNNING) {
            remark_end(parent, child);
        }
        if (child != parent->keeper) {
            forget(child);
        }
        parent_drain_further(parent);
    } else if (parent->phase == PARENT_STARTING ||
               (parent->coming != NULL && child->kind == &parent_worker_kind &&
                child->generation == parent->coming->number)) {
        error_set(&err, "the %s did not start; its last words are above", child->title);
        parent_coming_fail(parent, RP_SYSTEM, &err);
    } else {
        plan_restart(child);
    }
}

void parent_child_ended(struct parent *parent, pid_t pid, int wait_status)
{
    for (struct child *c = parent->children; c != NULL; c = c->next) {
        if (c->pid == pid) {
            ended(parent, c, wait_status);
            parent_reload_further(parent);
            parent_metrics_update(parent);
            return; /* the list may have changed */
        }
    }
    /* As process 1 of a container we get others' orphans. */
}

void parent_children_free(struct parent *parent)
{
    while (parent->children != NULL) {
        forget(parent->children);
    }
}
