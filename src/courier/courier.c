#include "courier.h"

#include <stdbool.h>

#include "admin.h"
#include "channel.h"
#include "loop.h"
#include "message.h"
#include "sandbox.h"

#define FAILED 1

struct courier {
    const struct log *log;
    struct loop *loop;
    struct channel *channel;
    struct admin *admin;
    int status;
};

static void on_message(void *cookie, enum channel_type type, const uint8_t *body, size_t n)
{
    struct courier *courier = cookie;

    (void)body;
    (void)n;
    if (type == CHANNEL_PING) {
        if (!channel_send(courier->channel, CHANNEL_PONG, NULL, 0)) {
            loop_stop(courier->loop);
        }
    } else {
        courier->status = 0; /* CHANNEL_DRAIN: nothing here is worth waiting for */
        loop_stop(courier->loop);
    }
}

static void on_closed(void *cookie, const char *why)
{
    struct courier *courier = cookie;

    if (why != channel_gone) {
        LOG_LINE(courier->log, LOG_LEVEL_ERROR, "the channel to the parent is closed",
                 LOG_S("reason", why));
    }
    loop_stop(courier->loop);
}

static enum rp_status init(struct courier *courier, const struct courier_start *start)
{
    const struct channel_peer peer = {
        .rules = message_rules_of_courier,
        .n_rules = sizeof message_rules_of_courier / sizeof message_rules_of_courier[0],
        .message = on_message,
        .closed = on_closed,
        .cookie = courier,
    };
    const struct admin_start admin = {.metrics = start->metrics,
                                      .listen_fds = start->listen_fds,
                                      .n_listen = start->n_listen,
                                      .log = &start->log};
    enum rp_status status = loop_new(&courier->loop);

    if (status == RP_OK) {
        status = channel_new(courier->loop, start->channel_fd, &peer, &courier->channel);
    }
    if (status == RP_OK) {
        status = admin_new(courier->loop, &admin, &courier->admin);
    }
    if (status == RP_OK && start->sandbox) {
        sandbox_enter_if_possible(SANDBOX_COURIER, courier->log);
    }
    if (status == RP_OK && !channel_send(courier->channel, CHANNEL_READY, NULL, 0)) {
        status = RP_SYSTEM;
    }
    return status;
}

int courier_run(const struct courier_start *start)
{
    struct courier courier = {.log = &start->log, .status = FAILED};
    const enum rp_status status = init(&courier, start);

    if (status == RP_OK) {
        loop_run(courier.loop);
    } else {
        LOG_LINE(courier.log, LOG_LEVEL_ERROR, "cannot start",
                 LOG_S("reason", rp_status_text(status)));
    }
    admin_free(&courier.admin);
    channel_free(&courier.channel);
    loop_free(&courier.loop);
    return courier.status;
}
