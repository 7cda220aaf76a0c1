#include "visitor_state.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "error.h"
#include "memory.h"

/* So often may libssl read in a turn: it goes on within one call for as long as messages come that
 * call for nothing more, such as HelloRequests and tickets. */
#define READS_MAX 32

static void release_sessions(struct visitor *v)
{
    for (size_t i = 0; i < v->n_sessions; i++) {
        SSL_SESSION_free(v->sessions[i]);
        v->sessions[i] = NULL;
    }
    v->n_sessions = 0;
}

static void tell(struct visitor *v)
{
    v->phase = IDLE;
    v->config.done(v->config.cookie, &v->visit, v->sessions, v->n_sessions);
}

static void closed(void *cookie)
{
    tell(cookie);
}

static void finish(void *cookie)
{
    struct visitor *v = cookie;

    v->phase = CLOSING;
    (void)uv_timer_stop(&v->timer);
    if (v->visit.established && !v->at_end) {
        (void)SSL_shutdown(v->ssl);
    }
    client_tls_free(&v->ssl);
    v->visit.http_status = v->reply.status;
    memcpy(v->visit.http_server, v->reply.server, sizeof v->visit.http_server);
    stepper_close(&v->stepper);
    (void)close(v->fd);
    v->fd = -1;
}

static void lost(void *cookie)
{
    struct visitor *v = cookie;

    v->at_end = true;
    (void)visitor_over(v, VISIT_LOCAL, "cannot watch a socket");
    finish(v);
}

static void begin_turn(void *cookie)
{
    struct visitor *v = cookie;

    v->n_reads = READS_MAX;
}

static const struct stepper_kind kind = {
    .turn = begin_turn,
    .step = visitor_step,
    .over = finish,
    .lost = lost,
    .closed = closed,
};

static void too_late(uv_timer_t *timer)
{
    struct visitor *v = timer->data;
    struct visit *visit = &v->visit;

    switch (v->phase) {
    case CONNECTING:
        (void)visitor_over(v, VISIT_UNREACHABLE, "no answer to the connect in time");
        break;
    case GREETING:
        (void)visitor_over(v, VISIT_TIMEOUT,
                           "the server says nothing, or not all, before STARTTLS");
        break;
    case EARLY:
    case HANDSHAKING:
        (void)visitor_over(v, VISIT_TIMEOUT,
                           v->witness.has_record ? "the handshake was not done in time"
                                                 : "the server does not answer the ClientHello");
        break;
    case READING:
        visitor_leave(v);
        stepper_go_on(&v->stepper);
        return;
    case FAILING:
        tell(v);
        return;
    case IDLE:
    case WRITING:
    case LEAVING:
    case CLOSING:
        visit->end = VISIT_OK;
        break;
    }
    finish(v);
}

/* A failure before there was a socket to watch still comes from the loop, never from start. */
static void fail_start(struct visitor *v)
{
    if (v->fd >= 0) {
        (void)close(v->fd);
        v->fd = -1;
    }
    client_tls_free(&v->ssl);
    v->phase = FAILING;
    (void)uv_timer_start(&v->timer, too_late, 0, 0);
}

/* Once libssl has read its share of a turn, the socket is empty to it. */
static long before_read(BIO *bio, int oper, const char *p, size_t len, int argi, long argl, int ret,
                        size_t *processed)
{
    struct visitor *v = (struct visitor *)(void *)BIO_get_callback_arg(bio);

    (void)p;
    (void)len;
    (void)argi;
    (void)argl;
    (void)processed;
    if (oper != BIO_CB_READ) {
        return ret;
    }
    if (v->n_reads == 0) {
        BIO_clear_retry_flags(bio);
        BIO_set_retry_read(bio);
        return -1;
    }
    v->n_reads--;
    return ret;
}

static bool set_up_tls(struct visitor *v)
{
    v->ssl = client_tls_new(v->order.ctx, v->fd, &v->order.names, v->order.offer, v);
    if (v->ssl == NULL) {
        return false;
    }
    BIO_set_callback_arg(SSL_get_rbio(v->ssl), (char *)(void *)v);
    BIO_set_callback_ex(SSL_get_rbio(v->ssl), before_read);
    witness_attach(&v->witness, v->ssl, &v->visit);
    return true;
}

static void reset(struct visitor *v, const struct visitor_order *order)
{
    release_sessions(v);
    memset(&v->visit, 0, sizeof v->visit);
    memset(&v->reply, 0, sizeof v->reply);
    memset(&v->starttls, 0, sizeof v->starttls);
    v->visit.alert = VISIT_NO_ALERT;
    v->reply.bodiless = order->is_head;
    v->order = *order;
    v->sent = 0;
    v->received = 0;
    v->sent_early = false;
    v->at_end = false;
}

void visitor_start(struct visitor *v, const struct visitor_order *order)
{
    const struct peer_address *address = order->address;
    const int on = 1;

    reset(v, order);
    uv_update_time(v->timer.loop); /* timers count from the loop's time, which may be old */
    v->fd = socket(address->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (v->fd < 0) {
        visitor_connect_failed(&v->visit, errno);
        fail_start(v);
        return;
    }
    (void)setsockopt(v->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    v->start_ns = uv_hrtime();
    if (!set_up_tls(v)) {
        (void)visitor_over(v, VISIT_LOCAL, "cannot set up TLS");
        fail_start(v);
        return;
    }
    if (connect(v->fd, (const struct sockaddr *)&address->sa, address->len) != 0 &&
        errno != EINPROGRESS) {
        visitor_connect_failed(&v->visit, errno);
        fail_start(v);
        return;
    }
    if (!stepper_init(&v->stepper, v->timer.loop, v->fd, &kind, v)) {
        (void)visitor_over(v, VISIT_LOCAL, "cannot watch a socket");
        fail_start(v);
        return;
    }
    v->phase = CONNECTING;
    (void)uv_timer_start(&v->timer, too_late, v->config.timeout_ms, v->config.timeout_ms);
    stepper_watch(&v->stepper, UV_WRITABLE);
}

void visitor_stop(struct visitor *v)
{
    if (v->phase == IDLE || v->phase == FAILING || v->phase == CLOSING) {
        return;
    }
    if (!v->visit.established) {
        (void)visitor_over(v, VISIT_LOCAL, "interrupted");
    }
    finish(v);
}

/* A copy: what happens to the connection later, such as an alert, would spoil the original. */
static int take_session(SSL *ssl, SSL_SESSION *session)
{
    struct visitor *v = SSL_get_app_data(ssl);
    SSL_SESSION *copy = v->n_sessions != VISIT_TICKETS_MAX ? SSL_SESSION_dup(session) : NULL;

    if (copy != NULL) {
        v->sessions[v->n_sessions++] = copy;
    }
    return 0; /* the original stays libssl's */
}

void visitor_prepare(SSL_CTX *ctx)
{
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, take_session);
}

enum rp_status visitor_new(uv_loop_t *loop, const struct visitor_config *config,
                           struct visitor **out)
{
    struct visitor *v = memory_new(1, sizeof *v);

    *out = NULL;
    if (v == NULL) {
        return RP_NO_MEMORY;
    }
    v->config = *config;
    v->fd = -1;
    if (uv_timer_init(loop, &v->timer) != 0) {
        memory_free(v);
        return RP_SYSTEM;
    }
    v->timer.data = v;
    *out = v;
    return RP_OK;
}

static void freed(uv_handle_t *handle)
{
    struct visitor *v = handle->data;

    release_sessions(v);
    memory_free(v);
}

void visitor_close(struct visitor **v)
{
    if (*v != NULL) {
        uv_close((uv_handle_t *)&(*v)->timer, freed);
        *v = NULL;
    }
}
