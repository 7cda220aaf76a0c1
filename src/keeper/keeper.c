#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "channel.h"
#include "error.h"
#include "key_report.h"
#include "keyring_static.h"
#include "loop.h"
#include "membership.h"
#include "memory.h"
#include "message.h"
#include "message_mail.h"
#include "sandbox.h"

#define FAILED 1

struct keeper {
    struct rp_keyring *keyring;
    const struct log *log;
    struct loop *loop;
    struct channel *channel;
    struct loop_timer advance;
    uint64_t generation; /* that the parent was told of last */
    struct metrics *metrics;
    struct key_report report;
    struct membership *membership; /* NULL: no fleet */
    struct loop_timer leave;       /* its bound */
    int status;
};

/*
 * One keeper at a time, also where its parent died, or another parent is to have the office: the
 * kernel gives the lock on when a keeper has ended, and not before.
 */
static enum rp_status take_office(const struct rp_keyring *keyring, struct rp_error *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int window_fd;
    int chain_fd;

    rp_keyring_descriptors(keyring, &window_fd, &chain_fd);
    while (fcntl(chain_fd, F_SETLKW, &lock) != 0) {
        if (errno != EINTR) {
            error_set(err, "cannot lock the chain: %s", strerror(errno));
            return RP_SYSTEM;
        }
    }
    return RP_OK;
}

enum rp_status keeper_begin(const struct keeper_start *start, struct rp_error *err)
{
    const char **domains = NULL;
    size_t n = 0;
    enum rp_status status = take_office(start->keyring, err);

    if (status == RP_OK) {
        status = rp_keyring_keep(start->keyring, rp_clock_boot_ms(NULL), NULL, err);
    }
    if (status != RP_OK) {
        return status;
    }
    status = config_domains(start->config, &domains, &n);
    if (status == RP_OK) {
        status = rp_keyring_domains_add(start->keyring, domains, n);
    }
    if (status != RP_OK) {
        error_set(err, "cannot add the sites' security domains: %s", rp_status_text(status));
    }
    memory_free(domains);
    return status;
}

static void stop(struct keeper *keeper, int status)
{
    keeper->status = status;
    loop_stop(keeper->loop);
}

static void tell(struct keeper *keeper, enum channel_type type, const void *body, size_t n)
{
    if (!channel_send(keeper->channel, type, body, n)) {
        LOG_LINE(keeper->log, LOG_LEVEL_ERROR, "the parent does not take messages",
                 LOG_N("type", type));
        stop(keeper, FAILED);
    }
}

static void tell_epoch(struct keeper *keeper)
{
    struct rp_keyring_info info;
    uint8_t body[MESSAGE_EPOCH_LEN];

    rp_keyring_info(keeper->keyring, &info);
    if (info.generation != keeper->generation) {
        const struct message_epoch m = {info.generation, info.epoch};

        keeper->generation = info.generation;
        message_epoch_encode(&m, body);
        tell(keeper, CHANNEL_EPOCH, body, sizeof body);
    }
}

static void report(struct keeper *keeper)
{
    if (keeper->metrics != NULL) {
        key_report(&keeper->report, keeper->keyring, keeper->metrics, rp_clock_boot_ms(NULL));
    }
}

static void advance(struct keeper *keeper)
{
    const int64_t now_ms = rp_clock_boot_ms(NULL);
    int64_t next_ms = INT64_MAX;
    const enum rp_status status = rp_keyring_advance(keeper->keyring, now_ms, &next_ms);
    const int64_t delay_ms = next_ms > now_ms ? next_ms - now_ms : 0;

    if (status != RP_OK) {
        LOG_LINE(keeper->log, LOG_LEVEL_ERROR, "the epoch cannot be advanced",
                 LOG_S("reason", rp_status_text(status)));
    }
    tell_epoch(keeper);
    report(keeper);
    if (!loop_timer_set(keeper->loop, &keeper->advance, delay_ms)) {
        stop(keeper, FAILED);
    }
}

static void advance_due(struct loop_timer *timer)
{
    advance((struct keeper *)((char *)timer - offsetof(struct keeper, advance)));
}

static void take_keys(struct keeper *keeper, const uint8_t *body, size_t n)
{
    struct stek keys[MESSAGE_KEYS_MAX] = {0};
    struct rp_error err = {"the message is malformed"};
    uint8_t reply[CHANNEL_BODY_MAX];
    size_t n_keys;
    const bool taken = message_static_keys_decode(body, n, keys, &n_keys) &&
                       keyring_set_static(keeper->keyring, keys, n_keys, &err) == RP_OK;

    memory_wipe(keys, sizeof keys);
    tell(keeper, CHANNEL_KEYS_TAKEN, reply, message_taken_encode(taken ? NULL : err.text, reply));
    advance(keeper);
}

struct domains {
    const char **names; /* each in `text` */
    size_t n;
    char (*text)[MESSAGE_DOMAIN_MAX + 1];
};

/* body is well-formed. */
static bool read_domains(const uint8_t *body, size_t n, struct domains *out)
{
    const size_t most = n / 2;
    size_t at = 0;

    out->n = 0;
    out->names = memory_new(most, sizeof *out->names);
    out->text = memory_new(most, sizeof *out->text);
    if (out->names == NULL || out->text == NULL) {
        return false;
    }
    while (message_domains_next(body, n, &at, out->text[out->n])) {
        out->names[out->n] = out->text[out->n];
        out->n++;
    }
    return true;
}

static void add_domains(struct keeper *keeper, const uint8_t *body, size_t n)
{
    struct domains domains = {0};
    uint8_t reply[CHANNEL_BODY_MAX];
    enum rp_status status = RP_FORMAT;

    if (message_domains_check(body, n)) {
        status = read_domains(body, n, &domains)
                     ? rp_keyring_domains_add(keeper->keyring, domains.names, domains.n)
                     : RP_NO_MEMORY;
    }
    memory_free(domains.names);
    memory_free(domains.text);
    tell(keeper, CHANNEL_DOMAINS_TAKEN, reply,
         message_taken_encode(status == RP_OK ? NULL : rp_status_text(status), reply));
}

/* In a fleet. */

static void on_fleet_changed(void *cookie)
{
    advance(cookie);
}

static void on_settled(void *cookie)
{
    tell(cookie, CHANNEL_SETTLED, NULL, 0);
}

static void on_gone(void *cookie)
{
    stop(cookie, 0);
}

static void leave_due(struct loop_timer *timer)
{
    stop((struct keeper *)((char *)timer - offsetof(struct keeper, leave)), 0);
}

/* Who has a fleet takes leave of it first. */
static void drain(struct keeper *keeper, const uint8_t *body, size_t n)
{
    int64_t bound_ms;

    if (keeper->membership == NULL || !message_drain_decode(body, n, &bound_ms) ||
        !loop_timer_set(keeper->loop, &keeper->leave, bound_ms)) {
        stop(keeper, 0);
    } else {
        membership_leave(keeper->membership);
    }
}

static enum rp_status join(struct keeper *keeper, const struct keeper_start *start)
{
    const struct membership_start membership = {.config = start->config,
                                                .secrets = start->secrets,
                                                .keyring = start->keyring,
                                                .loop = keeper->loop,
                                                .channel = keeper->channel,
                                                .log = &start->log,
                                                .metrics = start->metrics,
                                                .changed = on_fleet_changed,
                                                .settled = on_settled,
                                                .gone = on_gone,
                                                .cookie = keeper};

    if (start->secrets == NULL || start->secrets->n == 0) {
        return RP_OK;
    }
    return membership_new(&membership, &keeper->membership);
}

static void on_message(void *cookie, enum channel_type type, const uint8_t *body, size_t n)
{
    struct keeper *keeper = cookie;

    if (type == CHANNEL_STATIC_KEYS) {
        take_keys(keeper, body, n);
    } else if (type == CHANNEL_DOMAINS) {
        add_domains(keeper, body, n);
    } else if (type == CHANNEL_PING) {
        tell(keeper, CHANNEL_PONG, NULL, 0);
    } else if (type == CHANNEL_DRAIN) {
        drain(keeper, body, n);
    } else if (keeper->membership != NULL) {
        membership_take(keeper->membership, type, body, n);
    }
}

static void on_closed(void *cookie, const char *why)
{
    struct keeper *keeper = cookie;

    LOG_LINE(keeper->log, LOG_LEVEL_ERROR, "the channel to the parent is closed",
             LOG_S("reason", why));
    stop(keeper, FAILED);
}

int keeper_run(const struct keeper_start *start)
{
    struct keeper keeper = {
        .keyring = start->keyring, .log = &start->log, .metrics = start->metrics, .status = FAILED};
    const struct channel_peer peer = {
        .rules = message_rules_of_keeper,
        .n_rules = sizeof message_rules_of_keeper / sizeof message_rules_of_keeper[0],
        .message = on_message,
        .closed = on_closed,
        .cookie = &keeper,
        .mail_room = MESSAGE_MAIL_ROOM,
    };

    keeper.advance.due = advance_due;
    keeper.leave.due = leave_due;
    if (loop_new(&keeper.loop) != RP_OK ||
        channel_new(keeper.loop, start->channel_fd, &peer, &keeper.channel) != RP_OK) {
        log_line(keeper.log, LOG_LEVEL_ERROR, "cannot make an event loop", NULL, 0);
        goto done;
    }
    if (join(&keeper, start) != RP_OK) {
        log_line(keeper.log, LOG_LEVEL_ERROR, "cannot become a member of a fleet", NULL, 0);
        goto done;
    }
    if (start->config->sandbox) {
        sandbox_enter_if_possible(SANDBOX_KEEPER, keeper.log);
    }
    tell(&keeper, CHANNEL_READY, NULL, 0);
    advance(&keeper);
    loop_run(keeper.loop);
done:
    membership_free(&keeper.membership);
    channel_free(&keeper.channel);
    loop_free(&keeper.loop);
    return keeper.status;
}
