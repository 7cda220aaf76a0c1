#include "client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "error.h"
#include "http_reply.h"
#include "memory.h"
#include "stepper.h"

/* How long to wait for the server's end of a connection that has served its purpose. */
#define LINGER_MS 200
#define LINGER_BARE_MS 1000

enum phase {
    IDLE,
    CONNECTING,
    HANDSHAKING,
    WRITING,
    READING,
    LINGERING,
    CLOSING,
};

struct client {
    struct client_config config;
    struct stepper stepper;
    uv_timer_t timer;
    enum phase phase;
    int fd;
    SSL *ssl;
    uint64_t start_ns;
    size_t written;
    bool at_end; /* the server has closed its side */
    struct http_reply reply;
    struct client_outcome outcome;
};

const char *client_end_word(enum client_end end)
{
    switch (end) {
#define WORD(name, text)                                                                           \
    case CLIENT_##name:                                                                            \
        return text;
        CLIENT_END_MAP(WORD)
#undef WORD
    }
    return "unknown";
}

static uint64_t elapsed_us(const struct client *c)
{
    return (uv_hrtime() - c->start_ns) / 1000;
}

static enum step over(struct client *c, enum client_end end)
{
    c->outcome.end = end;
    return STEP_OVER;
}

static void closed(void *cookie)
{
    struct client *c = cookie;

    c->phase = IDLE;
    c->config.done(c->config.cookie, &c->outcome);
}

/* Ends what start began. */
static void finish(void *cookie)
{
    struct client *c = cookie;

    c->phase = CLOSING;
    (void)uv_timer_stop(&c->timer);
    if (c->ssl != NULL && c->outcome.established && !c->at_end) {
        (void)SSL_shutdown(c->ssl);
    }
    client_tls_free(&c->ssl);
    stepper_close(&c->stepper);
    (void)close(c->fd);
    c->fd = -1;
}

static void explain_tls(struct client *c, const char *doing)
{
    struct rp_error *why = &c->outcome.why;
    const unsigned long code = ERR_peek_error();
    const int reason = ERR_GET_REASON(code);
    const long verify = SSL_get_verify_result(c->ssl);

    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && verify != X509_V_OK) {
        c->outcome.certificate_bad = true;
        error_set(why, "the certificate is not trusted: %s", X509_verify_cert_error_string(verify));
    } else if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET) {
        const int alert = reason - SSL_AD_REASON_OFFSET;

        error_set(why, "alert %d (%s) from the server while %s", alert,
                  SSL_alert_desc_string_long(alert), doing);
    } else {
        const char *text = ERR_reason_error_string(code);

        error_set(why, "%s while %s", text != NULL ? text : "unknown TLS error", doing);
    }
}

/* After an OpenSSL call that did not succeed. */
static enum step judge(struct client *c, int ret, int saved_errno, const char *doing)
{
    switch (SSL_get_error(c->ssl, ret)) {
    case SSL_ERROR_WANT_READ:
        return STEP_READ;
    case SSL_ERROR_WANT_WRITE:
        return STEP_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        c->at_end = true;
        error_set(&c->outcome.why, "the server closed the connection while %s", doing);
        return STEP_OVER;
    case SSL_ERROR_SSL:
        c->at_end = true;
        explain_tls(c, doing);
        return STEP_OVER;
    default:
        c->at_end = true;
        error_set(&c->outcome.why, "%s while %s",
                  saved_errno != 0 ? strerror(saved_errno) : "the server closed the connection",
                  doing);
        return STEP_OVER;
    }
}

static enum step connecting(struct client *c)
{
    int failure = 0;
    socklen_t len = sizeof failure;

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &failure, &len) != 0) {
        failure = errno;
    }
    if (failure != 0) {
        error_set(&c->outcome.why, "%s", strerror(failure));
        return over(c, CLIENT_CONNECT);
    }
    c->outcome.connected = true;
    c->phase = HANDSHAKING;
    return STEP_ON;
}

static void linger(struct client *c, uint64_t limit_ms);

static enum step handshaking(struct client *c)
{
    struct client_outcome *o = &c->outcome;
    int ret;
    enum step step;

    ERR_clear_error();
    errno = 0;
    ret = SSL_do_handshake(c->ssl);
    if (ret != 1) {
        step = judge(c, ret, errno, "the handshake ran");
        return step == STEP_OVER ? over(c, CLIENT_HANDSHAKE) : step;
    }
    o->handshake_us = elapsed_us(c);
    o->established = true;
    o->reused = SSL_session_reused(c->ssl) != 0;
    o->cipher = SSL_get_cipher_name(c->ssl);
    (void)SSL_SESSION_get_id(SSL_get0_session(c->ssl), &o->session_id_len);
    if (c->config.request != NULL) {
        c->phase = WRITING;
        return STEP_ON;
    }
    (void)SSL_shutdown(c->ssl);
    (void)shutdown(c->fd, SHUT_WR);
    linger(c, LINGER_BARE_MS);
    return STEP_ON;
}

static enum step writing(struct client *c)
{
    const size_t left = c->config.request_len - c->written;
    size_t n = 0;
    int ret;
    enum step step;

    ERR_clear_error();
    errno = 0;
    ret = SSL_write_ex(c->ssl, c->config.request + c->written, left, &n);
    if (ret != 1) {
        step = judge(c, ret, errno, "the request was sent");
        return step == STEP_OVER ? over(c, CLIENT_REPLY) : step;
    }
    c->written += n;
    if (c->written == c->config.request_len) {
        c->phase = READING;
    }
    return STEP_ON;
}

static enum step reply_ended(struct client *c)
{
    if (!http_reply_whole_at_end(&c->reply)) {
        if (c->outcome.why.text[0] == '\0') {
            error_set(&c->outcome.why, "the server closed the connection before its reply");
        }
        return over(c, CLIENT_REPLY);
    }
    error_clear(&c->outcome.why);
    c->outcome.connection_us = elapsed_us(c);
    return over(c, CLIENT_OK);
}

static enum step reading(struct client *c)
{
    char buffer[16384];
    size_t n = 0;
    int ret;
    enum step step;

    ERR_clear_error();
    errno = 0;
    ret = SSL_read_ex(c->ssl, buffer, sizeof buffer, &n);
    if (ret != 1) {
        step = judge(c, ret, errno, "the reply was read");
        c->outcome.http_status = c->reply.status;
        return step == STEP_OVER ? reply_ended(c) : step;
    }
    switch (http_reply_feed(&c->reply, buffer, n)) {
    case HTTP_REPLY_STATUS_LINE:
    case HTTP_REPLY_HEADER:
    case HTTP_REPLY_BODY:
    case HTTP_REPLY_UNTIL_CLOSE:
        break;
    case HTTP_REPLY_DONE:
        c->outcome.http_status = c->reply.status;
        linger(c, LINGER_MS);
        break;
    case HTTP_REPLY_BAD:
        error_set(&c->outcome.why, "what the server sent is not an HTTP reply");
        return over(c, CLIENT_REPLY);
    case HTTP_REPLY_TOO_LONG:
        error_set(&c->outcome.why, "the header of the reply is too long");
        return over(c, CLIENT_REPLY);
    }
    return STEP_ON;
}

/* Reads to the end. After a request any end will do; without one this is where a server speaks up
 * that does not accept our Finished. */
static enum step lingering(struct client *c)
{
    char buffer[4096];
    size_t n = 0;
    int ret;
    int error;

    ERR_clear_error();
    errno = 0;
    ret = SSL_read_ex(c->ssl, buffer, sizeof buffer, &n);
    if (ret == 1) {
        return STEP_ON;
    }
    error = SSL_get_error(c->ssl, ret);
    if (error == SSL_ERROR_WANT_READ) {
        return STEP_READ;
    }
    if (error == SSL_ERROR_WANT_WRITE) {
        return STEP_WRITE;
    }
    c->at_end = true;
    if (c->config.request == NULL) {
        c->outcome.connection_us = elapsed_us(c);
        if (error == SSL_ERROR_SSL) {
            explain_tls(c, "it was closed");
            return over(c, CLIENT_HANDSHAKE);
        }
    }
    return over(c, CLIENT_OK);
}

static enum step step_once(void *cookie)
{
    struct client *c = cookie;

    switch (c->phase) {
    case CONNECTING:
        return connecting(c);
    case HANDSHAKING:
        return handshaking(c);
    case WRITING:
        return writing(c);
    case READING:
        return reading(c);
    case LINGERING:
        return lingering(c);
    case IDLE:
    case CLOSING:
        break;
    }
    return STEP_OVER;
}

static void lost(void *cookie)
{
    struct client *c = cookie;

    c->outcome.end = CLIENT_LOCAL;
    error_set(&c->outcome.why, "cannot watch a socket");
    finish(c);
}

static const struct stepper_kind kind = {
    .step = step_once,
    .over = finish,
    .lost = lost,
    .closed = closed,
};

static void too_late(uv_timer_t *timer)
{
    struct client *c = timer->data;
    struct rp_error *why = &c->outcome.why;

    c->outcome.end = CLIENT_TIMEOUT;
    switch (c->phase) {
    case CONNECTING:
        error_set(why, "no TCP connection in time");
        break;
    case HANDSHAKING:
        error_set(why, "the handshake was not done in time");
        break;
    case WRITING:
    case READING:
        c->outcome.http_status = c->reply.status;
        error_set(why, "the reply was not there in time");
        break;
    case IDLE:
    case LINGERING:
    case CLOSING:
        c->outcome.end = CLIENT_OK;
        if (c->config.request == NULL) {
            c->outcome.connection_us = elapsed_us(c);
        }
        break;
    }
    finish(c);
}

/* The connection has served its purpose; what is left is its end. */
static void linger(struct client *c, uint64_t limit_ms)
{
    c->phase = LINGERING;
    c->outcome.connection_us = elapsed_us(c);
    (void)uv_timer_start(&c->timer, too_late, limit_ms, 0);
}

/* A failure before there was a socket to watch still comes from the loop, never from start. */
static void never_begun(uv_timer_t *timer)
{
    struct client *c = timer->data;

    c->phase = IDLE;
    c->config.done(c->config.cookie, &c->outcome);
}

static void fail_start(struct client *c, enum client_end end, const char *what, int error)
{
    c->outcome.end = end;
    error_set(&c->outcome.why, "%s: %s", what, error != 0 ? strerror(error) : "out of memory");
    if (c->fd >= 0) {
        (void)close(c->fd);
        c->fd = -1;
    }
    client_tls_free(&c->ssl);
    (void)uv_timer_start(&c->timer, never_begun, 1, 0);
}

/* These fail for want of something here, not for what the server is. */
static bool is_local(int error)
{
    return error == EADDRNOTAVAIL || error == EMFILE || error == ENFILE || error == ENOBUFS ||
           error == ENOMEM || error == EAFNOSUPPORT;
}

void client_start(struct client *c, const struct peer_address *address, SSL_SESSION *offer)
{
    const int on = 1;

    memset(&c->outcome, 0, sizeof c->outcome);
    memset(&c->reply, 0, sizeof c->reply);
    c->written = 0;
    c->at_end = false;
    c->phase = CONNECTING;
    c->fd = socket(address->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0) {
        fail_start(c, CLIENT_LOCAL, "no socket", errno);
        return;
    }
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->ssl = client_tls_new(c->config.ctx, c->fd, &c->config.names, offer, c);
    if (c->ssl == NULL) {
        fail_start(c, CLIENT_LOCAL, "cannot set up TLS", 0);
        return;
    }
    /* Else one read goes on for as long as tickets come, and no timer is looked at. */
    (void)SSL_clear_mode(c->ssl, SSL_MODE_AUTO_RETRY);
    c->start_ns = uv_hrtime();
    if (connect(c->fd, (const struct sockaddr *)&address->sa, address->len) == 0) {
        c->outcome.connected = true;
        c->phase = HANDSHAKING;
    } else if (errno != EINPROGRESS) {
        const int error = errno;

        fail_start(c, is_local(error) ? CLIENT_LOCAL : CLIENT_CONNECT, "cannot connect", error);
        return;
    }
    if (!stepper_init(&c->stepper, c->timer.loop, c->fd, &kind, c)) {
        fail_start(c, CLIENT_LOCAL, "cannot watch a socket", ENOMEM);
        return;
    }
    (void)uv_timer_start(&c->timer, too_late, c->config.timeout_ms, 0);
    if (c->phase == HANDSHAKING) {
        stepper_go_on(&c->stepper);
    } else {
        stepper_watch(&c->stepper, UV_WRITABLE);
    }
}

static int take_session(SSL *ssl, SSL_SESSION *session)
{
    struct client *c = SSL_get_app_data(ssl);

    c->outcome.n_sessions++;
    c->config.session(c->config.cookie, session); /* transferred */
    return 1;
}

void client_prepare(SSL_CTX *ctx)
{
    SSL_CTX_sess_set_new_cb(ctx, take_session);
}

enum rp_status client_new(uv_loop_t *loop, const struct client_config *config, struct client **out)
{
    struct client *c = memory_new(1, sizeof *c);

    *out = NULL;
    if (c == NULL) {
        return RP_NO_MEMORY;
    }
    c->config = *config;
    c->fd = -1;
    if (uv_timer_init(loop, &c->timer) != 0) {
        memory_free(c);
        return RP_SYSTEM;
    }
    c->timer.data = c;
    *out = c;
    return RP_OK;
}

static void freed(uv_handle_t *handle)
{
    memory_free(handle->data);
}

void client_close(struct client **c)
{
    if (*c != NULL) {
        uv_close((uv_handle_t *)&(*c)->timer, freed);
        *c = NULL;
    }
}
