/*
 * A store that is a folder of this machine: dir:/path. Every question is answered in the step that
 * takes it, but one that has to wait for a lock. The folder is opened anew in each step, so it may
 * vanish and come back at any time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "memory.h"
#include "order.h"
#include "store_engine.h"
#include "store_folder.h"
#include "text.h"

#define SCHEME_LEN (sizeof("dir:") - 1)
#define PATH_MAX_LEN 1023

#define CHECK_MS 1000     /* whether a folder that is down is there again */
#define SCAN_MS 2000      /* of a watched box, in case that nobody was told of something */
#define SCAN_BLIND_MS 250 /* the same where the kernel tells nothing */
#define SCAN_MORE_MS 100  /* the same where there were more than one look shows */
#define SWEEP_MS 60000
#define LOCK_RETRY_MS 3
#define EVENTS_ROUNDS 16
#define WRITE_TRIES 3

struct directory {
    struct store *store;
    char path[PATH_MAX_LEN + 1];
    struct store_moment moment;
    uint64_t random;
    int root;   /* for one step; -1: not opened in this one */
    bool makes; /* the folder, where it is missing */
    bool lock_missed;
    int events;      /* inotify; -1: none to be had */
    const char *box; /* that is watched; NULL: none */
    int box_fd;      /* locked (shared), so that nobody removes it */
    int box_watch;
    int above_watch;  /* a folder that is held open does not tell of its own end */
    int64_t check_ms; /* INT64_MAX: the folder is there */
    int64_t scan_ms;
    int64_t sweep_ms;
};

static bool check(const char *url, struct rp_error *err)
{
    const char *const path = url + SCHEME_LEN;

    if (path[0] != '/' || path[1] == '\0') {
        error_set(err, "the store %.200s needs an absolute path, as in dir:/run/reprise/shop", url);
        return false;
    }
    if (strlen(path) > PATH_MAX_LEN) {
        error_set(err, "the path of the store is longer than %d characters", PATH_MAX_LEN);
        return false;
    }
    return true;
}

static void close_directory(void *engine)
{
    struct directory *const d = engine;

    for (size_t i = 0; i < 3; i++) {
        const int fd = i == 0 ? d->root : i == 1 ? d->events : d->box_fd;

        if (fd >= 0) {
            (void)close(fd);
        }
    }
    memory_free(d);
}

static enum rp_status open_directory(const struct store_options *options, struct store *store,
                                     int64_t now_ms, void **out, struct rp_error *err)
{
    struct directory *const d = memory_new(1, sizeof *d);
    struct text path;

    if (d == NULL) {
        return RP_NO_MEMORY;
    }
    path = text_of(d->path, sizeof d->path);
    text_add(&path, options->url + SCHEME_LEN);
    d->store = store;
    d->random = options->seed;
    d->makes = !options->is_visit;
    d->root = -1;
    d->box_fd = -1;
    d->box_watch = -1;
    d->above_watch = -1;
    d->check_ms = now_ms;
    d->scan_ms = INT64_MAX;
    d->sweep_ms = INT64_MAX;
    if (!store_moment_init(&d->moment, now_ms, (uint32_t)options->seed)) {
        error_set(err, "the store %s cannot be used: the kernel does not say which boot this is",
                  d->path);
        memory_free(d);
        return RP_SYSTEM;
    }
    d->events = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    *out = d;
    return RP_OK;
}

static int fd_of(const void *engine)
{
    return ((const struct directory *)engine)->events;
}

static int64_t due_of(const void *engine)
{
    const struct directory *const d = engine;
    const int64_t retry_ms = d->lock_missed ? d->moment.now_ms + LOCK_RETRY_MS : INT64_MAX;

    return order_least(order_least(d->check_ms, retry_ms), order_least(d->scan_ms, d->sweep_ms));
}

/* Whether the folder can be used now; open until the end of the step. */
static bool reach(struct directory *d)
{
    struct rp_error err;

    if (d->root >= 0) {
        return true;
    }
    d->root = store_folder_open(d->path, d->makes, &err);
    if (d->root < 0) {
        d->check_ms = d->moment.now_ms + CHECK_MS;
        store_is_down(d->store, err.text);
        return false;
    }
    d->check_ms = INT64_MAX;
    store_is_up(d->store);
    return true;
}

/* After a call that failed, by errno. The folder itself was opened, and so it will be the next
 * time: were it said to be down, it would be up and down without end. */
static enum store_status complain(struct directory *d, enum store_verb verb)
{
    const bool is_full = errno == ENOSPC || errno == EDQUOT;
    struct rp_error err;

    error_set(&err, "the store %s %s: %s", d->path, is_full ? "takes nothing" : "does not work",
              strerror(errno));
    store_refuses(d->store, verb, err.text);
    return is_full ? STORE_FULL : STORE_DOWN;
}

/* An entry's file written aside in its box; the box is open then. A box may be removed by another
 * process between two calls, and is made again. False: errno. */
static bool write_aside(struct directory *d, const struct store_question *q, int *box,
                        char aside[static STORE_FILE_NAME_SIZE])
{
    for (unsigned i = 0;; i++) {
        int error;

        *box = store_folder_box(d->root, q->box, true);
        if (*box >= 0 &&
            store_file_write(*box, &d->moment, q->value, q->len, q->lifetime_ms, aside)) {
            return true;
        }
        error = errno;
        if (*box >= 0) {
            (void)close(*box);
        }
        errno = error;
        if (error != ENOENT || i == WRITE_TRIES) {
            return false;
        }
    }
}

static enum store_status put(struct directory *d, const struct store_question *q)
{
    char aside[STORE_FILE_NAME_SIZE];
    char file[STORE_FILE_NAME_SIZE];
    enum store_status status;
    int box;

    if (!write_aside(d, q, &box, aside)) {
        return complain(d, STORE_PUT);
    }
    store_file_name(q->name, file);
    if (renameat(box, aside, box, file) == 0) {
        status = STORE_OK;
    } else {
        status = complain(d, STORE_PUT);
        (void)unlinkat(box, aside, 0);
    }
    (void)close(box);
    return status;
}

/* The name is taken, by what may be over. Who holds the lock is alone in taking such a name. */
static bool take_over(struct directory *d, int box, const char *aside, const char *file,
                      enum store_status *status)
{
    if (!store_folder_lock(d->root, LOCK_EX)) {
        d->lock_missed = true;
        return false;
    }
    if (store_file_read(box, file, &d->moment, NULL, NULL) == STORE_FILE_LIVE) {
        *status = STORE_TAKEN;
    } else {
        *status = renameat(box, aside, box, file) == 0 ? STORE_OK : complain(d, STORE_CLAIM);
    }
    (void)store_folder_lock(d->root, LOCK_UN);
    return true;
}

/* False: it has to wait for the lock. */
static bool claim(struct directory *d, const struct store_question *q, enum store_status *status)
{
    char aside[STORE_FILE_NAME_SIZE];
    char file[STORE_FILE_NAME_SIZE];
    bool over = true;
    int box;

    if (!write_aside(d, q, &box, aside)) {
        *status = complain(d, STORE_CLAIM);
        return true;
    }
    store_file_name(q->name, file);
    if (linkat(box, aside, box, file, 0) == 0) {
        *status = STORE_OK;
    } else if (errno != EEXIST) {
        *status = complain(d, STORE_CLAIM);
    } else if (store_file_read(box, file, &d->moment, NULL, NULL) == STORE_FILE_LIVE) {
        *status = STORE_TAKEN;
    } else {
        over = take_over(d, box, aside, file, status);
    }
    (void)unlinkat(box, aside, 0);
    (void)close(box);
    return over;
}

/* One that is over is gone already, and its name perhaps about to be somebody else's. */
static enum store_status remove_entry(struct directory *d, const struct store_question *q)
{
    const int box = store_folder_box(d->root, q->box, false);
    char file[STORE_FILE_NAME_SIZE];
    enum store_status status = STORE_OK;

    if (box < 0) {
        return errno == ENOENT ? STORE_OK : complain(d, STORE_DELETE);
    }
    store_file_name(q->name, file);
    if (store_file_read(box, file, &d->moment, NULL, NULL) == STORE_FILE_LIVE &&
        unlinkat(box, file, 0) != 0 && errno != ENOENT) {
        status = complain(d, STORE_DELETE);
    }
    (void)close(box);
    return status;
}

static void answer_get(struct directory *d, struct store_question *q)
{
    const int box = store_folder_box(d->root, q->box, false);
    char file[STORE_FILE_NAME_SIZE];
    uint8_t *value = NULL;
    size_t len = 0;
    struct store_entry entry;
    enum store_status status = STORE_ABSENT;

    store_file_name(q->name, file);
    if (box < 0) {
        status = errno == ENOENT ? STORE_ABSENT : complain(d, STORE_GET);
    } else {
        switch (store_file_read(box, file, &d->moment, &value, &len)) {
        case STORE_FILE_LIVE:
            status = STORE_OK;
            break;
        case STORE_FILE_FAILED:
            status = complain(d, STORE_GET);
            break;
        case STORE_FILE_OVER:
        case STORE_FILE_ABSENT:
        case STORE_FILE_STRANGE:
            break;
        }
        (void)close(box);
    }
    entry = (struct store_entry){file + 1, value, len};
    store_answer(d->store, q, status, &entry, 1, 1);
    memory_free(value);
}

static void answer_list(struct directory *d, struct store_question *q)
{
    const int box = store_folder_box(d->root, q->box, false);
    struct store_folder_list list = {NULL, 0, 0};
    struct store_entry *entries = NULL;
    enum store_status status = STORE_OK;

    if (box < 0) {
        status = errno == ENOENT ? STORE_OK : complain(d, STORE_LIST);
    } else {
        if (!store_folder_list(d->root, box, q->most, &d->random, &d->moment, &list)) {
            status = complain(d, STORE_LIST);
            store_folder_list_fini(&list);
        }
        (void)close(box);
    }
    if (list.n != 0) {
        entries = memory_new(list.n, sizeof *entries);
        status = entries != NULL ? status : STORE_BUSY;
    }
    for (size_t i = 0; entries != NULL && i < list.n; i++) {
        entries[i] =
            (struct store_entry){list.entries[i].name, list.entries[i].value, list.entries[i].len};
    }
    store_answer(d->store, q, status, entries, entries != NULL ? list.n : 0, list.total);
    memory_free(entries);
    store_folder_list_fini(&list);
}

static bool ask(void *engine, struct store_question *q, int64_t now_ms)
{
    struct directory *const d = engine;
    enum store_status status = STORE_DOWN;

    (void)now_ms;
    if (!reach(d)) {
        store_answer(d->store, q, STORE_DOWN, NULL, 0, 0);
        return true;
    }
    switch (q->verb) {
    case STORE_PUT:
        status = put(d, q);
        break;
    case STORE_CLAIM:
        if (!claim(d, q, &status)) {
            return false;
        }
        break;
    case STORE_DELETE:
        status = remove_entry(d, q);
        break;
    case STORE_GET:
        answer_get(d, q);
        return true;
    case STORE_LIST:
        answer_list(d, q);
        return true;
    }
    store_answer(d->store, q, status, NULL, 0, 0);
    return true;
}

static void forget(void *engine, const struct store_question *question)
{
    /* What was taken is answered at once. */
    (void)engine;
    (void)question;
}

static void drop_watch(const struct directory *d, int *watch)
{
    if (*watch >= 0) {
        (void)inotify_rm_watch(d->events, *watch);
        *watch = -1;
    }
}

static void unwatch(struct directory *d)
{
    drop_watch(d, &d->box_watch);
    drop_watch(d, &d->above_watch);
    if (d->box_fd >= 0) {
        (void)close(d->box_fd);
        d->box_fd = -1;
    }
}

static bool same_folder(int a, int b)
{
    struct stat stat_a;
    struct stat stat_b;

    return a >= 0 && fstat(a, &stat_a) == 0 && fstat(b, &stat_b) == 0 &&
           stat_a.st_dev == stat_b.st_dev && stat_a.st_ino == stat_b.st_ino;
}

static void add_watches(struct directory *d)
{
    const uint32_t kind = IN_ONLYDIR | IN_DONT_FOLLOW;
    char path[sizeof d->path + STORE_NAME_MAX + 2];
    struct text t = text_of(path, sizeof path);

    text_addf(&t, "%s/%s", d->path, d->box);
    if (d->events >= 0) {
        d->box_watch = inotify_add_watch(d->events, path, IN_CREATE | IN_MOVED_TO | kind);
        *strrchr(path, '/') = '\0';
        d->above_watch = inotify_add_watch(d->events, path, IN_DELETE | IN_MOVED_FROM | kind);
    }
}

/* The box that is watched now, which may be another folder than before. */
static bool watch_box(struct directory *d)
{
    const int box = store_folder_box(d->root, d->box, true);

    if (box < 0) {
        (void)complain(d, STORE_PUT);
        return false;
    }
    if (same_folder(d->box_fd, box) && (d->box_watch >= 0 || d->events < 0)) {
        (void)close(box);
        return true;
    }
    unwatch(d);
    d->box_fd = box;
    (void)store_folder_lock(box, LOCK_SH);
    add_watches(d);
    return true;
}

static void scan(struct directory *d)
{
    const int64_t now_ms = d->moment.now_ms;
    struct store_folder_list list;

    d->scan_ms = now_ms + SCAN_MS;
    if (!reach(d) || !watch_box(d)) {
        d->scan_ms = now_ms + CHECK_MS;
        return;
    }
    if (d->box_watch < 0) {
        d->scan_ms = now_ms + SCAN_BLIND_MS;
    }
    if (!store_folder_list(d->root, d->box_fd, STORE_LIST_MAX, &d->random, &d->moment, &list)) {
        (void)complain(d, STORE_LIST);
    } else if (list.total > list.n) {
        d->scan_ms = now_ms + SCAN_MORE_MS;
    }
    for (size_t i = 0; i < list.n; i++) {
        const struct store_entry entry = {list.entries[i].name, list.entries[i].value,
                                          list.entries[i].len};

        store_arrived(d->store, &entry);
    }
    store_folder_list_fini(&list);
}

static void deliver(struct directory *d, const char *file)
{
    const char *const name = store_file_entry(file);
    uint8_t *value;
    size_t len;

    if (name != NULL &&
        store_file_read(d->box_fd, file, &d->moment, &value, &len) == STORE_FILE_LIVE) {
        const struct store_entry entry = {name, value, len};

        store_arrived(d->store, &entry);
        memory_free(value);
    }
}

/* The name of the folder itself. */
static const char *last_of(const char *box)
{
    const char *const slash = strrchr(box, '/');

    return slash != NULL ? slash + 1 : box;
}

static void take_event(struct directory *d, const struct inotify_event *event)
{
    const bool ours = event->wd == d->box_watch || event->wd == d->above_watch;

    if ((event->mask & IN_Q_OVERFLOW) != 0 || (ours && (event->mask & IN_IGNORED) != 0) ||
        (event->wd == d->above_watch && event->len != 0 &&
         strcmp(event->name, last_of(d->box)) == 0)) {
        d->scan_ms = d->moment.now_ms;
    }
    if (event->wd == d->box_watch && (event->mask & IN_IGNORED) != 0) {
        d->box_watch = -1;
    } else if (event->wd == d->box_watch && event->len != 0) {
        deliver(d, event->name);
    }
}

/* Not more than so many at a time: the rest is there in the next step. */
static void take_events(struct directory *d)
{
    union {
        struct inotify_event align;
        char bytes[4096];
    } buffer;

    for (unsigned i = 0; d->events >= 0 && i < EVENTS_ROUNDS; i++) {
        const ssize_t n = read(d->events, buffer.bytes, sizeof buffer.bytes);
        ssize_t at = 0;

        if (n <= 0) {
            return;
        }
        while (at < n) {
            const struct inotify_event *const event = (const void *)(buffer.bytes + at);

            take_event(d, event);
            at += (ssize_t)(sizeof *event + event->len);
        }
    }
}

static void step(void *engine, int64_t now_ms)
{
    struct directory *const d = engine;

    d->moment.now_ms = now_ms;
    d->lock_missed = false;
    take_events(d);
    if (now_ms >= d->check_ms) {
        (void)reach(d);
    }
    if (now_ms >= d->scan_ms) {
        scan(d);
    }
    if (now_ms >= d->sweep_ms) {
        d->sweep_ms = now_ms + SWEEP_MS;
        if (reach(d)) {
            store_folder_sweep(d->root, d->box, &d->moment);
        }
    }
}

static void flush(void *engine, int64_t now_ms)
{
    struct directory *const d = engine;

    (void)now_ms;
    if (d->root >= 0) {
        (void)close(d->root);
        d->root = -1;
    }
}

static void watch(void *engine, const char *box)
{
    struct directory *const d = engine;

    unwatch(d);
    d->box = box;
    d->scan_ms = d->moment.now_ms;
    d->sweep_ms = d->moment.now_ms + SWEEP_MS;
}

const struct store_engine store_directory = {
    .check = check,
    .open = open_directory,
    .close = close_directory,
    .fd = fd_of,
    .due_ms = due_of,
    .step = step,
    .ask = ask,
    .forget = forget,
    .flush = flush,
    .watch = watch,
};
