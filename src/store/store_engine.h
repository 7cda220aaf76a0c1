/*
 * What the front of a store (store.c) and its engines are to each other.
 *
 * The front checks names, keeps the questions and their time, and tells the owner; an engine asks.
 * All is driven by a step, in this order: step, ask for each question that waits, flush.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store.h"

enum store_verb { STORE_PUT, STORE_CLAIM, STORE_DELETE, STORE_GET, STORE_LIST };

enum store_stage {
    STORE_WAITING, /* the engine has not taken it */
    STORE_ASKED,
    STORE_REFUSED, /* to be answered STORE_BUSY */
};

/* box, name and value stay where they are until it is answered. */
struct store_question {
    struct store_question *next, *prev;
    enum store_verb verb;
    enum store_stage stage;
    const char *box;
    const char *name; /* empty: of a list */
    const uint8_t *value;
    size_t len;
    int64_t lifetime_ms;
    size_t most;
    int64_t deadline_ms; /* 0: nobody has seen it yet */
    void *block;         /* where box, name and value are */
    union {
        store_done_fn *done;
        store_got_fn *got;
        store_listed_fn *listed;
    } answer;
    void *cookie;
};

struct store_engine {
    bool (*check)(const char *url, struct rp_error *err);
    enum rp_status (*open)(const struct store_options *options, struct store *store, int64_t now_ms,
                           void **out, struct rp_error *err);
    void (*close)(void *engine);
    /* fd stays the same as long as the engine lives; events are POLLIN. */
    int (*fd)(const void *engine);
    int64_t (*due_ms)(const void *engine);
    void (*step)(void *engine, int64_t now_ms);
    /* True: it was taken, and perhaps answered already. */
    bool (*ask)(void *engine, struct store_question *question, int64_t now_ms);
    /* A question that was taken is over: no answer to it any more. */
    void (*forget)(void *engine, const struct store_question *question);
    void (*flush)(void *engine, int64_t now_ms);
    /* box is borrowed for as long as the engine lives, and may have changed. */
    void (*watch)(void *engine, const char *box);
};

extern const struct store_engine store_directory;
extern const struct store_engine store_redis;

/* Whether an entry may have this name: for what others have written. */
bool store_name_valid(const char *name, size_t len);

/* Answers a question that was taken; it is gone then. n entries only with STORE_OK. */
void store_answer(struct store *store, struct store_question *question, enum store_status status,
                  const struct store_entry *entries, size_t n, size_t total);

void store_arrived(struct store *store, const struct store_entry *entry);

/* Tell the owner where it is news. why: one sentence. */
void store_is_up(struct store *store);
void store_is_down(struct store *store, const char *why);
/* It is reached, but does not do what the verb says: until it does, or was down, that stays so. */
void store_refuses(struct store *store, enum store_verb verb, const char *why);

#endif
