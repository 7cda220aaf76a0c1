/*
 * A store in which the hosts of a fleet leave each other messages: boxes of named values, each with
 * a lifetime (docs/formats/mailbox.md). Nothing here is trusted with anything but its room: callers
 * authenticate what they get.
 *
 * Asynchronous: no call waits for the store. Each question gets exactly one answer, by callback,
 * from a later call of store_ready or store_due (never from within the call that asks), with a
 * status that is not OK when the store could not be asked in time. Order is kept only for what goes
 * to one entry. Callbacks may ask, but not free the store.
 *
 * Not thread-safe; one process, one thread. No call but store_new blocks for longer than local disk
 * I/O takes. Memory is bounded: a reply that is larger than STORE_REPLY_MAX ends its connection,
 * and who asks twice STORE_QUESTIONS_MAX without a call of store_ready or store_due in between is,
 * alone of all, answered STORE_BUSY at once.
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#define STORE_VALUE_MAX 49152
/* Of box and of entry: a-z 0-9 . _ -, and in boxes / between names; a name begins with no dot. */
#define STORE_NAME_MAX 127
#define STORE_LIST_MAX 256
#define STORE_REPLY_MAX ((size_t)16 << 20) /* in bytes; also of all values in open questions */
#define STORE_QUESTIONS_MAX 1024           /* open at once; more are answered STORE_BUSY */

enum store_status {
    STORE_OK,
    STORE_TAKEN,  /* put if absent: it is there */
    STORE_ABSENT, /* get: it is not */
    STORE_DOWN,   /* no answer, in time or at all */
    STORE_BUSY,   /* too much is asked at once, or a name or a value is none */
    STORE_FULL,   /* it has no room */
};

struct store_entry {
    const char *name;
    const uint8_t *value; /* borrowed for the callback */
    size_t len;
};

struct store;

/*
 * How a store is driven. The owner watches fd (-1: none) for POLLIN, POLLOUT as `events` says, and
 * calls store_ready; and calls store_due at due_ms (boot time; INT64_MAX: never). Both may change
 * with every call into the store: `changed` says so, and store_wants tells what they are.
 */
struct store_wants {
    int fd;
    short events;
    int64_t due_ms;
};

struct store_owner {
    void (*changed)(void *cookie);
    /* It can be reached again, or not any more: why not, one sentence that names the address. Up
     * with a sentence: it can be reached, but takes nothing, as when it is full. */
    void (*state)(void *cookie, bool up, const char *why);
    /* An entry has come into the box that is watched; the callee deletes it when it has it. An
     * entry may be told of twice. */
    void (*arrived)(void *cookie, const struct store_entry *entry);
    void *cookie;
};

struct store_options {
    const char *url;    /* dir:/path, redis://[user:password@]host[:port][,host[:port]...][/db],
                           redis+unix:///path[?db=N]; checked by store_check_url */
    int64_t timeout_ms; /* of a question; 0: 2000 */
    uint64_t seed;      /* of the jitter of attempts to connect */
    bool is_visit;      /* a folder that is not there is not made */
};

/* Whether a URL can be used at all; err says in one sentence what is wrong. Opens nothing. */
bool store_check_url(const char *url, struct rp_error *err);

/*
 * Begins to connect. RP_INVALID: the URL; a store that cannot be reached is no failure. Host names
 * are looked up here and never again, in a few seconds at most: so it may be used where no name can
 * be looked up later. Where none of them is found, the store stays down, and says so.
 */
enum rp_status store_new(const struct store_options *options, const struct store_owner *owner,
                         int64_t now_ms, struct store **out, struct rp_error *err) RP_MUST_USE;

/* Open questions are dropped without an answer. Takes NULL, NULLs the pointer. */
void store_free(struct store **store);

struct store_wants store_wants(const struct store *store);
void store_ready(struct store *store, short revents, int64_t now_ms);
void store_due(struct store *store, int64_t now_ms);

typedef void store_done_fn(void *cookie, enum store_status status);

/* lifetime_ms: at least 1; the entry goes by itself when it is over. done may be NULL. */
void store_put(struct store *store, const char *box, const char *name, const uint8_t *value,
               size_t len, int64_t lifetime_ms, store_done_fn *done, void *cookie);
/* One of all who try at once gets STORE_OK, for as long as it lives. */
void store_put_if_absent(struct store *store, const char *box, const char *name,
                         const uint8_t *value, size_t len, int64_t lifetime_ms, store_done_fn *done,
                         void *cookie);
void store_delete(struct store *store, const char *box, const char *name, store_done_fn *done,
                  void *cookie);

/* entry is NULL unless STORE_OK. */
typedef void store_got_fn(void *cookie, enum store_status status, const struct store_entry *entry);
void store_get(struct store *store, const char *box, const char *name, store_got_fn *got,
               void *cookie);

/*
 * Entries of a box with their values: all, or where there are more than `most` (at most
 * STORE_LIST_MAX), so many at random. total: how many the box has, as far as the store knows.
 */
typedef void store_listed_fn(void *cookie, enum store_status status,
                             const struct store_entry *entries, size_t n, size_t total);
void store_list(struct store *store, const char *box, size_t most, store_listed_fn *listed,
                void *cookie);

/* From now on owner->arrived tells of entries of this box, also of those that are there already;
 * again after each loss of the store. One box a store. */
void store_watch(struct store *store, const char *box);

#endif
