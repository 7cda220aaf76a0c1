#include "feed_task.h"

#include <string.h>

#include <reprise/clock.h>

#include "error.h"
#include "feed_ran.h"
#include "memory.h"
#include "order.h"
#include "text.h"
#include "window.h"
#include "window_keys.h"

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

/* Whatever it was doing, it is not up to date; it will try again. */
static void fail(struct feed_task *task, const char *why)
{
    const bool was_behind = task->is_behind;

    task->is_behind = true;
    task->told = false;
    feed_lock_note(&task->lock, false);
    task->is_done = false;
    task->check_until_ms = 0;
    task->stage = FEED_STAGE_WAITING;
    task->row.n_failures++;
    task->row.state = FEED_TABLE_BEHIND;
    feed_table_text(task->row.why, sizeof task->row.why, why);
    later(task, &task->timer, task->retry_ms);
    task->retry_ms = order_least(task->retry_ms * 2, RETRY_MOST_MS);
    through(task); /* whoever reads the log finds it shown */
    if (!was_behind) {
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
    feed_lock_note(&task->lock, true);
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
        feed_lock_note(&task->lock, false);
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
    return task->stage == FEED_STAGE_TELLING ||
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
    const struct feed_context *context = task->context;
    enum rp_status status = RP_NOT_FOUND;

    if (!task->has_domain) {
        task->has_domain = window_domain(context->keyring, task->config->domain_id, &task->domain);
    }
    if (task->has_domain && window_keys_list(context->keyring, task->domain, context->listed)) {
        status = feed_plan(&task->needs, context->listed, context->offset_ms, context->keys);
    }
    if (status != RP_OK) {
        error_set(why, status == RP_NOT_FOUND ? "there is no key yet" : "no keys: %s",
                  rp_status_text(status));
        return status;
    }
    memcpy(task->key, context->keys->keys[0].stek.name, sizeof task->key);
    task->row.n_keys = (uint32_t)context->keys->n;
    memcpy(task->row.key, task->key, sizeof task->row.key);
    return RP_OK;
}

/* The keys that are planned, as files. */
static enum rp_status make_files(const struct feed_task *task, struct feed_files *files,
                                 struct rp_error *why)
{
    const struct feed_target target = {.folder = task->config->folder,
                                       .file = task->config->prefix,
                                       .format = (enum key_format)task->config->format,
                                       .now_s = rp_clock_wall_s(NULL)};
    const enum rp_status status = feed_make_files(task->kind, task->context->keys, &target, files);

    if (status != RP_OK) {
        error_set(why, "the keys do not make files: %s", rp_status_text(status));
    }
    return status;
}

static enum rp_status write_files(struct feed_task *task, bool *changed, struct rp_error *why)
{
    struct feed_files files = {0};
    enum rp_status status = make_files(task, &files, why);

    *changed = false;
    if (status == RP_OK) {
        status = feed_folder_put(&task->folder, &files, changed, why);
    }
    feed_files_fini(&files);
    return status;
}

/* Another file from the same keys is due at an instant of the wall clock. */
static void set_dated(struct feed_task *task)
{
    const int64_t now_s = rp_clock_wall_s(NULL);
    const int64_t again_s = feed_again_s(task->kind, task->context->keys, now_s);

    loop_timer_clear(&task->dated);
    if (again_s != INT64_MAX) {
        const int64_t delay_s = order_most(again_s - now_s, 0);

        later(task, &task->dated, order_least(delay_s, INT32_MAX) * MS_PER_S);
    }
}

static void forget_keys(const struct feed_context *context)
{
    feed_keys_wipe(context->keys);
    memory_wipe(context->listed->keys, context->listed->n * sizeof *context->listed->keys);
    context->listed->n = 0;
}

/* The files are as they should be. looks: so is the server, as far as was known. */
static void go_on(struct feed_task *task, bool changed, bool looks)
{
    if (!changed && !task->told && task->config->reload.n != 0 && task->config->verify != NULL &&
        feed_lock_noted(&task->lock)) {
        task->is_unsure = true; /* a feeder before this one told it: it is looked at first */
        told(task);
    } else if (changed || !task->told) {
        task->told = false;
        task->is_done = false;
        tell(task, task->context->keys);
    } else if (!task->is_done) {
        check(task);
    } else if (looks && task->kind->telling == FEED_TOLD_BY_SOCKET) {
        tell(task, task->context->keys); /* which begins by asking */
    } else {
        rest(task);
    }
}

/* As many files as there would be, of keys that nobody else has. */
static enum rp_status throw_away(const struct feed_task *task, struct rp_error *why)
{
    struct feed_files files = {0};
    bool changed;
    enum rp_status status = make_files(task, &files, why);

    if (status == RP_OK) {
        feed_files_throw_away(&files);
        status = feed_folder_put(&task->folder, &files, &changed, why);
    }
    feed_files_fini(&files);
    return status;
}

static bool is_planned(const struct feed_keys *keys, const uint8_t name[static 16])
{
    for (size_t i = 0; i < keys->n; i++) {
        if (memcmp(keys->keys[i].stek.name, name, sizeof keys->keys[i].stek.name) == 0) {
            return true;
        }
    }
    return false;
}

/*
 * Swap that was turned on, or another file system at the place, since the parent looked. No key is
 * written from now on. Those that are there serve as long as the last that sealed is in the window.
 */
static enum rp_status check_memory(struct feed_task *task, struct rp_error *why)
{
    struct rp_error unsaid = {""};
    const enum rp_status status =
        task->folder.may_reach_disk ? RP_OK : feed_folder_check(&task->folder, why);

    if (status != RP_OK && task->has_written && !is_planned(task->context->keys, task->written)) {
        task->has_written = throw_away(task, &unsaid) != RP_OK;
    }
    return status;
}

static enum rp_status bring_up(struct feed_task *task, bool *changed, struct rp_error *why)
{
    enum rp_status status = feed_lock_take(&task->lock, &task->folder, why);

    if (status == RP_OK) {
        status = plan(task, why);
    }
    if (status == RP_OK) {
        status = check_memory(task, why);
    }
    if (status == RP_OK) {
        const bool was_noted = feed_lock_noted(&task->lock);

        feed_lock_note(&task->lock, false); /* for who is killed here */
        status = write_files(task, changed, why);
        feed_lock_note(&task->lock, status == RP_OK && !*changed && was_noted);
    }
    if (status == RP_OK) {
        memcpy(task->written, task->key, sizeof task->written);
        task->has_written = true;
    }
    return status;
}

static void plan_and_go(struct feed_task *task, bool looks)
{
    const struct feed_row before = task->row;
    struct rp_error why = {""};
    bool changed = false;

    loop_timer_clear(&task->timer);
    task->again = false;
    if (bring_up(task, &changed, &why) != RP_OK) {
        fail(task, why.text);
    } else {
        /* Not where a date alone makes another file. */
        if (looks && changed && task->kind->lead_ms == 0 && task->row.n_keys == before.n_keys &&
            memcmp(task->row.key, before.key, sizeof before.key) == 0) {
            log_strange(task, task->config->folder);
        }
        set_dated(task);
        go_on(task, changed, looks);
    }
    forget_keys(task->context);
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

bool feed_task_ran(struct feed_task *task, const struct message_feed_ran *m)
{
    const bool is_reload = m->what == MESSAGE_FEED_RELOAD;
    struct rp_error why = {""};

    if (!is_under_way(task) || (is_reload && task->socket != NULL) ||
        task->stage != (is_reload ? FEED_STAGE_TELLING : FEED_STAGE_CHECKING)) {
        return false;
    }
    if (!is_reload) {
        checked(task, m);
    } else if (m->how == MESSAGE_FEED_EXITED && m->value == 0) {
        told(task);
    } else {
        feed_ran_explain(m, &why);
        fail(task, why.text);
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
    const char *word = config_feed_word(config->server);

    task->timer.due = timer_due;
    task->dated.due = dated_due;
    task->context = context;
    task->config = config;
    task->index = index;
    task->retry_ms = RETRY_LEAST_MS;
    task->kind = feed_kind_find(word);
    if (task->kind == NULL ||
        !feed_needs(task->kind, (enum key_format)config->format, config->is_short, &task->needs)) {
        return RP_NOT_FOUND;
    }
    task->folder = (struct feed_folder){.path = config->folder,
                                        .group = group,
                                        .may_reach_disk = config->keys_may_reach_disk,
                                        .only = config->prefix,
                                        .is_read_once = task->kind->lead_ms != 0};
    feed_table_text(task->row.name, sizeof task->row.name, config->name);
    feed_table_text(task->row.server, sizeof task->row.server, word);
    task->row.wanted_ms = context->accept_ms;
    task->row.accept_ms = feed_plan_accept_ms(&task->needs, context->rotate_ms, context->accept_ms);
    return task->kind->telling == FEED_TOLD_BY_SOCKET
               ? haproxy_socket_new(context->loop, &task->socket)
               : RP_OK;
}

void feed_task_fini(struct feed_task *task)
{
    loop_timer_clear(&task->timer);
    loop_timer_clear(&task->dated);
    haproxy_socket_free(&task->socket);
    feed_lock_release(&task->lock);
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
    const bool costs = feed_describe(task->kind, &task->needs, task->context->rotate_ms,
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
    enum rp_status status;

    loop_timer_clear(&task->timer);
    loop_timer_clear(&task->dated);
    feed_lock_note(&task->lock, false);
    if (task->socket != NULL) {
        haproxy_socket_cancel(task->socket);
    }
    task->stage = FEED_STAGE_CLEARED;
    if (feed_lock_take(&task->lock, &task->folder, &why) == RP_INVALID) {
        return; /* what is there is another's */
    }
    status = plan(task, &why);
    if (status == RP_OK) {
        status = throw_away(task, &why);
    }
    if (status != RP_OK) {
        status = feed_folder_clear(&task->folder, &why);
    }
    forget_keys(task->context);
    if (status != RP_OK) {
        LOG_LINE(task->context->log, LOG_LEVEL_ERROR, "keys of a feed may be left in its files",
                 LOG_S("feed", task->config->name), LOG_S("reason", why.text));
    }
}
