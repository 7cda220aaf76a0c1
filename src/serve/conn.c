#include "conn.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn_log.h"
#include "conn_metrics.h"
#include "conn_state.h"
#include "memory.h"

#define DISCARD_ROUNDS 16

#define EVENTS (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET)

/* Time-outs. */

void conn_set_deadline(struct conn *c, int64_t delay_ms)
{
    const int64_t now_ms = loop_now_ms(c->conns->loop);

    c->deadline_ms = now_ms + delay_ms;
    if (c->deadline_ms < c->timer_ms && loop_timer_set(c->conns->loop, &c->timer, delay_ms)) {
        c->timer_ms = c->deadline_ms;
    }
}

/* Its end. */

static void unlink_waiting(struct conn *c)
{
    struct conn **at = &c->conns->waiting;

    if (!c->is_waiting) {
        return;
    }
    while (*at != c) {
        at = &(*at)->next_waiting;
    }
    *at = c->next_waiting;
    c->is_waiting = false;
}

static void unlink_conn(struct conn *c)
{
    unlink_waiting(c);
    if (c->previous != NULL) {
        c->previous->next = c->next;
    } else {
        c->conns->first = c->next;
    }
    if (c->next != NULL) {
        c->next->previous = c->previous;
    }
    c->conns->n--;
    conn_metrics_open(c->conns);
}

static void close_stream(struct conn *c, struct stream *s, struct loop_watch *watch, bool *watched)
{
    if (*watched) {
        loop_close(c->conns->loop, watch);
        *watched = false;
    } else if (s->fd >= 0) {
        (void)close(s->fd);
    }
    s->fd = -1;
}

void conn_close_backend(struct conn *c, bool reset)
{
    const struct linger at_once = {1, 0};

    if (reset && c->backend.fd >= 0 && c->listener->backend_name != NULL) {
        (void)setsockopt(c->backend.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    close_stream(c, &c->backend, &c->backend_watch, &c->backend_watched);
}

static void free_conn(struct conn *c)
{
    const struct conns *conns = c->conns;

    if (conns->count != NULL) {
        conn_count_leave_address(conns->count, conns->slot, c->place);
        conn_count_leave(conns->count, conns->slot);
    }
    loop_timer_clear(&c->timer);
    relay_fini(&c->relay);
    if (c->ssl != NULL) {
        /* Else libssl would have the session removed that it just made, for want of a goodbye. */
        SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(c->ssl);
    }
    close_stream(c, &c->client, &c->client_watch, &c->client_watched);
    memory_free(c->header);
    memory_free(c);
}

void conn_finish(struct conn *c, bool reset_backend)
{
    struct conns *conns = c->conns;

    conn_close_backend(c, reset_backend);
    unlink_conn(c);
    free_conn(c);
    if (conns->left != NULL) {
        conns->left(conns);
    }
    if (conns->n == 0 && conns->emptied != NULL) {
        conns->emptied(conns);
    }
}

void conn_linger(struct conn *c)
{
    if (c->client.ended || c->client.error != 0) {
        conn_finish(c, true);
        return;
    }
    conn_close_backend(c, true);
    relay_fini(&c->relay);
    (void)shutdown(c->client.fd, SHUT_WR);
    c->phase = CONN_LINGERING;
    conn_set_deadline(c, CONN_LINGER_MS);
    conn_advance(c);
}

static void discard(struct conn *c)
{
    size_t n;

    for (unsigned i = 0; i < DISCARD_ROUNDS; i++) {
        switch (stream_read(&c->client, c->conns->scratch, RELAY_HELD, &n)) {
        case STREAM_OK:
            break;
        case STREAM_BLOCKED:
            return;
        case STREAM_ENDED:
        case STREAM_FAILED:
            conn_finish(c, true);
            return;
        }
    }
    conn_finish(c, true); /* it does not read, it sends */
}

/* Waiting. */

static bool watch_stream(struct conn *c, const struct stream *s, struct loop_watch *watch,
                         bool *watched)
{
    const uint32_t events = EVENTS | (s->writable ? 0 : EPOLLOUT);

    if (!*watched) {
        watch->fd = s->fd;
        watch->events = events;
        *watched = loop_watch(c->conns->loop, watch);
        return *watched;
    }
    /* Once it is asked for, it stays: a change costs a system call. */
    if ((events & ~watch->events) != 0) {
        return loop_rewatch(c->conns->loop, watch, watch->events | events);
    }
    return true;
}

static bool watch_both(struct conn *c)
{
    return watch_stream(c, &c->client, &c->client_watch, &c->client_watched) &&
           (c->backend.fd < 0 ||
            watch_stream(c, &c->backend, &c->backend_watch, &c->backend_watched));
}

void conn_wait_for_events(struct conn *c)
{
    if (!watch_both(c)) {
        conn_finish(c, true);
    }
}

static void turn(struct loop_timer *timer)
{
    struct conns *conns = (struct conns *)((char *)timer - offsetof(struct conns, turn));
    struct conn *last = conns->waiting;

    /* Who is put back meanwhile stands in front, and is left for the next turn. */
    conns->waiting = NULL;
    while (last != NULL) {
        struct conn *c = last;

        last = c->next_waiting;
        c->is_waiting = false;
        conn_advance(c);
    }
}

void conn_wait_for_turn(struct conn *c)
{
    struct conns *conns = c->conns;

    if (!watch_both(c) || !loop_timer_set(conns->loop, &conns->turn, 0)) {
        conn_finish(c, true);
        return;
    }
    if (!c->is_waiting) {
        c->is_waiting = true;
        c->next_waiting = conns->waiting;
        conns->waiting = c;
    }
}

/* Events. */

void conn_advance(struct conn *c)
{
    switch (c->phase) {
    case CONN_HEADER:
        conn_header(c);
        return;
    case CONN_HANDSHAKE:
        conn_handshake(c);
        return;
    case CONN_REACHING:
        return;
    case CONN_RELAYING:
        conn_relay(c);
        return;
    case CONN_LINGERING:
        discard(c);
        return;
    }
}

static void overdue(struct conn *c)
{
    switch (c->phase) {
    case CONN_HEADER:
        conn_header_overdue(c);
        return;
    case CONN_HANDSHAKE:
        conn_handshake_overdue(c);
        return;
    case CONN_REACHING:
        conn_reach_again(c);
        return;
    case CONN_RELAYING:
        conn_relay_overdue(c);
        return;
    case CONN_LINGERING:
        conn_finish(c, true);
        return;
    }
}

static void due(struct loop_timer *timer)
{
    struct conn *c = (struct conn *)((char *)timer - offsetof(struct conn, timer));
    const int64_t left_ms = c->deadline_ms - loop_now_ms(c->conns->loop);

    c->timer_ms = INT64_MAX;
    if (left_ms > 0) {
        conn_set_deadline(c, left_ms);
    } else {
        overdue(c);
    }
}

static void client_ready(struct loop_watch *watch, uint32_t events)
{
    struct conn *c = (struct conn *)((char *)watch - offsetof(struct conn, client_watch));

    stream_event(&c->client, events);
    conn_advance(c);
}

static void backend_ready(struct loop_watch *watch, uint32_t events)
{
    struct conn *c = (struct conn *)((char *)watch - offsetof(struct conn, backend_watch));

    stream_event(&c->backend, events);
    conn_advance(c);
}

/* Who must begin with a header is counted when it has told whom it speaks for. */
static bool begin(struct conn *c)
{
    if (!conn_header_wanted(c->listener, &c->peer)) {
        c->phase = CONN_HANDSHAKE;
        return conn_admitted(c);
    }
    c->phase = CONN_HEADER;
    c->header = memory_new(1, sizeof *c->header);
    if (c->header == NULL) {
        conn_metrics_refused(c->conns, METRICS_REFUSAL_MEMORY);
        return false;
    }
    return true;
}

static bool make_ssl(struct conn *c)
{
    BIO *bio = stream_bio(c->conns->bio_method, &c->client);

    c->ssl = bio != NULL ? SSL_new(c->listener->ctx) : NULL;
    if (c->ssl == NULL) {
        BIO_free(bio);
        conn_metrics_refused(c->conns, METRICS_REFUSAL_MEMORY);
        return false;
    }
    SSL_set_bio(c->ssl, bio, bio); /* transferred */
    SSL_set_accept_state(c->ssl);
    return SSL_set_app_data(c->ssl, &c->visit) == 1;
}

/* Public functions. */

bool conn_admitted(struct conn *c)
{
    const struct conns *conns = c->conns;
    struct network address;

    if (conns->count == NULL || conns->max_per_address == 0 || !network_of(&c->peer, &address) ||
        conn_count_enter_address(conns->count, conns->slot, &address, conns->max_per_address,
                                 &c->place)) {
        return true;
    }
    conn_log_address_full(c->conns, &c->peer);
    conn_metrics_refused(c->conns, METRICS_REFUSAL_ADDRESS);
    return false;
}

void conn_open(struct conns *conns, const struct conn_listener *listener, int fd,
               const struct address *peer)
{
    struct conn *c = memory_new(1, sizeof *c);

    conn_metrics_count(conns, METRICS_ACCEPTED);
    if (c == NULL) {
        (void)close(fd);
        conn_metrics_refused(conns, METRICS_REFUSAL_MEMORY);
        if (conns->count != NULL) {
            conn_count_leave(conns->count, conns->slot);
        }
        return;
    }
    c->conns = conns;
    c->listener = listener;
    c->peer = *peer;
    c->opened_us = conn_metrics_now_us(conns);
    c->timer.due = due;
    c->timer_ms = INT64_MAX;
    c->client_watch.ready = client_ready;
    c->backend_watch.ready = backend_ready;
    stream_init(&c->client, fd);
    stream_init(&c->backend, -1);
    if (!begin(c) || !make_ssl(c)) {
        free_conn(c);
        return;
    }
    c->next = conns->first;
    if (c->next != NULL) {
        c->next->previous = c;
    }
    conns->first = c;
    conns->n++;
    conn_metrics_open(conns);
    conn_set_deadline(c, listener->config->handshake_timeout_ms);
    if (c->timer_ms == INT64_MAX) {
        conn_finish(c, true);
        return;
    }
    conn_wait_for_events(c);
}

enum rp_status conns_init(struct conns *conns)
{
    conns->bio_method = stream_bio_method();
    conns->scratch = memory_new(RELAY_HELD, 1);
    conns->turn.due = turn;
    limiter_init(&conns->handshake_failed, conns->loop, conns->log, "handshake failed");
    limiter_init(&conns->backend_down, conns->loop, conns->log, "backend unreachable");
    limiter_init(&conns->flooded, conns->loop, conns->log, "flood broken off");
    limiter_init(&conns->header_refused, conns->loop, conns->log, "PROXY header refused");
    limiter_init(&conns->address_full, conns->loop, conns->log, "connection refused");
    return conns->bio_method != NULL && conns->scratch != NULL ? RP_OK : RP_NO_MEMORY;
}

void conns_fini(struct conns *conns)
{
    conns->left = NULL;
    conns->emptied = NULL;
    while (conns->first != NULL) {
        conn_finish(conns->first, true);
    }
    if (conns->loop != NULL) {
        loop_timer_clear(&conns->turn);
    }
    limiter_fini(&conns->handshake_failed);
    limiter_fini(&conns->backend_down);
    limiter_fini(&conns->flooded);
    limiter_fini(&conns->header_refused);
    limiter_fini(&conns->address_full);
    memory_free(conns->scratch);
    BIO_meth_free(conns->bio_method);
    conns->scratch = NULL;
    conns->bio_method = NULL;
}
