#include "conn_state.h"

#include <errno.h>
#include <string.h>

#include "backend.h"
#include "conn_log.h"
#include "conn_metrics.h"
#include "facts.h"
#include "memory.h"

#define BUSY_MS 20     /* between two tries at a backend whose queue is full */
#define VISIT_MS 60000 /* a whole visit of the built-in page */

static bool is_half_closed(const struct relay *r)
{
    return r->up.state != RELAY_OPEN || r->down.state != RELAY_OPEN;
}

/* What a connection was before its turn. */
struct before {
    uint64_t n_up;
    uint64_t n_down;
    bool is_half;
    bool connecting;
};

/*
 * Every byte that is passed on gives more time; so does the backend's connection when it stands,
 * and the end of one way, but less.
 */
static void push_deadline(struct conn *c, const struct before *before)
{
    const struct relay *r = &c->relay;
    const struct config_listen *config = c->listener->config;
    const bool is_half = is_half_closed(r);

    if (!c->deadline_stays && !c->backend.connecting &&
        (r->n_up != before->n_up || r->n_down != before->n_down || is_half != before->is_half ||
         before->connecting)) {
        conn_set_deadline(c, is_half ? config->half_close_timeout_ms : config->proxy_timeout_ms);
    }
}

static void broke_off(struct conn *c)
{
    if (c->relay.flooded) {
        conn_log_flooded(c->conns, &c->peer, &c->visit);
        conn_metrics_refused(c->conns, METRICS_REFUSAL_RECORDS);
        conn_finish(c, true);
        return;
    }
    conn_linger(c);
}

void conn_relay(struct conn *c)
{
    const struct before before = {c->relay.n_up, c->relay.n_down, is_half_closed(&c->relay),
                                  c->backend.connecting};
    const enum relay_state state = relay_run(&c->relay, c->conns->scratch);

    conn_metrics_relayed(c->conns, c->relay.n_up - before.n_up, c->relay.n_down - before.n_down);
    if (before.connecting && c->backend.error != 0 && c->backend.connecting) {
        conn_log_unreachable(c->conns, c->listener, strerror(c->backend.error));
        conn_metrics_count(c->conns, METRICS_BACKEND_FAILURES);
        conn_close_backend(c, false);
        c->backend.connecting = false;
    }
    switch (state) {
    case RELAY_WAITS:
        push_deadline(c, &before);
        conn_wait_for_events(c);
        return;
    case RELAY_GOES_ON:
        push_deadline(c, &before);
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
    if (!conn_greet(c)) {
        conn_finish(c, true);
        return;
    }
    memory_free(c->header);
    c->header = NULL;
    conn_relay(c);
}

/* The client is told goodbye in good order: the fault is not its own. */
static void backend_is_down(struct conn *c, const char *reason, size_t cell)
{
    conn_log_unreachable(c->conns, c->listener, reason);
    conn_metrics_count(c->conns, cell);
    conn_close_backend(c, false);
    c->backend.connecting = false;
    c->phase = CONN_RELAYING;
    relay_fini(&c->relay);
    relay_init(&c->relay, c->ssl, &c->client, &c->backend);
    relay_unreachable(&c->relay);
    conn_set_deadline(c, CONN_LINGER_MS);
    conn_relay(c);
}

/* For a short time others may give back what is lacking. */
static void try_again(struct conn *c, const char *reason)
{
    if (loop_now_ms(c->conns->loop) >= c->give_up_ms) {
        backend_is_down(c, reason, METRICS_BACKEND_FAILURES);
        return;
    }
    c->phase = CONN_REACHING;
    conn_set_deadline(c, BUSY_MS);
    conn_wait_for_events(c);
}

static void reach_backend(struct conn *c)
{
    const struct config_listen *config = c->listener->config;

    switch (backend_connect(&c->listener->backend, &c->backend)) {
    case BACKEND_BEGUN:
        conn_metrics_count(c->conns, METRICS_BACKEND_CONNECTS);
        conn_set_deadline(c, c->backend.connecting ? config->proxy_connect_timeout_ms
                                                   : config->proxy_timeout_ms);
        begin_relay(c);
        return;
    case BACKEND_BUSY:
        try_again(c, errno == EAGAIN ? "its queue is full" : strerror(errno));
        return;
    case BACKEND_DOWN:
        backend_is_down(c, strerror(errno), METRICS_BACKEND_FAILURES);
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
        try_again(c, "no visit of the built-in page could begin");
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
    c->give_up_ms = loop_now_ms(c->conns->loop) + c->listener->config->proxy_connect_timeout_ms;
    conn_reach_again(c);
}

void conn_reach_again(struct conn *c)
{
    if (c->listener->backend_name == NULL) {
        reach_page(c);
    } else {
        reach_backend(c);
    }
}

void conn_relay_overdue(struct conn *c)
{
    if (!c->backend.connecting) {
        conn_finish(c, true);
    } else if (stream_connected(&c->backend)) {
        conn_set_deadline(c, c->listener->config->proxy_timeout_ms);
    } else {
        backend_is_down(c, "timed out", METRICS_BACKEND_TIMEOUTS);
    }
}
