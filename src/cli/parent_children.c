#include "parent_state.h"

#include <string.h>

#include "error.h"
#include "keeper.h"
#include "keyring_descriptors.h"
#include "memory.h"
#include "text.h"
#include "worker.h"

#define FAILED 1
#define LAST_MOMENT_MS 1000

/* In the children. */

/* The parent's channels may hold keys that were not sent yet; no child has a use for them. */
static void forget_channels(struct parent *parent)
{
    channel_abandon(&parent->keeper.channel);
    for (unsigned i = 0; i < parent->n_workers; i++) {
        channel_abandon(&parent->workers[i].channel);
    }
}

static struct log log_of(const struct child *child)
{
    const struct parent *parent = child->owner;
    struct log log = parent->log;

    log.role = child->title;
    return log;
}

static const struct privileges_account *account_of(const struct parent *parent,
                                                   const struct privileges_account *account)
{
    return parent->privileges.remark != PRIVILEGES_SAME ? account : NULL;
}

static int complain(const struct log *log, const struct rp_error *err)
{
    LOG_LINE(log, LOG_LEVEL_ERROR, "cannot start", LOG_S("reason", err->text));
    return FAILED;
}

static int run_keeper(int channel_fd, void *cookie)
{
    struct child *child = cookie;
    struct parent *parent = child->owner;
    const struct keeper_start start = {.config = parent->config,
                                       .keyring = parent->resources.keyring,
                                       .channel_fd = channel_fd,
                                       .log = log_of(child)};
    struct rp_error err = {""};
    int status;

    forget_channels(parent);
    /* A keeper that replaces another is forked off a parent that holds the sites' private keys. */
    sites_free(&parent->resources.sites);
    rp_cache_free(&parent->resources.cache);
    (void)privileges_leave_network(); /* it has no socket anyway */
    if (keeper_begin(&start, &err) != RP_OK ||
        spawn_confine(account_of(parent, &parent->privileges.keeper), &err) != RP_OK) {
        return complain(&start.log, &err);
    }
    status = keeper_run(&start);
    if (status == 0) {
        rp_keyring_free(&parent->resources.keyring); /* wipes: the last that uses it is we */
    }
    return status;
}

static int run_worker(int channel_fd, void *cookie)
{
    struct child *child = cookie;
    struct parent *parent = child->owner;
    const struct worker_start start = {.config = parent->config,
                                       .sites = parent->resources.sites,
                                       .listen_fds = listening_of(parent->listening, child->index),
                                       .channel_fd = channel_fd,
                                       .index = child->index,
                                       .log = log_of(child)};
    struct rp_error err = {""};

    forget_channels(parent);
    rp_keyring_read_only(parent->resources.keyring);
    if (spawn_confine(account_of(parent, &parent->privileges.worker), &err) != RP_OK) {
        return complain(&start.log, &err);
    }
    return worker_run(&start);
}

/* In the parent: what the children say. */

static void keeper_ready(struct parent *parent)
{
    struct rp_error err;
    enum rp_status status = RP_OK;

    parent->keeper.ready = true;
    loop_timer_clear(&parent->keeper.restart);
    if (parent->phase >= PARENT_DRAINING) {
        return; /* too late to be of use */
    }
    if (parent->phase != PARENT_STARTING_KEEPER) {
        LOG_LINE(&parent->log, LOG_LEVEL_INFO, "a process is back",
                 LOG_S("process", parent->keeper.title), LOG_N("pid", parent->keeper.pid));
    }
    if (parent->key_watch != NULL) {
        status = parent_keys_send(parent, &err);
    }
    if (parent->phase != PARENT_STARTING_KEEPER) {
        if (status != RP_OK) {
            LOG_LINE(&parent->log, LOG_LEVEL_ERROR, "the keys stay as they were",
                     LOG_S("reason", err.text));
        }
    } else if (status != RP_OK) {
        error_set(parent->err, "%s", err.text);
        parent_fail(parent, status);
    } else if (parent->key_watch == NULL) {
        parent_keeper_started(parent);
    }
}

static void keeper_epoch(struct parent *parent, const struct message_epoch *m)
{
    LOG_LINE(&parent->log, LOG_LEVEL_INFO, "epoch", LOG_N("epoch", m->epoch),
             LOG_N("generation", m->generation));
}

/* What obeys nobody's rules is replaced at once. */
static void refuse(struct child *child, const char *why)
{
    const struct parent *parent = child->owner;

    LOG_LINE(&parent->log, LOG_LEVEL_WARNING, "a process misbehaves and is killed",
             LOG_S("process", child->title), LOG_N("pid", child->pid), LOG_S("reason", why));
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

static void keeper_message(void *cookie, enum channel_type type, const uint8_t *body, size_t n)
{
    struct child *child = cookie;
    struct parent *parent = child->owner;
    struct message_epoch epoch;
    struct message_keys_taken taken;

    if (type == CHANNEL_READY && !child->ready) {
        keeper_ready(parent);
    } else if (type == CHANNEL_EPOCH && child->ready && message_epoch_decode(body, n, &epoch)) {
        keeper_epoch(parent, &epoch);
    } else if (type == CHANNEL_KEYS_TAKEN && child->ready && parent->key_watch != NULL &&
               message_keys_taken_decode(body, n, &taken)) {
        parent_keys_taken(parent, &taken);
    } else {
        refuse(child, "it sent a message out of turn, or a malformed one");
    }
}

static void worker_message(void *cookie, enum channel_type type, const uint8_t *body, size_t n)
{
    struct child *child = cookie;

    (void)type; /* CHANNEL_READY; the channel lets nothing else through */
    (void)body;
    (void)n;
    if (child->ready) {
        refuse(child, "it sent a message out of turn, or a malformed one");
        return;
    }
    child->ready = true;
    loop_timer_clear(&child->restart);
    parent_worker_started(child->owner, child);
}

/* In the parent: starting them. */

enum rp_status parent_start_keeper(struct parent *parent)
{
    int keep[KEYRING_DESCRIPTORS];
    const struct spawn spawn = {.title = "reprised:keeper",
                                .keep = keep,
                                .n_keep = KEYRING_DESCRIPTORS,
                                .run = run_keeper,
                                .cookie = &parent->keeper};
    const struct channel_peer peer = {.rules = message_rules_for_keeper,
                                      .n_rules = sizeof message_rules_for_keeper /
                                                 sizeof message_rules_for_keeper[0],
                                      .message = keeper_message,
                                      .closed = closed,
                                      .cookie = &parent->keeper};

    keyring_descriptors(parent->resources.keyring, keep);
    return child_start(&parent->keeper, parent->loop, &spawn, &peer, parent->err);
}

enum rp_status parent_start_worker(struct parent *parent, struct child *worker)
{
    int keep[CONFIG_LISTEN_MAX + KEYRING_DESCRIPTORS];
    char title[16];
    struct text t = text_of(title, sizeof title);
    const struct spawn spawn = {.title = title,
                                .keep = keep,
                                .n_keep = parent->config->n_listen + KEYRING_DESCRIPTORS,
                                .run = run_worker,
                                .cookie = worker};
    const struct channel_peer peer = {.rules = message_rules_for_worker,
                                      .n_rules = sizeof message_rules_for_worker /
                                                 sizeof message_rules_for_worker[0],
                                      .message = worker_message,
                                      .closed = closed,
                                      .cookie = worker};

    text_addf(&t, "reprised:w%u", worker->index);
    memcpy(keep, listening_of(parent->listening, worker->index),
           parent->config->n_listen * sizeof keep[0]);
    keyring_descriptors(parent->resources.keyring, keep + parent->config->n_listen);
    return child_start(worker, parent->loop, &spawn, &peer, parent->err);
}
