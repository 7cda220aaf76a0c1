#include "worker.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cache_report.h"
#include "capacity.h"
#include "channel.h"
#include "conn.h"
#include "conn_metrics.h"
#include "memory.h"
#include "message.h"
#include "sandbox.h"
#include "text.h"

#define ACCEPT_BATCH 16
#define PAUSE_MS 100     /* of accepting, when there are no more descriptors or no memory */
#define QUIET_MS 1000    /* between two lines about no room */
#define DRAIN_BATCHES 64 /* of what waits in a queue when draining begins */

struct worker;

struct listener {
    struct worker *worker;
    struct loop_watch watch;
    bool watched;
    struct conn_listener seen;
    struct network *networks;
};

struct worker {
    const struct worker_start *start;
    struct loop *loop;
    struct channel *channel;
    struct page *page;
    struct conns conns;
    struct cache_report cache_report;
    struct listener *listeners;
    size_t n_listeners;
    struct capacity capacity;
    struct limiter paused;
    struct loop_timer resume;
    bool waits_for_room; /* paused until a connection ends */
    int64_t quiet_until_ms;
    struct loop_timer drained;
    bool accepting; /* since ACCEPT, until DRAIN */
    bool draining;
    int64_t drained_ms; /* when drained is due, on the loop's clock */
    int exit_status;
};

/* Accepting. */

static void stop_accepting(struct worker *w)
{
    for (size_t i = 0; i < w->n_listeners; i++) {
        if (w->listeners[i].watched) {
            loop_unwatch(w->loop, &w->listeners[i].watch);
            w->listeners[i].watched = false;
        }
    }
}

static bool begin_accepting(struct worker *w)
{
    for (size_t i = 0; i < w->n_listeners; i++) {
        struct listener *l = &w->listeners[i];

        if (!l->watched) {
            l->watched = loop_watch(w->loop, &l->watch);
            if (!l->watched) {
                return false;
            }
        }
    }
    return true;
}

static void resume(struct loop_timer *timer)
{
    struct worker *w = (struct worker *)((char *)timer - offsetof(struct worker, resume));

    w->waits_for_room = false;
    if (w->accepting && !begin_accepting(w) && !loop_timer_set(w->loop, timer, PAUSE_MS)) {
        w->exit_status = 1; /* a successor has more luck */
        loop_stop(w->loop);
    }
}

/* The connections that wait in the queue would else wake us at once, over and over. */
static void pause_accepting(struct worker *w, int why)
{
    conn_metrics_refused(&w->conns, why == EMFILE || why == ENFILE ? METRICS_REFUSAL_DESCRIPTORS
                                                                   : METRICS_REFUSAL_MEMORY);
    LIMITER_LINE(&w->paused, LOG_LEVEL_WARNING, LOG_S("reason", strerror(why)),
                 LOG_N("connections", w->conns.n));
    if (loop_timer_set(w->loop, &w->resume, PAUSE_MS)) {
        stop_accepting(w);
    }
}

/* One of ours that ends makes some; others' are waited for. */
static void pause_for_room(struct worker *w, enum metrics_refusal refusal, const char *reason)
{
    conn_metrics_refused(&w->conns, refusal);
    /* Where connections come and go at the limit, it is reached over and over. */
    if (loop_now_ms(w->loop) >= w->quiet_until_ms) {
        w->quiet_until_ms = loop_now_ms(w->loop) + QUIET_MS;
        LIMITER_LINE(&w->paused, LOG_LEVEL_WARNING, LOG_S("reason", reason),
                     LOG_N("connections", w->conns.n));
    }
    w->waits_for_room = loop_timer_set(w->loop, &w->resume, PAUSE_MS);
    if (w->waits_for_room) {
        stop_accepting(w);
    }
}

static void conn_left(struct conns *conns)
{
    struct worker *w = (struct worker *)((char *)conns - offsetof(struct worker, conns));

    if (w->waits_for_room && loop_timer_set(w->loop, &w->resume, 0)) {
        w->waits_for_room = false;
    }
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* For one connection more, which is counted; else accepting is paused. */
static bool has_room(struct worker *w)
{
    const struct worker_start *start = w->start;

    if (w->conns.n >= w->capacity.connections_here) {
        pause_for_room(w, METRICS_REFUSAL_DESCRIPTORS, "no descriptors for more connections");
        return false;
    }
    if (start->count != NULL &&
        !conn_count_enter(start->count, start->slot, w->capacity.connections)) {
        pause_for_room(w, METRICS_REFUSAL_CONNECTIONS, "max_connections");
        return false;
    }
    return true;
}

/* Gives back what was counted, where no connection came of it. */
static void no_connection(const struct worker *w)
{
    if (w->start->count != NULL) {
        conn_count_leave(w->start->count, w->start->slot);
    }
}

/* False: there is nothing more to accept, or no room for it. */
static bool accept_batch(struct listener *l)
{
    struct worker *w = l->worker;

    for (unsigned i = 0; i < ACCEPT_BATCH && has_room(w); i++) {
        struct address peer = {.len = sizeof peer.storage};
        const int fd = accept4(l->watch.fd, (struct sockaddr *)&peer.storage, &peer.len,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            conn_open(&w->conns, &l->seen, fd, &peer);
            continue;
        }
        no_connection(w);
        if (is_shortage(errno)) {
            pause_accepting(w, errno);
            return false;
        }
        if (errno == EAGAIN) {
            return false;
        }
        /* Anything else was the one connection's fault. */
    }
    return !w->waits_for_room;
}

static void accept_ready(struct loop_watch *watch, uint32_t events)
{
    (void)events;
    (void)accept_batch((struct listener *)((char *)watch - offsetof(struct listener, watch)));
}

/* Its end. */

static void drain_over(struct loop_timer *timer)
{
    struct worker *w = (struct worker *)((char *)timer - offsetof(struct worker, drained));

    LOG_LINE(&w->start->log, LOG_LEVEL_INFO, "connections broken off",
             LOG_N("connections", w->conns.n));
    loop_stop(w->loop);
}

static void conns_emptied(struct conns *conns)
{
    struct worker *w = (struct worker *)((char *)conns - offsetof(struct worker, conns));

    if (w->draining) {
        loop_stop(w->loop);
    }
}

/* The lesser of two bounds holds. False: there is no more time. */
static bool bound(struct worker *w, int64_t bound_ms)
{
    const int64_t now_ms = loop_now_ms(w->loop);
    int64_t due_ms;

    if (__builtin_add_overflow(now_ms, bound_ms, &due_ms)) {
        due_ms = INT64_MAX;
    }
    if (w->drained_ms != 0 && w->drained_ms <= due_ms) {
        return true;
    }
    w->drained_ms = due_ms;
    return loop_timer_set(w->loop, &w->drained, due_ms - now_ms);
}

static void name_as_draining(const struct worker *w)
{
    char name[16];
    struct text t = text_of(name, sizeof name);

    text_addf(&t, "draining w%u", w->start->index);
    (void)prctl(PR_SET_NAME, name, 0, 0, 0);
}

static void stop_listening(struct worker *w)
{
    /* Who is in the queue was promised a connection, and perhaps nobody else takes him. */
    for (size_t i = 0; w->accepting && i < w->n_listeners; i++) {
        for (unsigned k = 0; k < DRAIN_BATCHES && accept_batch(&w->listeners[i]); k++) {
        }
    }
    stop_accepting(w);
    w->accepting = false;
    /* Nor does the kernel accept for us any more: a connection that it did would wait in vain. */
    for (size_t i = 0; i < w->n_listeners; i++) {
        (void)close(w->listeners[i].watch.fd);
    }
}

static void drain(struct worker *w, int64_t bound_ms)
{
    if (!w->draining) {
        w->draining = true;
        name_as_draining(w);
        cache_report_end(&w->cache_report);
        stop_listening(w);
    }
    if (w->conns.n == 0 || !bound(w, bound_ms)) {
        loop_stop(w->loop);
    }
}

static void fail(struct worker *w, const char *reason)
{
    LOG_LINE(&w->start->log, LOG_LEVEL_ERROR, "cannot go on", LOG_S("reason", reason));
    w->exit_status = 1;
    loop_stop(w->loop);
}

static void message(void *cookie, enum channel_type type, const uint8_t *body, size_t n)
{
    struct worker *w = cookie;
    int64_t bound_ms;

    if (type == CHANNEL_PING) {
        if (!channel_send(w->channel, CHANNEL_PONG, NULL, 0)) {
            fail(w, "the parent does not take messages");
        }
    } else if (type == CHANNEL_ACCEPT) {
        w->accepting = !w->draining;
        if (w->accepting && !begin_accepting(w)) {
            fail(w, "the listening sockets cannot be watched");
        }
    } else if (message_drain_decode(body, n, &bound_ms)) {
        drain(w, bound_ms);
    } else {
        fail(w, "the parent sent a malformed message");
    }
}

/* Without its parent a worker is nobody's, and nobody would ever end it. */
static void channel_closed(void *cookie, const char *why)
{
    struct worker *w = cookie;

    if (why != channel_gone) {
        LOG_LINE(&w->start->log, LOG_LEVEL_ERROR, "channel to the parent closed",
                 LOG_S("reason", why));
        w->exit_status = 1;
    }
    loop_stop(w->loop);
}

/* Its beginning. */

static enum rp_status open_channel(struct worker *w)
{
    const struct channel_peer peer = {
        .rules = message_rules_of_worker,
        .n_rules = sizeof message_rules_of_worker / sizeof message_rules_of_worker[0],
        .message = message,
        .closed = channel_closed,
        .cookie = w,
    };

    return channel_new(w->loop, w->start->channel_fd, &peer, &w->channel);
}

static enum rp_status accept_proxy_init(struct listener *l)
{
    const struct config_strings *texts = &l->seen.config->accept_proxy;

    if (texts->n == 0) {
        return RP_OK;
    }
    l->networks = memory_new(texts->n, sizeof *l->networks);
    if (l->networks == NULL) {
        return RP_NO_MEMORY;
    }
    for (size_t i = 0; i < texts->n; i++) {
        if (!network_parse(texts->items[i], &l->networks[i])) {
            return RP_INVALID;
        }
    }
    l->seen.accept_proxy = l->networks;
    l->seen.n_accept_proxy = texts->n;
    return RP_OK;
}

static enum rp_status listener_init(struct worker *w, size_t i)
{
    const struct worker_start *start = w->start;
    struct listener *l = &w->listeners[i];
    const size_t place = start->queues[i].listener;
    const struct config_listen *listen = &start->config->listen[place];
    const int on = 1;

    l->worker = w;
    l->watch.fd = start->queues[i].fd;
    l->watch.events = EPOLLIN;
    l->watch.ready = accept_ready;
    l->seen.ctx = sites_listener_ctx(start->sites, place);
    l->seen.index = place;
    l->seen.backend_name = listen->backend;
    if (l->seen.backend_name != NULL &&
        !address_parse_backend(l->seen.backend_name, &l->seen.backend)) {
        return RP_INVALID;
    }
    /* Every accepted socket inherits it. */
    (void)setsockopt(l->watch.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    l->seen.config = &start->config->listen[l->seen.index];
    return accept_proxy_init(l);
}

static enum rp_status listeners_init(struct worker *w)
{
    enum rp_status status = RP_OK;
    bool has_page = false;

    w->listeners = memory_new(w->start->n_queues, sizeof *w->listeners);
    if (w->listeners == NULL) {
        return RP_NO_MEMORY;
    }
    while (status == RP_OK && w->n_listeners < w->start->n_queues) {
        status = listener_init(w, w->n_listeners);
        has_page = has_page || w->listeners[w->n_listeners].seen.backend_name == NULL;
        w->n_listeners++;
    }
    if (status == RP_OK && has_page) {
        status = page_new(w->loop, w->start->sites, &w->page);
    }
    return status;
}

/* The figures of the cache are everybody's: one worker is enough. */
static bool report_cache(struct worker *w)
{
    const struct worker_start *start = w->start;

    return start->metrics_cache == NULL || start->index != 0 || start->config->admin.n == 0 ||
           cache_report_begin(&w->cache_report, w->loop, start->cache, start->metrics_cache);
}

static enum rp_status worker_init(struct worker *w)
{
    enum rp_status status;

    status = loop_new(&w->loop);
    if (status != RP_OK) {
        return status;
    }
    limiter_init(&w->paused, w->loop, &w->start->log, "accepting paused");
    capacity_of(w->start->config, capacity_descriptors(), &w->capacity);
    w->resume.due = resume;
    w->drained.due = drain_over;
    status = listeners_init(w);
    if (status != RP_OK) {
        return status;
    }
    w->conns.loop = w->loop;
    w->conns.log = &w->start->log;
    w->conns.log_connections = w->start->config->log_connections;
    w->conns.worker = w->start->index;
    w->conns.page = w->page;
    w->conns.metrics = w->start->metrics;
    w->conns.count = w->start->count;
    w->conns.slot = w->start->slot;
    w->conns.max_per_address = w->start->config->max_connections_per_address;
    w->conns.left = conn_left;
    w->conns.emptied = conns_emptied;
    status = conns_init(&w->conns);
    if (status != RP_OK) {
        return status;
    }
    if (!report_cache(w)) {
        return RP_NO_MEMORY;
    }
    return open_channel(w);
}

static void worker_fini(struct worker *w)
{
    if (w->loop != NULL) {
        stop_accepting(w);
        loop_timer_clear(&w->resume);
        loop_timer_clear(&w->drained);
    }
    cache_report_end(&w->cache_report);
    conns_fini(&w->conns);
    limiter_fini(&w->paused);
    page_free(&w->page);
    channel_free(&w->channel);
    loop_free(&w->loop);
    for (size_t i = 0; i < w->n_listeners; i++) {
        memory_free(w->listeners[i].networks);
    }
    memory_free(w->listeners);
}

int worker_run(const struct worker_start *start)
{
    struct worker w = {.start = start};
    enum rp_status status;

    status = worker_init(&w);
    if (status == RP_OK && start->config->sandbox) {
        sandbox_enter_if_possible(SANDBOX_WORKER, &start->log);
    }
    if (status == RP_OK && !channel_send(w.channel, CHANNEL_READY, NULL, 0)) {
        status = RP_SYSTEM;
    }
    if (status == RP_OK) {
        loop_run(w.loop);
    } else {
        LOG_LINE(&start->log, LOG_LEVEL_ERROR, "cannot start",
                 LOG_S("reason", rp_status_text(status)));
        w.exit_status = 1;
    }
    worker_fini(&w);
    return w.exit_status;
}
