/*
 * The feeder. One at a time has the files: the next begins when the one before it has ended, and
 * after SIGUSR2 when the old process is out of the way.
 */
#include "parent_state.h"

#include "error.h"
#include "feeder.h"
#include "parent_folder.h"
#include "resources_feeds.h"

#define SETTLE_MS 5000 /* that a start waits for servers to be told */
#define LEAVE_MS 2000  /* that it has to overwrite what it leaves */

/* In the child. */

static int run(int channel_fd, void *cookie)
{
    struct child *child = cookie;
    struct parent *parent = child->owner;
    const struct generation *generation = parent_generation(parent);
    struct feeder_start start = {.config = generation->config,
                                 .keyring = parent->keyring,
                                 .groups = generation->privileges.feed_groups,
                                 .table = metrics_feeds(parent->metrics),
                                 .channel_fd = channel_fd,
                                 .log = parent_log_of(child)};
    struct rp_error err = {""};

    parent_forget(parent, NULL);
    parent_forget_store(parent);
    rp_keyring_read_only(parent->keyring);
    conn_count_free(&parent->count);
    if (!config_feeds_use_network(generation->config)) {
        (void)privileges_leave_network(); /* sockets that have paths are there without */
    }
    if (spawn_confine(parent_account(parent, &generation->privileges.feeder), &err) != RP_OK) {
        return parent_complain(child, &err);
    }
    return feeder_run(&start);
}

/* In the parent. */

static bool is_alone(const struct parent *parent)
{
    for (const struct child *c = parent->children; c != NULL; c = c->next) {
        if (c->kind == &parent_feeder_kind && c != parent->feeder && c->pid != 0) {
            return false;
        }
    }
    return parent->predecessor.channel == NULL;
}

static bool takes_messages(const struct child *feeder)
{
    return feeder != NULL && feeder->ready && feeder->channel != NULL;
}

void parent_feeder_go(struct parent *parent)
{
    struct parent_feeding *feeding = &parent->feeding;

    if (feeding->has_begun || !takes_messages(parent->feeder) || !is_alone(parent)) {
        return;
    }
    feeding->has_begun = true;
    if (!channel_send(parent->feeder->channel, CHANNEL_ACCEPT, NULL, 0)) {
        child_kill(parent->feeder); /* its successor is told */
    } else if (!feeding->has_settled &&
               !loop_timer_set(parent->loop, &feeding->settle, SETTLE_MS)) {
        feeding->has_settled = true;
    }
}

static void settled(struct parent *parent)
{
    parent->feeding.has_settled = true;
    loop_timer_clear(&parent->feeding.settle);
    if (parent->phase == PARENT_STARTING) {
        parent_coming_ready(parent);
    }
}

static void settle_due(struct loop_timer *timer)
{
    struct parent *parent =
        (struct parent *)((char *)timer - offsetof(struct parent, feeding.settle));

    settled(parent);
}

bool parent_feeder_settled(const struct parent *parent)
{
    if (parent->feeder == NULL || parent->feeding.has_settled) {
        return true;
    }
    /* The files are as the old process left them until it is gone, and it waits for us. */
    return parent->feeder->ready && parent->predecessor.channel != NULL;
}

static void ready(struct child *child)
{
    struct parent *parent = child->owner;

    if (child != parent->feeder || parent->phase >= PARENT_DRAINING) {
        return;
    }
    if (parent->phase == PARENT_RUNNING && child->n_restarts != 0) {
        LOG_LINE(&parent->log, LOG_LEVEL_INFO, "a process is back", LOG_S("process", child->title),
                 LOG_N("pid", child->pid));
    }
    parent_feeder_go(parent);
    if (parent->phase == PARENT_STARTING) {
        parent_coming_ready(parent);
    }
}

static bool message(struct child *child, enum channel_type type, const uint8_t *body, size_t n)
{
    struct parent *parent = child->owner;
    struct message_feed_run m;

    if (type == CHANNEL_SETTLED) {
        if (child == parent->feeder) {
            settled(parent);
        }
        return true;
    }
    if (type != CHANNEL_FEED_RUN || !message_feed_run_decode(body, n, &m)) {
        return false;
    }
    return child != parent->feeder || parent_command_run(parent, &m);
}

const struct child_kind parent_feeder_kind = {
    .role = METRICS_ROLE_FEEDER,
    .rules = message_rules_for_feeder,
    .n_rules = sizeof message_rules_for_feeder / sizeof message_rules_for_feeder[0],
    .descriptors = parent_keyring_alone,
    .run = run,
    .ready = ready,
    .message = message,
};

void parent_feeder_epoch(const struct parent *parent, const struct message_epoch *m)
{
    uint8_t body[MESSAGE_EPOCH_LEN];

    if (parent->feeding.has_begun && takes_messages(parent->feeder)) {
        message_epoch_encode(m, body);
        if (!channel_send(parent->feeder->channel, CHANNEL_EPOCH, body, sizeof body)) {
            child_kill(parent->feeder);
        }
    }
}

enum rp_status parent_feeder_start(struct parent *parent, struct rp_error *err)
{
    const struct generation *generation = parent_generation(parent);

    if (generation->config->n_feeds == 0) {
        return RP_OK;
    }
    parent->feeding.has_begun = false;
    parent->feeding.settle.due = settle_due;
    parent->feeder = parent_child_new(parent, &parent_feeder_kind, "feeder", "reprised:feeder");
    if (parent->feeder == NULL) {
        error_set(err, "out of memory");
        return RP_NO_MEMORY;
    }
    parent->feeder->generation = generation->number;
    return parent_child_start(parent->feeder, err);
}

void parent_feeder_follow(struct parent *parent)
{
    struct rp_error err = {""};

    if (parent->feeder != NULL || parent->phase >= PARENT_DRAINING) {
        return;
    }
    if (parent_feeder_start(parent, &err) != RP_OK) {
        LOG_LINE(&parent->log, LOG_LEVEL_ERROR, "a process cannot be started",
                 LOG_S("process", "feeder"), LOG_S("reason", err.text));
        if (parent->feeder != NULL && parent->feeder->pid == 0) {
            parent_child_again(parent->feeder);
        }
    }
}

static void clear(struct parent *parent, const struct generation *now, const struct config *next)
{
    uint8_t body[MESSAGE_FEED_CLEAR_LEN];
    const bool can = parent->feeding.has_begun && takes_messages(parent->feeder);
    uint16_t feeds = 0;

    if (parent->predecessor.channel != NULL) {
        return; /* they are the old process's */
    }
    for (size_t i = 0; i < now->config->n_feeds; i++) {
        const struct config_feed *feed = &now->config->feeds[i];

        if (resources_feed_is_of(feed, next)) {
            continue;
        }
        feeds = (uint16_t)(feeds | 1U << i);
        if (feed_is_configuration(feed)) {
            parent_folder_clear(parent, now, i);
        } else if (!can) {
            LOG_LINE(&parent->log, LOG_LEVEL_ERROR, "keys of a feed may be left in its files",
                     LOG_S("feed", feed->name), LOG_S("reason", "there is no feeder"));
        }
    }
    if (feeds != 0 && can) {
        message_feed_clear_encode(feeds, body);
        (void)channel_send(parent->feeder->channel, CHANNEL_FEED_CLEAR, body, sizeof body);
    }
}

void parent_feeder_leave(struct parent *parent, const struct generation *now,
                         const struct config *next)
{
    struct child *feeder = parent->feeder;

    parent_commands_stop(parent);
    loop_timer_clear(&parent->feeding.settle);
    parent->feeding.has_settled = true; /* nobody waits any more */
    if (feeder != NULL) {
        clear(parent, now, next);
        parent->feeder = NULL;
        parent_child_drain(feeder, LEAVE_MS);
    }
    parent_folders_leave(parent);
}

bool parent_feeder_kill(struct parent *parent)
{
    struct child *feeder = parent->feeder;

    parent_commands_stop(parent);
    parent_folders_leave(parent);
    parent->feeder = NULL;
    if (feeder != NULL) {
        parent_child_discard(feeder);
    }
    return parent_n_alive(parent, &parent_feeder_kind) == 0;
}

void parent_feeder_ended(struct parent *parent, const struct child *feeder)
{
    if (feeder == parent->feeder) {
        parent_commands_stop(parent);
        parent->feeding.has_begun = false;
    }
    if (parent->running != NULL && parent->running->config->n_feeds == 0) {
        feed_table_write(metrics_feeds(parent->metrics), &(struct feed_list){0});
    }
    parent_feeder_go(parent);
}
