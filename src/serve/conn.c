#include "conn.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include <reprise/attach.h>

#include "backend.h"
#include "conn_log.h"
#include "facts.h"
#include "memory.h"
#include "openssl_error.h"
#include "relay.h"
#include "stream.h"

#define HANDSHAKE_MS 10000
#define CONNECT_MS 5000
#define BUSY_MS 20           /* between two tries at a backend whose queue is full */
#define IDLE_MS (10 * 60000) /* nothing passed on, either way */
#define HALF_IDLE_MS 60000   /* the same, after one side has ended */
#define LINGER_MS 2000       /* for a client to read what we said last */
#define VISIT_MS 60000       /* a whole visit of the built-in page */
#define DISCARD_ROUNDS 16

/* Bytes a turn: a ClientHello may be long, and each of its bytes a record. */
#define HANDSHAKE_TURN 65536

#define EVENTS (EPOLLIN | EPOLLRDHUP | EPOLLET)

enum phase {
    PHASE_HANDSHAKE,
    PHASE_REACHING, /* the backend's queue is full */
    PHASE_RELAYING,
    PHASE_LINGERING, /* nothing more is said; what comes is forgotten */
};

struct conn {
    struct conns *conns;
    const struct conn_listener *listener;
    struct conn *next;
    struct conn *previous;
    struct conn *next_waiting;
    bool is_waiting;

    enum phase phase;
    SSL *ssl;
    struct stream client;
    struct stream backend;
    struct relay relay;
    struct loop_watch client_watch;
    struct loop_watch backend_watch;
    bool client_watched;
    bool backend_watched;

    /* The timer is set once and comes early, if the deadline has moved since. */
    struct loop_timer timer;
    int64_t timer_ms; /* when it comes; INT64_MAX: not set */
    int64_t deadline_ms;
    int64_t give_up_ms; /* on a backend whose queue is full */
    bool deadline_stays;

    struct address peer;
    struct sites_visit visit;
};

static void advance(struct conn *c);

/* Time-outs. */

static void due(struct loop_timer *timer);

static void set_deadline(struct conn *c, int64_t delay_ms)
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
}

static void close_backend(struct conn *c, bool reset)
{
    const struct linger at_once = {1, 0};

    if (c->backend_watched) {
        loop_unwatch(c->conns->loop, &c->backend_watch);
        c->backend_watched = false;
    }
    if (c->backend.fd >= 0) {
        if (reset && c->listener->backend_name != NULL) {
            (void)setsockopt(c->backend.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        }
        (void)close(c->backend.fd);
        c->backend.fd = -1;
    }
}

static void free_conn(struct conn *c)
{
    loop_timer_clear(&c->timer);
    relay_fini(&c->relay);
    if (c->ssl != NULL) {
        /* Else libssl would have the session removed that it just made, for want of a goodbye. */
        SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(c->ssl);
    }
    if (c->client_watched) {
        loop_unwatch(c->conns->loop, &c->client_watch);
    }
    if (c->client.fd >= 0) {
        (void)close(c->client.fd);
    }
    memory_free(c);
}

static void finish(struct conn *c, bool reset_backend)
{
    struct conns *conns = c->conns;

    close_backend(c, reset_backend);
    unlink_conn(c);
    free_conn(c);
    if (conns->n == 0 && conns->emptied != NULL) {
        conns->emptied(conns);
    }
}

/*
 * Closing a socket with unread bytes in it sends a reset, which may overtake an alert or the last
 * of an answer: so the client gets a little time to read.
 */
static void linger(struct conn *c)
{
    if (c->client.ended || c->client.error != 0) {
        finish(c, true);
        return;
    }
    close_backend(c, true);
    relay_fini(&c->relay);
    (void)shutdown(c->client.fd, SHUT_WR);
    c->phase = PHASE_LINGERING;
    set_deadline(c, LINGER_MS);
    advance(c);
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
            finish(c, true);
            return;
        }
    }
    finish(c, true); /* it does not read, it sends */
}

/* Relaying. */

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

static void wait_for_events(struct conn *c)
{
    if (!watch_both(c)) {
        finish(c, true);
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
        advance(c);
    }
}

static void wait_for_turn(struct conn *c)
{
    struct conns *conns = c->conns;

    if (!watch_both(c) || !loop_timer_set(conns->loop, &conns->turn, 0)) {
        finish(c, true);
        return;
    }
    if (!c->is_waiting) {
        c->is_waiting = true;
        c->next_waiting = conns->waiting;
        conns->waiting = c;
    }
}

static bool is_half_closed(const struct relay *r)
{
    return r->up.state != RELAY_OPEN || r->down.state != RELAY_OPEN;
}

/* Every byte that is passed on gives more time, and so does the end of one way, but less. */
static void push_deadline(struct conn *c, uint64_t n_before, bool was_half)
{
    const struct relay *r = &c->relay;
    const bool is_half = is_half_closed(r);

    if (!c->deadline_stays && !c->backend.connecting &&
        (r->n_up + r->n_down != n_before || is_half != was_half)) {
        set_deadline(c, is_half ? HALF_IDLE_MS : IDLE_MS);
    }
}

static void broke_off(struct conn *c)
{
    if (c->relay.flooded) {
        conn_log_flooded(c->conns, &c->peer, &c->visit);
        finish(c, true);
        return;
    }
    linger(c);
}

static void relay(struct conn *c)
{
    const uint64_t n_before = c->relay.n_up + c->relay.n_down;
    const bool was_half = is_half_closed(&c->relay);
    const bool was_connecting = c->backend.connecting;
    const enum relay_state state = relay_run(&c->relay, c->conns->scratch);

    if (was_connecting && c->backend.error != 0 && c->backend.connecting) {
        conn_log_unreachable(c->conns, c->listener, strerror(c->backend.error));
        close_backend(c, false);
        c->backend.connecting = false;
    }
    switch (state) {
    case RELAY_WAITS:
        push_deadline(c, n_before, was_half);
        wait_for_events(c);
        return;
    case RELAY_GOES_ON:
        push_deadline(c, n_before, was_half);
        wait_for_turn(c);
        return;
    case RELAY_LINGERS:
        if (!c->deadline_stays) {
            c->deadline_stays = true;
            set_deadline(c, LINGER_MS);
        }
        wait_for_events(c);
        return;
    case RELAY_FINISHED:
        finish(c, false);
        return;
    case RELAY_BROKEN:
        broke_off(c);
        return;
    }
}

static void run_page(void *cookie)
{
    page_run(cookie);
}

static void begin_relay(struct conn *c)
{
    c->phase = PHASE_RELAYING;
    relay_init(&c->relay, c->ssl, &c->client, &c->backend);
    if (c->listener->backend_name == NULL) {
        c->relay.before_end = run_page;
        c->relay.before_end_cookie = c->conns->page;
    }
    relay(c);
}

/* The client is told goodbye in good order: the fault is not its own. */
static void backend_is_down(struct conn *c, const char *reason)
{
    conn_log_unreachable(c->conns, c->listener, reason);
    close_backend(c, false);
    c->backend.connecting = false;
    c->phase = PHASE_RELAYING;
    relay_init(&c->relay, c->ssl, &c->client, &c->backend);
    relay_unreachable(&c->relay);
    relay(c);
}

static void reach_backend(struct conn *c)
{
    switch (backend_connect(&c->listener->backend, &c->backend)) {
    case BACKEND_BEGUN:
        set_deadline(c, c->backend.connecting ? CONNECT_MS : IDLE_MS);
        begin_relay(c);
        return;
    case BACKEND_BUSY:
        if (loop_now_ms(c->conns->loop) < c->give_up_ms) {
            c->phase = PHASE_REACHING;
            set_deadline(c, BUSY_MS);
            wait_for_events(c);
            return;
        }
        backend_is_down(c, "its queue is full");
        return;
    case BACKEND_DOWN:
        backend_is_down(c, strerror(errno));
        return;
    }
}

static void reach_page(struct conn *c)
{
    struct facts facts;
    int fd;

    facts_read(c->ssl, &c->visit, &facts);
    facts.listener = c->listener->index;
    facts.worker = c->conns->worker;
    if (page_visit(c->conns->page, &facts, &fd) != RP_OK) {
        backend_is_down(c, "no visit of the built-in page could begin");
        return;
    }
    stream_init(&c->backend, fd);
    set_deadline(c, VISIT_MS);
    c->deadline_stays = true;
    begin_relay(c);
}

/* The handshake. */

static void established(struct conn *c)
{
    rp_ssl_established(c->ssl);
    if (c->conns->log_connections) {
        conn_log_established(c->conns, &c->peer, &c->visit, c->ssl);
    }
    if (c->listener->backend_name == NULL) {
        reach_page(c);
        return;
    }
    c->give_up_ms = loop_now_ms(c->conns->loop) + CONNECT_MS;
    reach_backend(c);
}

static void handshake(struct conn *c)
{
    char reason[OPENSSL_ERROR_SIZE];
    int code;

    c->client.allowance = HANDSHAKE_TURN;
    code = SSL_accept(c->ssl);
    if (code == 1) {
        c->client.allowance = SIZE_MAX; /* the relay counts for itself */
        established(c);
        return;
    }
    switch (SSL_get_error(c->ssl, code)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        if (c->client.allowance == 0) {
            wait_for_turn(c);
        } else {
            wait_for_events(c);
        }
        return;
    default:
        break;
    }
    (void)openssl_error_take(reason, c->client.error != 0 ? strerror(c->client.error)
                                                          : "closed by the peer");
    conn_log_failed(c->conns, &c->peer, &c->visit,
                    c->visit.refused ? "no site of this name" : reason);
    linger(c);
}

static void advance(struct conn *c)
{
    if (ERR_peek_error() != 0) {
        ERR_clear_error();
    }
    switch (c->phase) {
    case PHASE_HANDSHAKE:
        handshake(c);
        return;
    case PHASE_REACHING:
        return;
    case PHASE_RELAYING:
        relay(c);
        return;
    case PHASE_LINGERING:
        discard(c);
        return;
    }
}

static void overdue(struct conn *c)
{
    switch (c->phase) {
    case PHASE_HANDSHAKE:
        conn_log_failed(c->conns, &c->peer, &c->visit, "timed out");
        finish(c, true);
        return;
    case PHASE_REACHING:
        reach_backend(c);
        return;
    case PHASE_RELAYING:
        if (!c->backend.connecting) {
            finish(c, true);
        } else if (stream_connected(&c->backend)) {
            set_deadline(c, IDLE_MS - CONNECT_MS);
        } else {
            backend_is_down(c, "timed out");
        }
        return;
    case PHASE_LINGERING:
        finish(c, true);
        return;
    }
}

static void due(struct loop_timer *timer)
{
    struct conn *c = (struct conn *)((char *)timer - offsetof(struct conn, timer));
    const int64_t left_ms = c->deadline_ms - loop_now_ms(c->conns->loop);

    c->timer_ms = INT64_MAX;
    if (left_ms > 0) {
        set_deadline(c, left_ms);
    } else {
        overdue(c);
    }
}

static void client_ready(struct loop_watch *watch, uint32_t events)
{
    struct conn *c = (struct conn *)((char *)watch - offsetof(struct conn, client_watch));

    stream_event(&c->client, events);
    advance(c);
}

static void backend_ready(struct loop_watch *watch, uint32_t events)
{
    struct conn *c = (struct conn *)((char *)watch - offsetof(struct conn, backend_watch));

    stream_event(&c->backend, events);
    advance(c);
}

static bool make_ssl(struct conn *c)
{
    BIO *bio = stream_bio(c->conns->bio_method, &c->client);

    c->ssl = bio != NULL ? SSL_new(c->listener->ctx) : NULL;
    if (c->ssl == NULL) {
        BIO_free(bio);
        return false;
    }
    SSL_set_bio(c->ssl, bio, bio); /* transferred */
    SSL_set_accept_state(c->ssl);
    return SSL_set_app_data(c->ssl, &c->visit) == 1;
}

/* Public functions. */

void conn_open(struct conns *conns, const struct conn_listener *listener, int fd,
               const struct address *peer)
{
    struct conn *c = memory_new(1, sizeof *c);

    if (c == NULL) {
        (void)close(fd);
        return;
    }
    c->conns = conns;
    c->listener = listener;
    c->peer = *peer;
    c->timer.due = due;
    c->timer_ms = INT64_MAX;
    c->client_watch.ready = client_ready;
    c->backend_watch.ready = backend_ready;
    stream_init(&c->client, fd);
    stream_init(&c->backend, -1);
    if (!make_ssl(c)) {
        free_conn(c);
        return;
    }
    c->next = conns->first;
    if (c->next != NULL) {
        c->next->previous = c;
    }
    conns->first = c;
    conns->n++;
    set_deadline(c, HANDSHAKE_MS);
    if (c->timer_ms == INT64_MAX) {
        finish(c, true);
        return;
    }
    wait_for_events(c);
}

enum rp_status conns_init(struct conns *conns)
{
    conns->bio_method = stream_bio_method();
    conns->scratch = memory_new(RELAY_HELD, 1);
    conns->turn.due = turn;
    limiter_init(&conns->handshake_failed, conns->loop, conns->log, "handshake failed");
    limiter_init(&conns->backend_down, conns->loop, conns->log, "backend unreachable");
    limiter_init(&conns->flooded, conns->loop, conns->log, "flood broken off");
    return conns->bio_method != NULL && conns->scratch != NULL ? RP_OK : RP_NO_MEMORY;
}

void conns_fini(struct conns *conns)
{
    conns->emptied = NULL;
    while (conns->first != NULL) {
        finish(conns->first, true);
    }
    if (conns->loop != NULL) {
        loop_timer_clear(&conns->turn);
    }
    limiter_fini(&conns->handshake_failed);
    limiter_fini(&conns->backend_down);
    limiter_fini(&conns->flooded);
    memory_free(conns->scratch);
    BIO_meth_free(conns->bio_method);
    conns->scratch = NULL;
    conns->bio_method = NULL;
}
