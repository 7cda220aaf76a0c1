#include "predecessor.h"

#include "error.h"
#include "parent_state.h"
#include "upgrade.h"

static const struct channel_rule rules[] = {
    {UPGRADE_KEEPER_STOPPED, 0, 0},
    {UPGRADE_GOING, 0, 0},
};

static void start_keeper(struct parent *parent)
{
    struct rp_error err = {""};
    enum rp_status status;

    parent->predecessor.waits = false;
    status = parent_keeper_start(parent, &err);
    if (status != RP_OK) {
        parent_coming_fail(parent, status, &err);
    }
}

static void go_on(struct parent *parent)
{
    if (parent->phase >= PARENT_DRAINING) {
        return; /* a signal came first */
    }
    parent_feeder_go(parent);
    if (parent->predecessor.waits) {
        start_keeper(parent);
    } else if (parent->predecessor.told) {
        parent->predecessor.told = false;
        parent_manager_ready(parent);
    }
}

static void on_closed(void *cookie, const char *why)
{
    struct parent *parent = cookie;

    LOG_LINE(&parent->log, LOG_LEVEL_WARNING, "the old process is gone; this one goes on",
             LOG_S("reason", why));
    channel_free(&parent->predecessor.channel);
    go_on(parent);
}

static void on_message(void *cookie, enum channel_type type, const uint8_t *body, size_t n)
{
    struct parent *parent = cookie;
    struct predecessor *predecessor = &parent->predecessor;

    (void)body;
    (void)n;
    if (type == UPGRADE_KEEPER_STOPPED && predecessor->waits) {
        go_on(parent);
    } else if (type == UPGRADE_GOING && predecessor->told) {
        channel_free(&predecessor->channel);
        go_on(parent);
    } else {
        on_closed(parent, "it sent a message out of turn");
    }
}

enum rp_status predecessor_begin(struct parent *parent, int fd, bool same_ring,
                                 struct rp_error *err)
{
    const struct channel_peer peer = {.rules = rules,
                                      .n_rules = sizeof rules / sizeof rules[0],
                                      .message = on_message,
                                      .closed = on_closed,
                                      .cookie = parent};
    struct predecessor *predecessor = &parent->predecessor;
    enum rp_status status = RP_OK;

    if (fd >= 0) {
        status = channel_new(parent->loop, fd, &peer, &predecessor->channel);
    }
    if (status != RP_OK) {
        error_set(err, "cannot watch the channel to the old process: %s", rp_status_text(status));
        return status;
    }
    if (predecessor->channel == NULL || !same_ring) {
        return parent_keeper_start(parent, err);
    }
    predecessor->waits = true;
    if (!channel_send(predecessor->channel, UPGRADE_KEEPER_WANTED, NULL, 0)) {
        channel_free(&predecessor->channel);
        predecessor->waits = false;
        return parent_keeper_start(parent, err);
    }
    return RP_OK;
}

void predecessor_ready(struct parent *parent)
{
    struct predecessor *predecessor = &parent->predecessor;

    if (predecessor->channel != NULL &&
        channel_send(predecessor->channel, UPGRADE_TAKEN_OVER, NULL, 0)) {
        predecessor->told = true;
        return;
    }
    channel_free(&predecessor->channel);
    parent_feeder_go(parent);
    parent_manager_ready(parent);
}

void predecessor_fini(struct parent *parent)
{
    channel_free(&parent->predecessor.channel);
}
