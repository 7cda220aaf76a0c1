/*
 * A store that is a Redis or Valkey. Two connections: one for all questions, and where a box is
 * watched one more that only listens, for one that listens may not ask. What is heard there is no
 * more than a hint: the box is looked at now and then as well.
 */
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "error.h"
#include "memory.h"
#include "order.h"
#include "redis_link.h"
#include "redis_script.h"
#include "redis_url.h"
#include "store_engine.h"
#include "text.h"

#define TIMEOUT_MS 2000
#define SCAN_MS 2000      /* of the watched box while somebody listens */
#define SCAN_BLIND_MS 500 /* the same while nobody does */
#define SCAN_MORE_MS 100  /* the same where it has more than one look shows */
#define SILENCE_MS 5000   /* after which whoever listens asks whether anybody is there */

enum kind { QUESTION = 1, SCAN, FETCH };

struct redis {
    struct store *store;
    struct redis_url url;
    struct redis_targets targets;
    struct redis_targets main_target; /* that the questions go to: there is what is to be heard */
    struct redis_link_options link_options;
    int epoll;
    struct redis_link *main;   /* NULL: there is nobody to connect to */
    struct redis_link *listen; /* NULL: nothing is watched */
    char why[RP_ERROR_SIZE];   /* there is nobody to connect to; empty when it was told */
    const char *box;           /* that is watched */
    bool listening;            /* the server has said so */
    bool scanning;
    bool rewatch; /* the box has changed */
    int64_t scan_ms;
    int64_t asked_ms; /* whether anybody is there */
    int64_t now_ms;
};

static bool check(const char *url, struct rp_error *err)
{
    struct redis_url parsed;
    const bool good = redis_url_parse(url, &parsed, err);

    memory_wipe(&parsed, sizeof parsed);
    return good;
}

static void refuse(struct redis *r, const struct store_question *q, const char *text)
{
    struct rp_error err;

    error_set(&err, "the store %s refuses what it is asked: %.200s",
              redis_link_target(r->main)->text, text);
    for (char *p = err.text; *p != '\0'; p++) {
        if (*p < ' ' || *p > '~') {
            *p = '?';
        }
    }
    store_refuses(r->store, q->verb, err.text);
}

/* Errors of a server that is of no use as it is now; the next one may be. */
static bool useless(const struct redis_reply *reply)
{
    static const char *const codes[] = {"READONLY",    "LOADING", "MASTERDOWN", "NOAUTH",
                                        "CLUSTERDOWN", "MOVED",   "BUSY"};

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (redis_reply_is_error(reply, codes[i])) {
            return true;
        }
    }
    return false;
}

static const char *take_error(struct redis *r, struct store_question *q,
                              const struct redis_reply *reply)
{
    const bool full = redis_reply_is_error(reply, "OOM");
    const char *const why = useless(reply) ? reply->text : NULL;

    if (why == NULL) {
        refuse(r, q, reply->text);
    }
    store_answer(r->store, q, full ? STORE_FULL : STORE_DOWN, NULL, 0, 0);
    return why;
}

static bool value_valid(const struct redis_reply *reply)
{
    return reply->kind == REDIS_STRING && reply->len <= STORE_VALUE_MAX;
}

static struct store_entry entry_of(const char *name, const struct redis_reply *value)
{
    return (struct store_entry){name, (const uint8_t *)value->text, value->len};
}

/*
 * The entries of a list: an array of how many there are, and name and value of each. What is none
 * is left out. False: it is no such array. entries: for memory_free, NULL if out of memory.
 */
static bool read_list(const struct redis_reply *reply, struct store_entry **entries, size_t *n,
                      size_t *total)
{
    *entries = NULL;
    *n = 0;
    if (reply->kind != REDIS_ARRAY || reply->n % 2 != 1 || reply->n > 2 * STORE_LIST_MAX + 1 ||
        reply->elements[0]->kind != REDIS_INTEGER || reply->elements[0]->integer < 0) {
        return false;
    }
    *total = (size_t)reply->elements[0]->integer;
    *entries = memory_new(STORE_LIST_MAX, sizeof **entries);
    for (size_t i = 1; *entries != NULL && i + 1 < reply->n; i += 2) {
        const struct redis_reply *const name = reply->elements[i];
        const struct redis_reply *const value = reply->elements[i + 1];

        if (name->kind == REDIS_STRING && store_name_valid(name->text, name->len) &&
            value_valid(value)) {
            (*entries)[(*n)++] = entry_of(name->text, value);
        }
    }
    return true;
}

static bool answer_list(struct redis *r, struct store_question *q, const struct redis_reply *reply)
{
    struct store_entry *entries;
    size_t n;
    size_t total;

    if (!read_list(reply, &entries, &n, &total)) {
        return false;
    }
    if (n > q->most) {
        n = q->most;
    }
    store_answer(r->store, q, entries != NULL ? STORE_OK : STORE_BUSY, entries, n, total);
    memory_free(entries);
    return true;
}

static bool answer_get(struct redis *r, struct store_question *q, const struct redis_reply *reply)
{
    char name[STORE_NAME_MAX + 1];
    struct text t = text_of(name, sizeof name);
    struct store_entry entry;

    if (reply->kind != REDIS_STRING && reply->kind != REDIS_NIL) {
        return false;
    }
    if (!value_valid(reply)) {
        store_answer(r->store, q, STORE_ABSENT, NULL, 0, 0);
        return true;
    }
    /* The answer ends the question, and with it the name. */
    text_add(&t, q->name);
    entry = entry_of(name, reply);
    store_answer(r->store, q, STORE_OK, &entry, 1, 1);
    return true;
}

static bool answer_done(struct redis *r, struct store_question *q, const struct redis_reply *reply)
{
    const bool good = reply->kind == REDIS_INTEGER && reply->integer >= 0 && reply->integer <= 1;

    if (good) {
        store_answer(r->store, q,
                     q->verb == STORE_CLAIM && reply->integer == 0 ? STORE_TAKEN : STORE_OK, NULL,
                     0, 0);
    }
    return good;
}

static const char *take_answer(struct redis *r, struct store_question *q,
                               const struct redis_reply *reply)
{
    const enum store_verb verb = q->verb;
    bool good;

    if (reply->kind == REDIS_ERROR) {
        return take_error(r, q, reply);
    }
    good = verb == STORE_LIST  ? answer_list(r, q, reply)
           : verb == STORE_GET ? answer_get(r, q, reply)
                               : answer_done(r, q, reply);
    if (!good) {
        store_answer(r->store, q, STORE_DOWN, NULL, 0, 0);
        return "answers otherwise than a Redis does";
    }
    return NULL;
}

static const char *take_scan(struct redis *r, const struct redis_reply *reply)
{
    struct store_entry *entries;
    size_t n;
    size_t total;

    r->scanning = false;
    if (reply->kind == REDIS_ERROR) {
        return useless(reply) ? reply->text : NULL;
    }
    if (!read_list(reply, &entries, &n, &total)) {
        return "answers otherwise than a Redis does";
    }
    if (total > n && n != 0) {
        r->scan_ms = r->now_ms + SCAN_MORE_MS;
    }
    for (size_t i = 0; i < n; i++) {
        store_arrived(r->store, &entries[i]);
    }
    memory_free(entries);
    return NULL;
}

static const char *take_fetched(struct redis *r, const struct redis_reply *reply)
{
    if (reply->kind == REDIS_ERROR) {
        return useless(reply) ? reply->text : NULL;
    }
    if (reply->kind != REDIS_ARRAY || reply->n != 2 || reply->elements[0]->kind != REDIS_STRING) {
        return "answers otherwise than a Redis does";
    }
    if (store_name_valid(reply->elements[0]->text, reply->elements[0]->len) &&
        value_valid(reply->elements[1])) {
        const struct store_entry entry = entry_of(reply->elements[0]->text, reply->elements[1]);

        store_arrived(r->store, &entry);
    }
    return NULL;
}

static const char *on_reply(void *cookie, unsigned kind, void *tag, const struct redis_reply *reply)
{
    struct redis *const r = cookie;

    switch ((enum kind)kind) {
    case QUESTION:
        if (tag == NULL) {
            return useless(reply) ? reply->text : NULL;
        }
        return take_answer(r, tag, reply);
    case SCAN:
        return take_scan(r, reply);
    case FETCH:
        return take_fetched(r, reply);
    }
    return NULL;
}

static void on_lost(void *cookie, unsigned kind, void *tag)
{
    struct redis *const r = cookie;

    if (kind == QUESTION && tag != NULL) {
        store_answer(r->store, tag, STORE_DOWN, NULL, 0, 0);
    } else if (kind == SCAN) {
        r->scanning = false;
    }
}

static void on_up(void *cookie)
{
    struct redis *const r = cookie;

    r->scan_ms = r->now_ms;
    r->rewatch = r->box != NULL;
    store_is_up(r->store);
}

static void on_down(void *cookie, const char *why)
{
    store_is_down(((struct redis *)cookie)->store, why);
}

static void on_listen_up(void *cookie)
{
    struct redis *const r = cookie;

    r->asked_ms = r->now_ms;
    (void)redis_script_subscribe(r->listen, r->box, r->now_ms);
}

/* The other connection says whether the store is down. */
static void on_listen_down(void *cookie, const char *why)
{
    (void)why;
    ((struct redis *)cookie)->listening = false;
}

static const char *on_unasked(void *cookie, unsigned kind, void *tag,
                              const struct redis_reply *reply)
{
    (void)cookie;
    (void)kind;
    (void)tag;
    (void)reply;
    return "answers otherwise than a Redis does";
}

static void on_listen_lost(void *cookie, unsigned kind, void *tag)
{
    (void)cookie;
    (void)kind;
    (void)tag;
}

/* "subscribe" and "message", each with the channel and something more; or "pong". */
static const char *on_pushed(void *cookie, const struct redis_reply *reply)
{
    struct redis *const r = cookie;
    const struct redis_reply *what;

    if (reply->kind == REDIS_ERROR) {
        return reply->text;
    }
    if (reply->kind != REDIS_ARRAY || reply->n < 2 || reply->elements[0]->kind != REDIS_STRING) {
        return "answers otherwise than a Redis does";
    }
    what = reply->elements[reply->n - 1];
    if (strcmp(reply->elements[0]->text, "subscribe") == 0) {
        r->listening = true;
        r->scan_ms = r->now_ms;
    } else if (strcmp(reply->elements[0]->text, "message") == 0 && what->kind == REDIS_STRING &&
               store_name_valid(what->text, what->len) &&
               !redis_script_fetch(r->main, r->box, what->text, FETCH, r->now_ms)) {
        r->scan_ms = r->now_ms + SCAN_MORE_MS;
    }
    return NULL;
}

static void close_redis(void *engine)
{
    struct redis *const r = engine;

    redis_link_free(&r->main);
    redis_link_free(&r->listen);
    if (r->epoll >= 0) {
        (void)close(r->epoll);
    }
    memory_wipe(r, sizeof *r);
    memory_free(r);
}

static enum rp_status open_main(struct redis *r)
{
    const struct redis_link_owner owner = {
        .up = on_up, .down = on_down, .reply = on_reply, .lost = on_lost, .cookie = r};
    struct rp_error missing;
    struct text why = text_of(r->why, sizeof r->why);

    redis_url_resolve(&r->url, &r->targets, &missing);
    if (r->targets.n == 0) {
        text_addf(&why, "the store %.200s has no address that could be found", missing.text);
        return RP_OK;
    }
    return redis_link_new(&r->link_options, &owner, &r->main);
}

static enum rp_status open_redis(const struct store_options *options, struct store *store,
                                 int64_t now_ms, void **out, struct rp_error *err)
{
    struct redis *const r = memory_new(1, sizeof *r);
    enum rp_status status = RP_SYSTEM;

    if (r == NULL) {
        return RP_NO_MEMORY;
    }
    r->store = store;
    r->now_ms = now_ms;
    r->scan_ms = INT64_MAX;
    r->epoll = epoll_create1(EPOLL_CLOEXEC);
    r->link_options = (struct redis_link_options){
        .url = &r->url,
        .targets = &r->targets,
        .epoll = r->epoll,
        .timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS,
        .seed = options->seed};
    if (r->epoll < 0) {
        error_set(err, "the store cannot be used: no descriptor is left");
    } else if (!redis_url_parse(options->url, &r->url, err)) {
        status = RP_INVALID;
    } else {
        status = open_main(r);
    }
    if (status != RP_OK) {
        close_redis(r);
        return status;
    }
    *out = r;
    return RP_OK;
}

static int fd_of(const void *engine)
{
    return ((const struct redis *)engine)->epoll;
}

static int64_t due_of(const void *engine)
{
    const struct redis *const r = engine;
    int64_t due_ms = INT64_MAX;

    if (r->why[0] != '\0' || r->rewatch) {
        return r->now_ms;
    }
    if (r->main != NULL) {
        due_ms = order_least(due_ms, redis_link_due_ms(r->main));
    }
    if (r->listen != NULL) {
        due_ms = order_least(due_ms, redis_link_due_ms(r->listen));
        if (redis_link_up(r->listen)) {
            due_ms = order_least(due_ms, r->asked_ms + SILENCE_MS);
        }
    }
    if (r->box != NULL && r->main != NULL && redis_link_up(r->main) && !r->scanning) {
        due_ms = order_least(due_ms, r->scan_ms);
    }
    return due_ms;
}

static void listen_anew(struct redis *r)
{
    const struct redis_link_owner owner = {.up = on_listen_up,
                                           .down = on_listen_down,
                                           .reply = on_unasked,
                                           .pushed = on_pushed,
                                           .lost = on_listen_lost,
                                           .cookie = r};
    struct redis_link_options options = r->link_options;

    redis_link_free(&r->listen);
    r->listening = false;
    r->rewatch = false;
    r->scan_ms = r->now_ms;
    r->main_target.at[0] = *redis_link_target(r->main);
    r->main_target.n = 1;
    options.targets = &r->main_target;
    if (redis_link_new(&options, &owner, &r->listen) != RP_OK) {
        /* Then the box is looked at more often. */
        r->listen = NULL;
    }
}

static void scan(struct redis *r)
{
    if (r->box == NULL || r->scanning || r->scan_ms > r->now_ms || !redis_link_up(r->main)) {
        return;
    }
    r->scan_ms = r->now_ms + (r->listening ? SCAN_MS : SCAN_BLIND_MS);
    r->scanning = redis_script_list(r->main, r->box, STORE_LIST_MAX, SCAN, NULL, r->now_ms);
}

/* A connection that only listens notices by itself no more than that it was closed. */
static void ask_who_is_there(struct redis *r)
{
    static const struct redis_arg ping[] = {{"PING", 4}};

    if (redis_link_up(r->listen) && r->now_ms >= r->asked_ms + SILENCE_MS) {
        if (r->now_ms - redis_link_heard_ms(r->listen) >= 2 * SILENCE_MS) {
            r->rewatch = true;
        }
        r->asked_ms = r->now_ms;
        (void)redis_link_command(r->listen, ping, 1, 0, NULL, r->now_ms);
    }
}

static void step(void *engine, int64_t now_ms)
{
    struct redis *const r = engine;
    struct epoll_event events[2];
    int n;

    r->now_ms = now_ms;
    if (r->main == NULL) {
        if (r->why[0] != '\0') {
            store_is_down(r->store, r->why);
            r->why[0] = '\0';
        }
        return;
    }
    if (r->rewatch) {
        listen_anew(r);
    }
    n = epoll_wait(r->epoll, events, 2, 0);
    for (int i = 0; i < n; i++) {
        redis_link_ready(events[i].data.ptr, events[i].events, now_ms);
    }
    redis_link_tick(r->main, now_ms);
    if (r->listen != NULL) {
        redis_link_tick(r->listen, now_ms);
        ask_who_is_there(r);
    }
    scan(r);
}

static bool ask(void *engine, struct store_question *q, int64_t now_ms)
{
    struct redis *const r = engine;

    return r->main != NULL && redis_script_ask(r->main, q, QUESTION, now_ms);
}

static void forget(void *engine, const struct store_question *question)
{
    redis_link_forget(((struct redis *)engine)->main, question);
}

static void flush(void *engine, int64_t now_ms)
{
    struct redis *const r = engine;

    if (r->main != NULL) {
        redis_link_flush(r->main, now_ms);
    }
    if (r->listen != NULL) {
        redis_link_flush(r->listen, now_ms);
    }
}

static void watch(void *engine, const char *box)
{
    struct redis *const r = engine;

    r->box = box;
    r->rewatch = r->main != NULL && redis_link_up(r->main);
}

const struct store_engine store_redis = {
    .check = check,
    .open = open_redis,
    .close = close_redis,
    .fd = fd_of,
    .due_ms = due_of,
    .step = step,
    .ask = ask,
    .forget = forget,
    .flush = flush,
    .watch = watch,
};
