#include "parent_state.h"

#include "capacity.h"
#include "crypto_memory.h"
#include "error.h"
#include "keyring_descriptors.h"
#include "lean_provider.h"
#include "memory.h"
#include "text.h"
#include "worker.h"

#define GENERATIONS_MAX 64 /* whose workers may still be finishing */

static bool is_of(const struct child *child, const struct generation *generation)
{
    return child->kind == &parent_worker_kind && child->fate == CHILD_STAYS &&
           child->generation == generation->number;
}

/* The one that a worker serves: it is started for no other. */
static const struct generation *generation_of(const struct child *child)
{
    const struct parent *parent = child->owner;

    return parent->coming != NULL && is_of(child, parent->coming) ? parent->coming
                                                                  : parent->running;
}

static bool is_mine(const struct child *child, const struct listening_queue *queue)
{
    return queue->place % generation_of(child)->config->workers == child->index;
}

/* In the child. */

static struct worker_queue *queues_of(const struct child *child, size_t *n)
{
    size_t n_all;
    const struct listening_queue *all = listening_queues(generation_of(child)->listening, &n_all);
    struct worker_queue *mine = memory_new(n_all, sizeof *mine);

    *n = 0;
    for (size_t i = 0; mine != NULL && i < n_all; i++) {
        if (is_mine(child, &all[i])) {
            mine[(*n)++] = (struct worker_queue){.fd = all[i].fd, .listener = all[i].listener};
        }
    }
    return mine;
}

static int run(int channel_fd, void *cookie)
{
    struct child *child = cookie;
    struct parent *parent = child->owner;
    const struct generation *generation = generation_of(child);
    struct worker_start start = {.config = generation->config,
                                 .sites = generation->sites,
                                 .channel_fd = channel_fd,
                                 .index = child->index,
                                 .slot = child->slot,
                                 .metrics = metrics_worker(parent->metrics, child->slot),
                                 .metrics_cache = metrics_cache(parent->metrics),
                                 .cache = generation->cache};
    struct rp_error err = {"out of memory"};
    OSSL_PROVIDER *lean;
    int exit_status;

    start.count = parent->count;
    start.queues = queues_of(child, &start.n_queues);
    parent_forget(parent, generation);
    parent_forget_store(parent);
    if (generation->cache != NULL) {
        rp_cache_close(generation->cache);
    }
    rp_keyring_read_only(parent->keyring);
    parent_log_follow(parent, generation->config);
    start.log = parent_log_of(child);
    if (start.queues == NULL ||
        spawn_confine(parent_account(parent, &generation->privileges.worker), &err) != RP_OK) {
        return parent_complain(child, &err);
    }
    crypto_memory_keep();
    if (lean_provider_load(&lean) != RP_OK) {
        log_line(&start.log, LOG_LEVEL_WARNING,
                 "OpenSSL does not take our key derivation: handshakes will cost more", NULL, 0);
    }
    exit_status = worker_run(&start);
    lean_provider_unload(&lean);
    return exit_status;
}

static enum rp_status descriptors(const struct child *child, int **out, size_t *n)
{
    const struct parent *parent = child->owner;
    size_t n_all;
    const struct listening_queue *all = listening_queues(generation_of(child)->listening, &n_all);
    int *fds = memory_new(n_all + KEYRING_DESCRIPTORS, sizeof *fds);

    *out = fds;
    *n = 0;
    if (fds == NULL) {
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; i < n_all; i++) {
        if (is_mine(child, &all[i])) {
            fds[(*n)++] = all[i].fd;
        }
    }
    keyring_descriptors(parent->keyring, fds + *n);
    *n += KEYRING_DESCRIPTORS;
    return RP_OK;
}

/* In the parent. */

static void ready(struct child *child)
{
    struct parent *parent = child->owner;

    if (parent->phase >= PARENT_DRAINING || child->fate != CHILD_STAYS) {
        return;
    }
    if (parent->coming != NULL && is_of(child, parent->coming)) {
        parent_coming_ready(parent);
        return;
    }
    LOG_LINE(&parent->log, LOG_LEVEL_INFO, "a process is back", LOG_S("process", child->title),
             LOG_N("pid", child->pid));
    (void)channel_send(child->channel, CHANNEL_ACCEPT, NULL, 0);
}

_Static_assert(WORKER_SLOTS <= METRICS_WORKERS && WORKER_SLOTS <= CONN_COUNT_SLOTS,
               "every worker can count");

const struct child_kind parent_worker_kind = {
    .role = METRICS_ROLE_WORKER,
    .rules = message_rules_for_worker,
    .n_rules = sizeof message_rules_for_worker / sizeof message_rules_for_worker[0],
    .descriptors = descriptors,
    .run = run,
    .ready = ready,
};

/* The first that no living worker has; WORKER_SLOTS if there is none. */
static unsigned free_slot(const struct parent *parent)
{
    bool taken[WORKER_SLOTS] = {false};
    unsigned slot = 0;

    for (const struct child *c = parent->children; c != NULL; c = c->next) {
        if (c->kind == &parent_worker_kind) {
            taken[c->slot] = true;
        }
    }
    while (slot < WORKER_SLOTS && taken[slot]) {
        slot++;
    }
    return slot;
}

static enum rp_status start_worker(struct parent *parent, unsigned index, struct rp_error *err)
{
    const unsigned slot = free_slot(parent);
    char title[16];
    char name[16];
    struct text t = text_of(title, sizeof title);
    struct child *worker;

    if (slot == WORKER_SLOTS) {
        error_set(err,
                  "there are %d worker processes already, most of which finish connections of "
                  "earlier configurations; wait, or shorten worker_shutdown_timeout",
                  WORKER_SLOTS);
        return RP_FULL;
    }
    text_addf(&t, "worker %u", index);
    t = text_of(name, sizeof name);
    text_addf(&t, "reprised:w%u", index);
    worker = parent_child_new(parent, &parent_worker_kind, title, name);
    if (worker == NULL) {
        error_set(err, "out of memory");
        return RP_NO_MEMORY;
    }
    worker->slot = slot;
    conn_count_begin(parent->count, slot);
    metrics_worker_idle(parent->metrics, slot);
    worker->index = index;
    worker->generation = parent->coming->number;
    return parent_child_start(worker, err);
}

static void make_room(const struct parent *parent, const struct config *config)
{
    struct capacity capacity;

    capacity_raise(config);
    capacity_of(config, capacity_descriptors(), &capacity);
    if (capacity.is_short) {
        LOG_LINE(&parent->log, LOG_LEVEL_WARNING,
                 "too few descriptors for max_connections; raise the limit of open files",
                 LOG_N("max_connections", config->max_connections),
                 LOG_N("limit", capacity_descriptors()), LOG_N("wanted", capacity_wanted(config)));
    }
}

enum rp_status parent_workers_start(struct parent *parent, struct rp_error *err)
{
    enum rp_status status = RP_OK;

    make_room(parent, parent->coming->config);
    if (parent->coming->config->max_connections_per_address != 0) {
        status = conn_count_addresses(parent->count);
        if (status != RP_OK) {
            error_set(err, "max_connections_per_address: no memory to count addresses in");
        }
    }
    for (unsigned i = 0; status == RP_OK && i < parent->coming->config->workers; i++) {
        status = start_worker(parent, i, err);
    }
    return status;
}

bool parent_workers_ready(const struct parent *parent, const struct generation *generation)
{
    for (const struct child *c = parent->children; c != NULL; c = c->next) {
        if (is_of(c, generation) && !c->ready) {
            return false;
        }
    }
    return true;
}

void parent_workers_accept(struct parent *parent, const struct generation *generation)
{
    for (struct child *c = parent->children; c != NULL; c = c->next) {
        if (is_of(c, generation) && c->channel != NULL &&
            !channel_send(c->channel, CHANNEL_ACCEPT, NULL, 0)) {
            child_kill(c); /* its successor is told */
        }
    }
}

/* It obeys in turn: its answer says that it accepts no more. */
static void ask_to_leave(struct child *worker, int64_t bound_ms)
{
    const bool lives = worker->pid != 0;

    parent_child_drain(worker, bound_ms);
    if (lives) {
        (void)child_ping(worker);
    }
}

void parent_workers_drain(struct parent *parent, uint64_t number, int64_t bound_ms)
{
    struct child *next;

    for (struct child *c = parent->children; c != NULL; c = next) {
        next = c->next;
        if (c->kind == &parent_worker_kind &&
            (number == PARENT_ALL || (c->fate == CHILD_STAYS && c->generation == number))) {
            ask_to_leave(c, bound_ms);
        }
    }
}

bool parent_workers_left(const struct parent *parent, uint64_t number)
{
    for (const struct child *c = parent->children; c != NULL; c = c->next) {
        if (c->kind == &parent_worker_kind && c->generation == number && c->fate == CHILD_DRAINS &&
            c->channel != NULL && c->n_unanswered != 0) {
            return false;
        }
    }
    return true;
}

void parent_workers_discard(struct parent *parent, const struct generation *generation)
{
    struct child *next;

    for (struct child *c = parent->children; c != NULL; c = next) {
        next = c->next;
        if (is_of(c, generation)) {
            parent_child_discard(c);
        }
    }
}

void parent_workers_hurry(struct parent *parent)
{
    for (struct child *c = parent->children; c != NULL; c = c->next) {
        if (c->kind == &parent_worker_kind && c->fate == CHILD_DRAINS &&
            c->generation + GENERATIONS_MAX < parent->running->number) {
            child_drain(c, 0);
        }
    }
}
