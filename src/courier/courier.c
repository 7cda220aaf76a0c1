#include "courier.h"

#include <stdbool.h>
#include <string.h>

#include "admin.h"
#include "channel.h"
#include "error.h"
#include "loop.h"
#include "mail.h"
#include "message.h"
#include "message_mail.h"
#include "sandbox.h"

#define FAILED 1

struct courier {
    const struct log *log;
    struct loop *loop;
    struct channel *channel;
    struct admin *admin; /* NULL: nobody is shown anything */
    struct mail *mail;   /* NULL: there is no store */
    int status;
};

static void on_message(void *cookie, enum channel_type type, const uint8_t *body, size_t n)
{
    struct courier *courier = cookie;

    if (type == CHANNEL_PING) {
        if (!channel_send(courier->channel, CHANNEL_PONG, NULL, 0)) {
            loop_stop(courier->loop);
        }
    } else if (type == CHANNEL_ACCEPT) {
        if (courier->admin != NULL && !admin_open(courier->admin)) {
            loop_stop(courier->loop);
        }
    } else if (type == CHANNEL_DRAIN) {
        courier->status = 0; /* nothing here is worth waiting for */
        loop_stop(courier->loop);
    } else if (courier->mail != NULL) {
        mail_take(courier->mail, type, body, n);
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

static enum rp_status init_admin(struct courier *courier, const struct courier_start *start)
{
    const struct admin_start admin = {.metrics = start->metrics,
                                      .listen_fds = start->listen_fds,
                                      .n_listen = start->n_listen,
                                      .fleet = start->store != NULL ? start->fleet : NULL,
                                      .log = &start->log};

    return start->n_listen != 0 ? admin_new(courier->loop, &admin, &courier->admin) : RP_OK;
}

static enum rp_status init_mail(struct courier *courier, const struct courier_start *start,
                                struct rp_error *err)
{
    const struct mail_start mail = {
        .url = start->store, .channel = courier->channel, .log = &start->log};

    return start->store != NULL ? mail_new(courier->loop, &mail, &courier->mail, err) : RP_OK;
}

static enum sandbox_role role_of(const char *store)
{
    if (store == NULL) {
        return SANDBOX_COURIER;
    }
    return strncmp(store, "dir:", 4) == 0 ? SANDBOX_COURIER_FOLDER : SANDBOX_COURIER_NETWORK;
}

static enum rp_status init(struct courier *courier, const struct courier_start *start,
                           struct rp_error *err)
{
    const struct channel_peer peer = {
        .rules = message_rules_of_courier,
        .n_rules = sizeof message_rules_of_courier / sizeof message_rules_of_courier[0],
        .message = on_message,
        .closed = on_closed,
        .cookie = courier,
        .mail_room = start->store != NULL ? MESSAGE_MAIL_ROOM : 0,
    };
    enum rp_status status = loop_new(&courier->loop);

    if (status == RP_OK) {
        status = channel_new(courier->loop, start->channel_fd, &peer, &courier->channel);
    }
    if (status == RP_OK) {
        status = init_admin(courier, start);
    }
    if (status == RP_OK) {
        status = init_mail(courier, start, err);
    }
    if (status == RP_OK && start->sandbox) {
        sandbox_enter_if_possible(role_of(start->store), courier->log);
    }
    if (status == RP_OK && !channel_send(courier->channel, CHANNEL_READY, NULL, 0)) {
        status = RP_SYSTEM;
    }
    if (status == RP_OK && courier->mail != NULL) {
        mail_begin(courier->mail);
    }
    return status;
}

int courier_run(const struct courier_start *start)
{
    struct courier courier = {.log = &start->log, .status = FAILED};
    struct rp_error err = {""};
    const enum rp_status status = init(&courier, start, &err);

    if (status == RP_OK) {
        loop_run(courier.loop);
    } else {
        LOG_LINE(courier.log, LOG_LEVEL_ERROR, "cannot start",
                 LOG_S("reason", err.text[0] != '\0' ? err.text : rp_status_text(status)));
    }
    mail_free(&courier.mail);
    admin_free(&courier.admin);
    channel_free(&courier.channel);
    loop_free(&courier.loop);
    return courier.status;
}
