#include "conn_state.h"

#include <errno.h>
#include <string.h>

#include "backend.h"
#include "conn_log.h"
#include "facts.h"

#define CONNECT_MS 5000
#define BUSY_MS 20           /* between two tries at a backend whose queue is full */
#define IDLE_MS (10 * 60000) /* nothing passed on, either way */
#define HALF_IDLE_MS 60000   /* the same, after one side has ended */
#define VISIT_MS 60000       /* a whole visit of the built-in page */

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
        conn_set_deadline(c, is_half ? HALF_IDLE_MS : IDLE_MS);
    }
}

static void broke_off(struct conn *c)
{
    if (c->relay.flooded) {
        conn_log_flooded(c->conns, &c->peer, &c->visit);
        conn_finish(c, true);
        return;
    }
    conn_linger(c);
}

void conn_relay(struct conn *c)
{
    const uint64_t n_before = c->relay.n_up + c->relay.n_down;
    const bool was_half = is_half_closed(&c->relay);
    const bool was_connecting = c->backend.connecting;
    const enum relay_state state = relay_run(&c->relay, c->conns->scratch);

    if (was_connecting && c->backend.error != 0 && c->backend.connecting) {
        conn_log_unreachable(c->conns, c->listener, strerror(c->backend.error));
        conn_close_backend(c, false);
        c->backend.connecting = false;
    }
    switch (state) {
    case RELAY_WAITS:
        push_deadline(c, n_before, was_half);
        conn_wait_for_events(c);
        return;
    case RELAY_GOES_ON:
        push_deadline(c, n_before, was_half);
        conn_wait_for_turn(c);
        return;
    case RELAY_LINGERS:
        if (!c->deadline_stays) {
            c->deadline_stays = true;
            conn_set_deadline(c, CONN_LINGER_MS);
        }
        conn_wait_for_events(c);
        return;
    case RELAY_FINISHED:
        conn_finish(c, false);
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
    c->phase = CONN_RELAYING;
    relay_init(&c->relay, c->ssl, &c->client, &c->backend);
    if (c->listener->backend_name == NULL) {
        c->relay.before_end = run_page;
        c->relay.before_end_cookie = c->conns->page;
    }
    conn_relay(c);
}

/* The client is told goodbye in good order: the fault is not its own. */
static void backend_is_down(struct conn *c, const char *reason)
{
    conn_log_unreachable(c->conns, c->listener, reason);
    conn_close_backend(c, false);
    c->backend.connecting = false;
    c->phase = CONN_RELAYING;
    relay_init(&c->relay, c->ssl, &c->client, &c->backend);
    relay_unreachable(&c->relay);
    conn_relay(c);
}

static void reach_backend(struct conn *c)
{
    switch (backend_connect(&c->listener->backend, &c->backend)) {
    case BACKEND_BEGUN:
        conn_set_deadline(c, c->backend.connecting ? CONNECT_MS : IDLE_MS);
        begin_relay(c);
        return;
    case BACKEND_BUSY:
        if (loop_now_ms(c->conns->loop) < c->give_up_ms) {
            c->phase = CONN_REACHING;
            conn_set_deadline(c, BUSY_MS);
            conn_wait_for_events(c);
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
    conn_set_deadline(c, VISIT_MS);
    c->deadline_stays = true;
    begin_relay(c);
}

/* Public functions. */

void conn_reach(struct conn *c)
{
    if (c->listener->backend_name == NULL) {
        reach_page(c);
        return;
    }
    c->give_up_ms = loop_now_ms(c->conns->loop) + CONNECT_MS;
    reach_backend(c);
}

void conn_reach_again(struct conn *c)
{
    reach_backend(c);
}

void conn_relay_overdue(struct conn *c)
{
    if (!c->backend.connecting) {
        conn_finish(c, true);
    } else if (stream_connected(&c->backend)) {
        conn_set_deadline(c, IDLE_MS - CONNECT_MS);
    } else {
        backend_is_down(c, "timed out");
    }
}
