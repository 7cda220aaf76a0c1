#include "feed_task.h"

#include <string.h>

#include <reprise/clock.h>

#include "error.h"
#include "feed_ran.h"
#include "memory.h"
#include "order.h"
#include "text.h"

#define RETRY_LEAST_MS 1000
#define RETRY_MOST_MS 60000
#define CHECK_LEAST_MS 100
#define CHECK_MOST_MS 1000
#define CHECK_ALL_MS 10000
/* How long somebody else's keys may stay. Whoever reaches HAProxy's socket can set some, and asking
 * costs it nothing; files are changed by nobody who knows whose they are. */
#define LOOK_SOCKET_MS 10000
#define LOOK_FILES_MS 60000
#define MS_PER_S 1000
#define SHOWN_LEN 4 /* of a key's name */

/* What is shown and said. */

static void show(struct feed_task *task)
{
    task->context->changed(task->context->cookie);
}

static void through(struct feed_task *task)
{
    task->is_through = true;
    show(task);
}

static void log_key(struct feed_task *task)
{
    char name[2 * SHOWN_LEN + 1];
    struct text t = text_of(name, sizeof name);

    if (memcmp(task->logged, task->key, sizeof task->key) != 0) {
        memcpy(task->logged, task->key, sizeof task->key);
        text_add_hex(&t, task->key, SHOWN_LEN);
        LOG_LINE(task->context->log, LOG_LEVEL_INFO, "fed", LOG_S("feed", task->config->name),
                 LOG_S("seals", name), LOG_N("keys", task->row.n_keys));
    }
}

/* Without memory for it, the next change of the window is the next attempt. */
static void later(const struct feed_task *task, struct loop_timer *timer, int64_t delay_ms)
{
    if (!loop_timer_set(task->context->loop, timer, delay_ms)) {
        timer->place = 0;
    }
}

/* But for numbers: a server's words have the time in them, or a process. */
static bool is_same_reason(const char *a, const char *b)
{
    static const char digits[] = "0123456789";

    for (;; a++, b++) {
        a += strspn(a, digits);
        b += strspn(b, digits);
        if (*a != *b || *a == '\0') {
            return *a == *b;
        }
    }
}

/* Whatever it was doing, it is not up to date; it will try again. A reason is logged once. */
static void fail(struct feed_task *task, const char *why)
{
    char before[FEED_TABLE_WHY_SIZE];

    memcpy(before, task->row.why, sizeof before);
    task->is_behind = true;
    task->told = false;
    feed_lock_note(&task->writer.lock, false);
    task->is_done = false;
    task->check_until_ms = 0;
    task->stage = FEED_STAGE_WAITING;
    task->row.n_failures++;
    task->row.state = FEED_TABLE_BEHIND;
    feed_table_text(task->row.why, sizeof task->row.why, why);
    later(task, &task->timer, task->retry_ms);
    task->retry_ms = order_least(task->retry_ms * 2, RETRY_MOST_MS);
    through(task); /* whoever reads the log finds it shown */
    if (!is_same_reason(before, task->row.why)) {
        LOG_LINE(task->context->log, LOG_LEVEL_WARNING, "a feed is behind, and is tried again",
                 LOG_S("feed", task->config->name), LOG_S("reason", why));
    }
}

/* All is as it should be; after a while it is looked at again. */
static void rest(struct feed_task *task)
{
    task->stage = FEED_STAGE_IDLE;
    later(task, &task->timer,
          task->kind->telling == FEED_TOLD_BY_SOCKET ? LOOK_SOCKET_MS : LOOK_FILES_MS);
}

static void log_strange(const struct feed_task *task, const char *where)
{
    LOG_LINE(task->context->log, LOG_LEVEL_WARNING,
             "a feed was found with other keys, and is given its own again",
             LOG_S("feed", task->config->name), LOG_S("where", where));
}

static void succeed(struct feed_task *task)
{
    feed_lock_note(&task->writer.lock, true);
    task->is_unsure = false;
    task->is_done = true;
    task->check_until_ms = 0;
    task->retry_ms = RETRY_LEAST_MS;
    task->row.state = FEED_TABLE_UP;
    task->row.n_updates++;
    task->row.told_ms = rp_clock_boot_ms(NULL);
    memset(task->row.why, 0, sizeof task->row.why);
    if (task->is_behind) {
        task->is_behind = false;
        LOG_LINE(task->context->log, LOG_LEVEL_INFO, "a feed has caught up",
                 LOG_S("feed", task->config->name));
    }
    log_key(task);
    rest(task);
    through(task);
}

/* Asking for commands. */

static void run(struct feed_task *task, enum message_feed_command what, enum feed_stage stage)
{
    struct message_feed_run m = {.feed = task->index, .what = what};

    if (what == MESSAGE_FEED_VERIFY) {
        memcpy(m.key, task->key, sizeof m.key);
    }
    task->stage = stage;
    if (!task->context->run(task->context->cookie, &m)) {
        fail(task, "the parent does not take messages");
    }
}

/* Checking. */

static void check(struct feed_task *task)
{
    const int64_t long_ms = task->kind->telling == FEED_TOLD_BY_POLL ? 2 * task->kind->poll_ms : 0;

    if (task->config->verify == NULL) {
        succeed(task);
        return;
    }
    task->check_ms = CHECK_LEAST_MS;
    if (task->check_until_ms == 0) {
        task->check_until_ms = loop_now_ms(task->context->loop) + order_most(long_ms, CHECK_ALL_MS);
    }
    run(task, MESSAGE_FEED_VERIFY, FEED_STAGE_CHECKING);
}

static void attempt(struct feed_task *task);

static void checked(struct feed_task *task, const struct message_feed_ran *m)
{
    struct rp_error why = {""};

    if (m->how == MESSAGE_FEED_EXITED && m->value == 0) {
        succeed(task);
        return;
    }
    if (task->is_unsure) {
        task->check_until_ms = 0;
        task->told = false;
        feed_lock_note(&task->writer.lock, false);
        attempt(task);
        return;
    }
    feed_ran_explain(m, &why);
    if (loop_now_ms(task->context->loop) + task->check_ms > task->check_until_ms ||
        !loop_timer_set(task->context->loop, &task->timer, task->check_ms)) {
        fail(task, why.text);
        return;
    }
    task->stage = FEED_STAGE_CHECKING;
    task->check_ms = order_least(task->check_ms * 2, CHECK_MOST_MS);
}

/* Telling. */

static bool is_under_way(const struct feed_task *task)
{
    return task->stage == FEED_STAGE_WRITING || task->stage == FEED_STAGE_TELLING ||
           (task->stage == FEED_STAGE_CHECKING && task->timer.place == 0);
}

/* What changed meanwhile is told once, now. */
static void catch_up(struct feed_task *task)
{
    if (task->again && !is_under_way(task)) {
        attempt(task);
    }
}

/* Of what it was told it can be said that it arrived, even if there is more to tell by now. */
static void told(struct feed_task *task)
{
    task->told = true;
    check(task);
}

static void haproxy_told(void *cookie, enum rp_status status, const char *sentence,
                         unsigned n_pushed)
{
    struct feed_task *task = cookie;

    if (status != RP_OK) {
        fail(task, sentence);
    } else if (task->is_done && n_pushed == 0) {
        rest(task);
    } else {
        if (task->is_done) {
            log_strange(task, task->config->socket);
        }
        told(task);
    }
    catch_up(task);
}

/* keys: before, seals, next, as they are in the file. */
static enum rp_status start_haproxy(struct feed_task *task, const struct feed_keys *keys)
{
    static const unsigned order_of[HAPROXY_KEYS] = {2, 0, 1};
    struct haproxy_order order = {.address = task->config->socket, .file = task->config->file};
    enum rp_status status = RP_INVALID;

    if (keys->n == HAPROXY_KEYS) {
        for (size_t i = 0; i < HAPROXY_KEYS; i++) {
            order.keys[i] = keys->keys[order_of[i]].stek;
        }
        status = haproxy_socket_start(task->socket, &order, haproxy_told, task);
    }
    memory_wipe(order.keys, sizeof order.keys);
    return status;
}

static void tell(struct feed_task *task, const struct feed_keys *keys)
{
    task->again = false;
    task->is_unsure = false;
    if (task->kind->telling == FEED_TOLD_BY_SOCKET) {
        const enum rp_status status = start_haproxy(task, keys);

        task->stage = FEED_STAGE_TELLING;
        if (status != RP_OK) {
            fail(task, rp_status_text(status));
        }
    } else if (task->config->reload.n != 0) {
        run(task, MESSAGE_FEED_RELOAD, FEED_STAGE_TELLING);
    } else {
        told(task);
    }
}

/* Planning and writing. */

static enum rp_status plan(struct feed_task *task, struct rp_error *why)
{
    struct feed_source *const source = task->context->source;
    const enum rp_status status = feed_writer_plan(&task->writer, source, why);

    if (status == RP_OK) {
        memcpy(task->key, source->keys->keys[0].stek.name, sizeof task->key);
        task->row.n_keys = (uint32_t)source->keys->n;
        memcpy(task->row.key, task->key, sizeof task->row.key);
    }
    return status;
}

/* Another file from the same keys is due at an instant of the wall clock. */
static void set_dated(struct feed_task *task)
{
    const int64_t now_s = rp_clock_wall_s(NULL);
    const int64_t again_s = feed_again_s(task->kind, task->context->source->keys, now_s);

    loop_timer_clear(&task->dated);
    if (again_s != INT64_MAX) {
        const int64_t delay_s = order_most(again_s - now_s, 0);

        later(task, &task->dated, order_least(delay_s, INT32_MAX) * MS_PER_S);
    }
}

/* The files are as they should be. was_seen: with these very files, by who fed it before. */
static void go_on(struct feed_task *task, bool changed, bool was_seen)
{
    if (changed && task->expects_same) {
        log_strange(task, task->config->folder);
    }
    if (!changed && !task->told && task->config->reload.n != 0 && task->config->verify != NULL &&
        was_seen) {
        task->is_unsure = true; /* a feeder before this one told it: it is looked at first */
        told(task);
    } else if (changed || !task->told) {
        task->told = false;
        task->is_done = false;
        tell(task, task->context->source->keys);
    } else if (!task->is_done) {
        check(task);
    } else if (task->looks && task->kind->telling == FEED_TOLD_BY_SOCKET) {
        tell(task, task->context->source->keys); /* which begins by asking */
    } else {
        rest(task);
    }
}

static void write_files(struct feed_task *task)
{
    struct rp_error why = {""};
    bool changed = false;

    if (feed_writer_put(&task->writer, task->context->source, &changed, &why) != RP_OK) {
        fail(task, why.text);
    } else {
        set_dated(task);
        go_on(task, changed, feed_lock_noted(&task->writer.lock));
    }
}

static bool is_same_plan(const struct feed_task *task, const struct feed_row *before)
{
    return task->row.n_keys == before->n_keys &&
           memcmp(task->row.key, before->key, sizeof before->key) == 0;
}

static void plan_and_go(struct feed_task *task, bool looks)
{
    const struct feed_row before = task->row;
    struct rp_error why = {""};
    const enum rp_status status = plan(task, &why);

    loop_timer_clear(&task->timer);
    task->again = false;
    task->looks = looks;
    /* Not where a date alone makes another file. */
    task->expects_same = looks && task->kind->lead_ms == 0 && is_same_plan(task, &before);
    if (status != RP_OK) {
        fail(task, why.text);
    } else if (task->kind->is_configuration) {
        run(task, MESSAGE_FEED_WRITE, FEED_STAGE_WRITING);
    } else {
        write_files(task);
    }
    feed_source_wipe(task->context->source);
}

static void attempt(struct feed_task *task)
{
    plan_and_go(task, false);
}

void feed_task_look(struct feed_task *task)
{
    if (is_under_way(task)) {
        task->again = true;
    } else if (task->stage != FEED_STAGE_CLEARED) {
        attempt(task);
    }
}

/* The parent plans by itself, and so what it wrote may be newer than what was planned here. */
static void plan_anew(struct feed_task *task)
{
    const struct feed_row before = task->row;
    struct rp_error unsaid = {""};

    task->expects_same =
        plan(task, &unsaid) == RP_OK && is_same_plan(task, &before) && task->expects_same;
    feed_source_wipe(task->context->source);
}

/* The parent has them in place. */
static void written(struct feed_task *task, const struct message_feed_ran *m)
{
    struct rp_error why = {""};

    if (m->how == MESSAGE_FEED_EXITED) {
        plan_anew(task);
        go_on(task, m->value == MESSAGE_FEED_CHANGED, m->value == MESSAGE_FEED_SEEN);
    } else {
        feed_ran_explain(m, &why);
        fail(task, why.text);
    }
}

static void reloaded(struct feed_task *task, const struct message_feed_ran *m)
{
    struct rp_error why = {""};

    if (m->how == MESSAGE_FEED_EXITED && m->value == 0) {
        told(task);
    } else {
        feed_ran_explain(m, &why);
        fail(task, why.text);
    }
}

static enum feed_stage stage_of(enum message_feed_command what)
{
    switch (what) {
    case MESSAGE_FEED_RELOAD:
        return FEED_STAGE_TELLING;
    case MESSAGE_FEED_VERIFY:
        return FEED_STAGE_CHECKING;
    case MESSAGE_FEED_WRITE:
        break;
    }
    return FEED_STAGE_WRITING;
}

bool feed_task_ran(struct feed_task *task, const struct message_feed_ran *m)
{
    if (!is_under_way(task) || task->stage != stage_of(m->what) ||
        (m->what == MESSAGE_FEED_RELOAD && task->socket != NULL)) {
        return false;
    }
    switch (m->what) {
    case MESSAGE_FEED_RELOAD:
        reloaded(task, m);
        break;
    case MESSAGE_FEED_VERIFY:
        checked(task, m);
        break;
    case MESSAGE_FEED_WRITE:
        written(task, m);
        break;
    }
    catch_up(task);
    return true;
}

static void timer_due(struct loop_timer *timer)
{
    struct feed_task *task = (struct feed_task *)timer;

    if (task->stage == FEED_STAGE_CHECKING) {
        run(task, MESSAGE_FEED_VERIFY, FEED_STAGE_CHECKING);
    } else {
        plan_and_go(task, task->stage == FEED_STAGE_IDLE);
    }
}

static void dated_due(struct loop_timer *timer)
{
    feed_task_look((struct feed_task *)((char *)timer - offsetof(struct feed_task, dated)));
}

/* Beginning and end. */

enum rp_status feed_task_init(struct feed_task *task, const struct feed_context *context,
                              unsigned index, const struct config_feed *config, gid_t group)
{
    const enum rp_status status = feed_writer_init(&task->writer, config, group);

    if (status != RP_OK) {
        return status;
    }
    task->timer.due = timer_due;
    task->dated.due = dated_due;
    task->context = context;
    task->config = config;
    task->index = index;
    task->retry_ms = RETRY_LEAST_MS;
    task->kind = task->writer.kind;
    feed_table_text(task->row.name, sizeof task->row.name, config->name);
    feed_table_text(task->row.server, sizeof task->row.server, task->kind->name);
    task->row.wanted_ms = context->accept_ms;
    task->row.accept_ms =
        feed_plan_accept_ms(&task->writer.needs, context->rotate_ms, context->accept_ms);
    return task->kind->telling == FEED_TOLD_BY_SOCKET
               ? haproxy_socket_new(context->loop, &task->socket)
               : RP_OK;
}

void feed_task_fini(struct feed_task *task)
{
    loop_timer_clear(&task->timer);
    loop_timer_clear(&task->dated);
    haproxy_socket_free(&task->socket);
    feed_writer_fini(&task->writer);
}

void feed_task_resume(struct feed_task *task, const struct feed_list *before)
{
    for (size_t i = 0; i < before->n; i++) {
        const struct feed_row *row = &before->rows[i];

        if (strcmp(row->name, task->row.name) == 0 && strcmp(row->server, task->row.server) == 0) {
            task->row.n_updates = row->n_updates;
            task->row.n_failures = row->n_failures;
            task->row.told_ms = row->told_ms;
        }
    }
}

void feed_task_announce(const struct feed_task *task)
{
    char cost[RP_ERROR_SIZE];
    struct text t = text_of(cost, sizeof cost);
    const bool costs = feed_describe(task->kind, &task->writer.needs, task->context->rotate_ms,
                                     task->context->accept_ms, &t);

    LOG_LINE(task->context->log, LOG_LEVEL_INFO, "feeding", LOG_S("feed", task->row.name),
             LOG_S("server", task->row.server), LOG_S("domain", task->config->domain_id),
             LOG_S("folder", task->config->folder),
             LOG_N("accept_s", task->row.accept_ms / MS_PER_S));
    if (costs) {
        LOG_LINE(task->context->log, LOG_LEVEL_INFO, "what the server of a feed costs",
                 LOG_S("feed", task->row.name), LOG_S("cost", cost));
    }
}

void feed_task_clear(struct feed_task *task)
{
    struct rp_error why = {""};

    loop_timer_clear(&task->timer);
    loop_timer_clear(&task->dated);
    if (task->socket != NULL) {
        haproxy_socket_cancel(task->socket);
    }
    task->stage = FEED_STAGE_CLEARED;
    if (!task->kind->is_configuration &&
        feed_writer_clear(&task->writer, task->context->source, &why) != RP_OK) {
        LOG_LINE(task->context->log, LOG_LEVEL_ERROR, "keys of a feed may be left in its files",
                 LOG_S("feed", task->config->name), LOG_S("reason", why.text));
    }
}
