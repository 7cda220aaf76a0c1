#include "store.h"

#include <poll.h>
#include <string.h>

#include "error.h"
#include "memory.h"
#include "store_engine.h"

#define TIMEOUT_MS 2000
#define LIFETIME_MAX_MS ((int64_t)1 << 40)
#define VALUES_MAX STORE_REPLY_MAX /* of all open questions, in bytes */

/* Those that are open, and as many that are only refused: see store.h. */
#define SLOTS (2 * STORE_QUESTIONS_MAX)

enum health { UNKNOWN, UP, REFUSING, DOWN };

struct store {
    const struct store_engine *ops;
    void *engine;
    struct store_owner owner;
    struct store_question *slots;
    struct store_question *unused; /* linked by next */
    struct store_question *first, *last;
    size_t n_open; /* without those that are refused */
    size_t n_bytes;
    int64_t timeout_ms;
    int64_t now_ms;
    bool urgent; /* there is something that no step has seen */
    bool stepping;
    enum health health;
    enum store_verb refused; /* where it is REFUSING: what it refused first */
    struct store_wants told;
    char box[STORE_NAME_MAX + 1]; /* that is watched; empty: none */
};

static const struct store_engine *engine_of(const char *url)
{
    if (strncmp(url, "dir:", 4) == 0) {
        return &store_directory;
    }
    if (strncmp(url, "redis:", 6) == 0 || strncmp(url, "redis+unix:", 11) == 0) {
        return &store_redis;
    }
    return NULL;
}

bool store_check_url(const char *url, struct rp_error *err)
{
    const struct store_engine *const ops = engine_of(url);

    if (ops == NULL) {
        error_set(err, "a store is dir:/PATH, redis://HOST:PORT or redis+unix:///PATH");
        return false;
    }
    return ops->check(url, err);
}

static bool plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool store_name_valid(const char *name, size_t len)
{
    if (len == 0 || len > STORE_NAME_MAX || name[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!plain(name[i])) {
            return false;
        }
    }
    return true;
}

static bool box_valid(const char *box)
{
    const char *at = box;

    if (strlen(box) > STORE_NAME_MAX) {
        return false;
    }
    for (;;) {
        const size_t len = strcspn(at, "/");

        if (!store_name_valid(at, len)) {
            return false;
        }
        if (at[len] == '\0') {
            return true;
        }
        at += len + 1;
    }
}

enum rp_status store_new(const struct store_options *options, const struct store_owner *owner,
                         int64_t now_ms, struct store **out, struct rp_error *err)
{
    struct store *store;
    enum rp_status status = RP_NO_MEMORY;

    *out = NULL;
    error_clear(err);
    if (!store_check_url(options->url, err)) {
        return RP_INVALID;
    }
    store = memory_new(1, sizeof *store);
    if (store == NULL) {
        return RP_NO_MEMORY;
    }
    store->ops = engine_of(options->url);
    store->owner = *owner;
    store->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
    store->now_ms = now_ms;
    store->slots = memory_new(SLOTS, sizeof *store->slots);
    if (store->slots == NULL) {
        goto done;
    }
    for (size_t i = SLOTS; i-- > 0;) {
        store->slots[i].next = store->unused;
        store->unused = &store->slots[i];
    }
    status = store->ops->open(options, store, now_ms, &store->engine, err);
    if (status == RP_OK) {
        store->told = store_wants(store);
        *out = store;
        store = NULL; /* transferred */
    }
done:
    store_free(&store);
    return status;
}

void store_free(struct store **store)
{
    struct store *const s = *store;

    if (s == NULL) {
        return;
    }
    if (s->engine != NULL) {
        s->ops->close(s->engine);
    }
    for (struct store_question *q = s->first; q != NULL; q = q->next) {
        memory_free(q->block);
    }
    memory_free(s->slots);
    memory_free(s);
    *store = NULL;
}

struct store_wants store_wants(const struct store *store)
{
    struct store_wants wants = {store->ops->fd(store->engine), POLLIN,
                                store->ops->due_ms(store->engine)};

    if (store->urgent) {
        wants.due_ms = store->now_ms;
    } else if (store->first != NULL && store->first->deadline_ms < wants.due_ms) {
        wants.due_ms = store->first->deadline_ms;
    }
    if (wants.due_ms < store->now_ms) {
        wants.due_ms = store->now_ms;
    }
    return wants;
}

static void tell_wants(struct store *store)
{
    const struct store_wants wants = store_wants(store);

    if (!store->stepping && (wants.due_ms != store->told.due_ms || wants.fd != store->told.fd ||
                             wants.events != store->told.events)) {
        store->told = wants;
        store->owner.changed(store->owner.cookie);
    }
}

/* Takes a question out of the list and back to the unused ones; its callback is in *was. */
static void release(struct store *store, struct store_question *q, struct store_question *was)
{
    *was = *q;
    *(q->prev != NULL ? &q->prev->next : &store->first) = q->next;
    *(q->next != NULL ? &q->next->prev : &store->last) = q->prev;
    if (q->stage != STORE_REFUSED) {
        store->n_open--;
        store->n_bytes -= q->len;
    }
    memory_free(q->block);
    memset(q, 0, sizeof *q);
    q->next = store->unused;
    store->unused = q;
}

static void become(struct store *store, enum health health, const char *why)
{
    if (store->health != health) {
        store->health = health;
        store->owner.state(store->owner.cookie, health != DOWN, why);
    }
}

static bool writes(enum store_verb verb)
{
    return verb == STORE_PUT || verb == STORE_CLAIM;
}

/* It did what it had refused. */
static void accepted(struct store *store, enum store_verb verb)
{
    if (store->health == REFUSING &&
        (verb == store->refused || (writes(verb) && writes(store->refused)))) {
        become(store, UP, NULL);
    }
}

static void call_back(const struct store_question *q, enum store_status status,
                      const struct store_entry *entries, size_t n, size_t total)
{
    switch (q->verb) {
    case STORE_PUT:
    case STORE_CLAIM:
    case STORE_DELETE:
        if (q->answer.done != NULL) {
            q->answer.done(q->cookie, status);
        }
        return;
    case STORE_GET:
        q->answer.got(q->cookie, status, status == STORE_OK ? entries : NULL);
        return;
    case STORE_LIST:
        q->answer.listed(q->cookie, status, entries, n, total);
        return;
    }
}

void store_answer(struct store *store, struct store_question *question, enum store_status status,
                  const struct store_entry *entries, size_t n, size_t total)
{
    struct store_question was;

    release(store, question, &was);
    if (status == STORE_OK || status == STORE_TAKEN || status == STORE_ABSENT) {
        accepted(store, was.verb);
    }
    call_back(&was, status, entries, n, total);
}

void store_arrived(struct store *store, const struct store_entry *entry)
{
    store->owner.arrived(store->owner.cookie, entry);
}

void store_is_up(struct store *store)
{
    if (store->health != REFUSING) {
        become(store, UP, NULL);
    }
}

void store_is_down(struct store *store, const char *why)
{
    become(store, DOWN, why);
}

void store_refuses(struct store *store, enum store_verb verb, const char *why)
{
    if (store->health != REFUSING) {
        store->refused = verb;
    }
    become(store, REFUSING, why);
}

/* Of one entry, what was asked first comes first. */
static bool must_wait(const struct store_question *q)
{
    for (const struct store_question *p = q->prev; p != NULL; p = p->prev) {
        if (p->stage == STORE_WAITING && strcmp(p->box, q->box) == 0 &&
            strcmp(p->name, q->name) == 0) {
            return true;
        }
    }
    return false;
}

/* Callbacks may ask: what they ask is for the next step, so this one comes to an end. */
static void ask_all(struct store *store, int64_t now_ms)
{
    const struct store_question *const last = store->last;
    struct store_question *next = store->first;
    bool stuck = false;

    for (bool more = last != NULL; more;) {
        struct store_question *const q = next;

        more = q != last;
        next = q->next;
        if (q->stage == STORE_REFUSED) {
            store_answer(store, q, STORE_BUSY, NULL, 0, 0);
            continue;
        }
        if (q->deadline_ms == 0) {
            q->deadline_ms = now_ms + store->timeout_ms;
        }
        if (q->stage != STORE_WAITING || (stuck && must_wait(q))) {
            continue;
        }
        q->stage = STORE_ASKED;
        if (!store->ops->ask(store->engine, q, now_ms)) {
            q->stage = STORE_WAITING;
            stuck = true;
        }
    }
}

/* They stand in the order in which they were asked, so in that of their deadlines. */
static void give_up_late(struct store *store, int64_t now_ms)
{
    while (store->first != NULL && store->first->stage != STORE_REFUSED &&
           store->first->deadline_ms != 0 && store->first->deadline_ms <= now_ms) {
        struct store_question *const q = store->first;

        if (q->stage == STORE_ASKED) {
            store->ops->forget(store->engine, q);
        }
        store_answer(store, q, STORE_DOWN, NULL, 0, 0);
    }
}

static void step(struct store *store, int64_t now_ms)
{
    store->now_ms = now_ms;
    store->stepping = true;
    store->urgent = false;
    store->ops->step(store->engine, now_ms);
    ask_all(store, now_ms);
    store->ops->flush(store->engine, now_ms);
    give_up_late(store, now_ms);
    store->stepping = false;
    /* The owner's timer is spent: it has to hear of the next one, even of the same instant. */
    store->told.due_ms = INT64_MIN;
    tell_wants(store);
}

void store_ready(struct store *store, short revents, int64_t now_ms)
{
    (void)revents;
    step(store, now_ms);
}

void store_due(struct store *store, int64_t now_ms)
{
    step(store, now_ms);
}

/* Room for one more, at the end of the list; NULL: not even to say that it is refused. */
static struct store_question *take_slot(struct store *store, const struct store_question *question)
{
    struct store_question *const q = store->unused;

    if (q != NULL) {
        store->unused = q->next;
        *q = *question;
        q->lifetime_ms = q->lifetime_ms < 1 ? 1 : q->lifetime_ms;
        q->lifetime_ms = q->lifetime_ms > LIFETIME_MAX_MS ? LIFETIME_MAX_MS : q->lifetime_ms;
        q->prev = store->last;
        *(store->last != NULL ? &store->last->next : &store->first) = q;
        store->last = q;
    }
    return q;
}

/* False: no room for it. */
static bool copy_texts(struct store *store, struct store_question *q)
{
    const size_t box_size = strlen(q->box) + 1;
    const size_t name_size = strlen(q->name) + 1;
    char *block;

    if (store->n_open >= STORE_QUESTIONS_MAX || q->len > VALUES_MAX - store->n_bytes) {
        return false;
    }
    block = memory_new(box_size + name_size + q->len, 1);
    if (block == NULL) {
        return false;
    }
    memcpy(block, q->box, box_size);
    memcpy(block + box_size, q->name, name_size);
    if (q->len != 0) {
        memcpy(block + box_size + name_size, q->value, q->len);
    }
    q->block = block;
    q->box = block;
    q->name = block + box_size;
    q->value = (const uint8_t *)block + box_size + name_size;
    store->n_open++;
    store->n_bytes += q->len;
    return true;
}

static void ask(struct store *store, const struct store_question *question)
{
    const bool valid =
        box_valid(question->box) && question->len <= STORE_VALUE_MAX &&
        (question->verb == STORE_LIST || store_name_valid(question->name, strlen(question->name)));
    struct store_question *const q = take_slot(store, question);

    if (q == NULL) {
        call_back(question, STORE_BUSY, NULL, 0, 0);
        return;
    }
    if (!valid || !copy_texts(store, q)) {
        q->stage = STORE_REFUSED;
        q->len = 0;
    }
    store->urgent = true;
    tell_wants(store);
}

static void put(struct store *store, enum store_verb verb, const char *box, const char *name,
                const uint8_t *value, size_t len, int64_t lifetime_ms, store_done_fn *done,
                void *cookie)
{
    const struct store_question q = {.verb = verb,
                                     .box = box,
                                     .name = name,
                                     .value = value,
                                     .len = len,
                                     .lifetime_ms = lifetime_ms,
                                     .answer.done = done,
                                     .cookie = cookie};

    ask(store, &q);
}

void store_put(struct store *store, const char *box, const char *name, const uint8_t *value,
               size_t len, int64_t lifetime_ms, store_done_fn *done, void *cookie)
{
    put(store, STORE_PUT, box, name, value, len, lifetime_ms, done, cookie);
}

void store_put_if_absent(struct store *store, const char *box, const char *name,
                         const uint8_t *value, size_t len, int64_t lifetime_ms, store_done_fn *done,
                         void *cookie)
{
    put(store, STORE_CLAIM, box, name, value, len, lifetime_ms, done, cookie);
}

void store_delete(struct store *store, const char *box, const char *name, store_done_fn *done,
                  void *cookie)
{
    const struct store_question q = {
        .verb = STORE_DELETE, .box = box, .name = name, .answer.done = done, .cookie = cookie};

    ask(store, &q);
}

void store_get(struct store *store, const char *box, const char *name, store_got_fn *got,
               void *cookie)
{
    const struct store_question q = {
        .verb = STORE_GET, .box = box, .name = name, .answer.got = got, .cookie = cookie};

    ask(store, &q);
}

void store_list(struct store *store, const char *box, size_t most, store_listed_fn *listed,
                void *cookie)
{
    const struct store_question q = {.verb = STORE_LIST,
                                     .box = box,
                                     .name = "",
                                     .most = most < STORE_LIST_MAX ? most : STORE_LIST_MAX,
                                     .answer.listed = listed,
                                     .cookie = cookie};

    ask(store, &q);
}

void store_watch(struct store *store, const char *box)
{
    if (!box_valid(box)) {
        return;
    }
    memcpy(store->box, box, strlen(box) + 1);
    store->ops->watch(store->engine, store->box);
    store->urgent = true;
    tell_wants(store);
}
