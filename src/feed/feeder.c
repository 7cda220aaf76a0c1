#include "feeder.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#include <reprise/clock.h>

#include "channel.h"
#include "feed_task.h"
#include "memory.h"
#include "message.h"
#include "sandbox.h"
#include "window.h"

#define FAILED 1
#define CLOCK_LOOK_MS 1000
#define CLOCK_JUMP_MS 1000

_Static_assert(FEED_TABLE_MAX == CONFIG_FEEDS_MAX, "a row for each feed");

struct feeder {
    const struct feeder_start *start;
    struct loop *loop;
    struct channel *channel;
    struct feed_context context;
    struct feed_source source;
    struct feed_task *tasks;
    size_t n;
    struct loop_timer clock;
    struct feed_list shown;
    bool has_begun;
    bool has_settled;
    int status;
};

static void stop(struct feeder *feeder, int status)
{
    feeder->status = status;
    loop_stop(feeder->loop);
}

static void say(struct feeder *feeder, enum channel_type type)
{
    if (!channel_send(feeder->channel, type, NULL, 0)) {
        stop(feeder, FAILED);
    }
}

/* What the feeds ask for. */

static bool on_run(void *cookie, const struct message_feed_run *m)
{
    struct feeder *feeder = cookie;
    uint8_t body[MESSAGE_FEED_RUN_LEN];

    message_feed_run_encode(m, body);
    return channel_send(feeder->channel, CHANNEL_FEED_RUN, body, sizeof body);
}

static void on_changed(void *cookie)
{
    struct feeder *feeder = cookie;
    bool through = true;

    feeder->shown.n = feeder->n;
    for (size_t i = 0; i < feeder->n; i++) {
        feeder->shown.rows[i] = feeder->tasks[i].row;
        through = through && feeder->tasks[i].is_through;
    }
    feed_table_write(feeder->start->table, &feeder->shown);
    if (through && !feeder->has_settled) {
        feeder->has_settled = true;
        say(feeder, CHANNEL_SETTLED);
    }
}

/* The clock. */

static int64_t measure_offset_ms(const struct feeder *feeder)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 -
           window_fleet_ms(feeder->start->keyring, rp_clock_boot_ms(NULL));
}

static void look(struct feeder *feeder)
{
    for (size_t i = 0; i < feeder->n; i++) {
        feed_task_look(&feeder->tasks[i]);
    }
}

/* Where nothing is dated, nobody has to wake up for the clock. */
static bool is_dated(const struct feeder *feeder)
{
    for (size_t i = 0; i < feeder->n; i++) {
        const struct feed_task *task = &feeder->tasks[i];

        if (feed_is_dated(task->kind, (enum key_format)task->config->format)) {
            return true;
        }
    }
    return false;
}

/* Somebody set it, or it has drifted away: what was dated by it is dated anew. */
static void clock_due(struct loop_timer *timer)
{
    struct feeder *feeder = (struct feeder *)((char *)timer - offsetof(struct feeder, clock));
    const int64_t offset_ms = measure_offset_ms(feeder);
    const int64_t off_ms = offset_ms - feeder->source.offset_ms;

    if (!loop_timer_set(feeder->loop, timer, CLOCK_LOOK_MS)) {
        stop(feeder, FAILED);
        return;
    }
    if (off_ms >= CLOCK_JUMP_MS || off_ms <= -CLOCK_JUMP_MS) {
        feeder->source.offset_ms = offset_ms;
        look(feeder);
    }
}

/* What the parent says. */

static void begin(struct feeder *feeder)
{
    struct feed_list before = {0};

    feeder->has_begun = true;
    (void)feed_table_read(feeder->start->table, &before);
    feeder->source.offset_ms = measure_offset_ms(feeder);
    for (size_t i = 0; i < feeder->n; i++) {
        feed_task_resume(&feeder->tasks[i], &before);
        feed_task_announce(&feeder->tasks[i]);
    }
    on_changed(feeder);
    look(feeder);
    if (is_dated(feeder)) {
        clock_due(&feeder->clock);
    }
}

static bool clear(struct feeder *feeder, const uint8_t *body, size_t n)
{
    uint16_t feeds;

    if (!message_feed_clear_decode(body, n, &feeds) || (uint32_t)feeds >> feeder->n != 0) {
        return false;
    }
    for (size_t i = 0; i < feeder->n; i++) {
        if ((feeds >> i & 1) != 0) {
            feed_task_clear(&feeder->tasks[i]);
        }
    }
    return true;
}

static bool ran(struct feeder *feeder, const uint8_t *body, size_t n)
{
    struct message_feed_ran m;

    return message_feed_ran_decode(body, n, &m) && m.feed < feeder->n &&
           feed_task_ran(&feeder->tasks[m.feed], &m);
}

static bool obey(struct feeder *feeder, enum channel_type type, const uint8_t *body, size_t n)
{
    struct message_epoch epoch;

    if (type == CHANNEL_PING) {
        say(feeder, CHANNEL_PONG);
        return true;
    }
    if (type == CHANNEL_DRAIN) {
        stop(feeder, 0);
        return true;
    }
    if (type == CHANNEL_ACCEPT && !feeder->has_begun) {
        begin(feeder);
        return true;
    }
    if (type == CHANNEL_EPOCH && message_epoch_decode(body, n, &epoch)) {
        if (feeder->has_begun) {
            look(feeder);
        }
        return true;
    }
    if (type == CHANNEL_FEED_CLEAR) {
        return clear(feeder, body, n);
    }
    return type == CHANNEL_FEED_RAN && ran(feeder, body, n);
}

static void on_message(void *cookie, enum channel_type type, const uint8_t *body, size_t n)
{
    struct feeder *feeder = cookie;

    if (!obey(feeder, type, body, n)) {
        LOG_LINE(&feeder->start->log, LOG_LEVEL_ERROR, "the parent sent a message out of turn",
                 LOG_N("type", type));
        stop(feeder, FAILED);
    }
}

static void on_closed(void *cookie, const char *why)
{
    struct feeder *feeder = cookie;

    if (why != channel_gone) {
        LOG_LINE(&feeder->start->log, LOG_LEVEL_ERROR, "the channel to the parent is closed",
                 LOG_S("reason", why));
    }
    stop(feeder, FAILED);
}

/* Beginning and end. */

static enum rp_status init_tasks(struct feeder *feeder)
{
    const struct config *config = feeder->start->config;
    enum rp_status status = RP_OK;

    feeder->tasks = memory_new(config->n_feeds, sizeof *feeder->tasks);
    if (feeder->tasks == NULL) {
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; status == RP_OK && i < config->n_feeds; i++) {
        status = feed_task_init(&feeder->tasks[i], &feeder->context, (unsigned)i, &config->feeds[i],
                                feeder->start->groups[i]);
        feeder->n++;
    }
    return status;
}

static enum rp_status init_context(struct feeder *feeder)
{
    const struct feeder_start *start = feeder->start;

    feeder->context.loop = feeder->loop;
    feeder->context.log = &start->log;
    feeder->context.source = &feeder->source;
    feeder->context.rotate_ms = start->config->rotate_ms;
    feeder->context.accept_ms = start->config->accept_ms;
    feeder->context.run = on_run;
    feeder->context.changed = on_changed;
    feeder->context.cookie = feeder;
    return feed_source_init(&feeder->source, start->keyring);
}

static enum sandbox_role role_of(const struct config *config)
{
    return config_feeds_use_network(config) ? SANDBOX_FEEDER_NETWORK : SANDBOX_FEEDER;
}

static enum rp_status init(struct feeder *feeder)
{
    const struct feeder_start *start = feeder->start;
    const struct channel_peer peer = {
        .rules = message_rules_of_feeder,
        .n_rules = sizeof message_rules_of_feeder / sizeof message_rules_of_feeder[0],
        .message = on_message,
        .closed = on_closed,
        .cookie = feeder,
    };
    enum rp_status status = loop_new(&feeder->loop);

    if (status == RP_OK) {
        status = channel_new(feeder->loop, start->channel_fd, &peer, &feeder->channel);
    }
    if (status == RP_OK) {
        status = init_context(feeder);
    }
    if (status == RP_OK) {
        status = init_tasks(feeder);
    }
    if (status == RP_OK && start->config->sandbox) {
        sandbox_enter_if_possible(role_of(start->config), &start->log);
    }
    if (status == RP_OK && !channel_send(feeder->channel, CHANNEL_READY, NULL, 0)) {
        status = RP_SYSTEM;
    }
    return status;
}

static void fini(struct feeder *feeder)
{
    for (size_t i = 0; i < feeder->n; i++) {
        feed_task_fini(&feeder->tasks[i]);
    }
    memory_free(feeder->tasks);
    feed_source_fini(&feeder->source);
    channel_free(&feeder->channel);
    loop_free(&feeder->loop);
}

int feeder_run(const struct feeder_start *start)
{
    struct feeder feeder = {.start = start, .clock = {.due = clock_due}, .status = FAILED};
    const enum rp_status status = init(&feeder);

    if (status == RP_OK) {
        loop_run(feeder.loop);
    } else {
        LOG_LINE(&start->log, LOG_LEVEL_ERROR, "cannot start",
                 LOG_S("reason", rp_status_text(status)));
    }
    fini(&feeder);
    return feeder.status;
}
