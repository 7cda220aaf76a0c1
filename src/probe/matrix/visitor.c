#include "visitor_state.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "error.h"
#include "memory.h"

/* After so many, timers and other connections get their turn. */
#define STEPS_MAX 64

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

static void closed(uv_handle_t *handle)
{
    tell(handle->data);
}

/* Only here is the SSL freed, always marked as shut down: libssl would take an unmarked one for
 * broken and spoil the session that it shares with us. */
static void finish(struct visitor *v)
{
    v->phase = CLOSING;
    (void)uv_timer_stop(&v->timer);
    if (v->visit.established && !v->at_end) {
        (void)SSL_shutdown(v->ssl);
    }
    SSL_set_shutdown(v->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(v->ssl);
    v->ssl = NULL;
    ERR_clear_error();
    v->visit.http_status = v->reply.status;
    memcpy(v->visit.http_server, v->reply.server, sizeof v->visit.http_server);
    uv_close((uv_handle_t *)&v->poll, closed);
    (void)close(v->fd);
    v->fd = -1;
}

static void ready(uv_poll_t *poll, int status, int events);

static void watch(struct visitor *v, int events)
{
    if (v->events == events) {
        return;
    }
    v->events = events;
    if (uv_poll_start(&v->poll, events, ready) != 0) {
        v->at_end = true;
        v->visit.end = VISIT_LOCAL;
        error_set(&v->visit.why, "cannot watch a socket");
        finish(v);
    }
}

static void go_on(struct visitor *v)
{
    enum step step = STEP_ON;

    v->n_reads = READS_MAX;
    for (unsigned i = 0; i < STEPS_MAX && step == STEP_ON; i++) {
        step = visitor_step(v);
    }
    switch (step) {
    case STEP_ON:
        /* What libssl holds raises no event, but there is room to write as good as always. */
        watch(v, UV_READABLE | UV_WRITABLE);
        return;
    case STEP_READ:
        watch(v, UV_READABLE);
        return;
    case STEP_WRITE:
        watch(v, UV_WRITABLE);
        return;
    case STEP_OVER:
        finish(v);
        return;
    }
}

static void ready(uv_poll_t *poll, int status, int events)
{
    struct visitor *v = poll->data;

    (void)events;
    if (status < 0) {
        /* libuv saw an error on the socket and stopped; the next call of ours tells which. */
        v->events = 0;
    }
    go_on(v);
}

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
        go_on(v);
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
    SSL_free(v->ssl);
    v->ssl = NULL;
    ERR_clear_error();
    v->phase = FAILING;
    (void)uv_timer_start(&v->timer, too_late, 0, 0);
}

static bool set_up_names(struct visitor *v)
{
    const struct visitor_order *o = &v->order;

    if (o->servername != NULL && SSL_set_tlsext_host_name(v->ssl, o->servername) != 1) {
        return false;
    }
    if (o->verify_name == NULL) {
        return true;
    }
    if (o->verify_is_address) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(v->ssl), o->verify_name) == 1;
    }
    return SSL_set1_host(v->ssl, o->verify_name) == 1;
}

/* To libssl the socket has no more for now once it has read its share. */
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
    SSL_SESSION *offer = v->order.offer;
    SSL_SESSION *copy = offer != NULL ? SSL_SESSION_dup(offer) : NULL;
    bool ok = false;

    v->ssl = SSL_new(v->order.ctx);
    if (v->ssl != NULL && (offer == NULL || copy != NULL) && set_up_names(v) &&
        SSL_set_fd(v->ssl, v->fd) == 1 && (copy == NULL || SSL_set_session(v->ssl, copy) == 1)) {
        BIO_set_callback_arg(SSL_get_rbio(v->ssl), (char *)(void *)v);
        BIO_set_callback_ex(SSL_get_rbio(v->ssl), before_read);
        SSL_set_app_data(v->ssl, v);
        SSL_set_connect_state(v->ssl);
        witness_attach(&v->witness, v->ssl, &v->visit);
        ok = true;
    }
    SSL_SESSION_free(copy);
    return ok;
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
    v->events = 0;
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
    if (uv_poll_init(v->timer.loop, &v->poll, v->fd) != 0) {
        (void)visitor_over(v, VISIT_LOCAL, "cannot watch a socket");
        fail_start(v);
        return;
    }
    v->poll.data = v;
    v->phase = CONNECTING;
    (void)uv_timer_start(&v->timer, too_late, v->config.timeout_ms, v->config.timeout_ms);
    watch(v, UV_WRITABLE);
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
