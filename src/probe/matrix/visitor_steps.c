#include "visitor_state.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <openssl/err.h>

#include "error.h"

/* For the server's end of a connection that has served its purpose. */
#define LINGER_MS 200

/* A reply may take so many times as long as the handshake: who is slow in the one, server or host
 * of ours, is slow in the other. */
#define SLOWNESS 4

/* Of a reply whose body is of no interest. */
#define REPLY_MAX ((size_t)1 << 20)

enum step visitor_over(struct visitor *v, enum visit_end end, const char *why)
{
    v->visit.end = end;
    error_set(&v->visit.why, "%s", why);
    return STEP_OVER;
}

/* The TCP connection broke with an error of the system's. */
static enum step broke(struct visitor *v, int error, const char *where)
{
    v->at_end = true;
    v->visit.end = error == ECONNRESET || error == EPIPE ? VISIT_RESET : VISIT_CLOSED;
    if (error == ECONNRESET || error == EPIPE) {
        error_set(&v->visit.why, "the server reset the connection %s", where);
    } else if (error == 0) {
        error_set(&v->visit.why, "the server closed the connection %s", where);
    } else {
        error_set(&v->visit.why, "%s %s", strerror(error), where);
    }
    return STEP_OVER;
}

void visitor_connect_failed(struct visit *visit, int error)
{
    switch (error) {
    case ECONNREFUSED:
        visit->end = VISIT_REFUSED;
        error_set(&visit->why, "connection refused");
        break;
    case ECONNRESET:
        visit->end = VISIT_RESET;
        error_set(&visit->why, "the server reset the connection before TLS began");
        break;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        visit->end = VISIT_LOCAL;
        error_set(&visit->why, "no socket to connect with: %s", strerror(error));
        break;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        visit->end = VISIT_UNREACHABLE;
        error_set(&visit->why, "this host has no address to reach it from: %s", strerror(error));
        break;
    default:
        visit->end = VISIT_UNREACHABLE;
        error_set(&visit->why, "unreachable: %s", strerror(error));
        break;
    }
}

static enum step connecting(struct visitor *v)
{
    int failure = 0;
    socklen_t len = sizeof failure;

    if (getsockopt(v->fd, SOL_SOCKET, SO_ERROR, &failure, &len) != 0) {
        failure = errno;
    }
    if (failure != 0) {
        visitor_connect_failed(&v->visit, failure);
        return STEP_OVER;
    }
    v->visit.connected = true;
    (void)uv_timer_again(&v->timer);
    v->phase = v->order.starttls ? GREETING : v->order.early ? EARLY : HANDSHAKING;
    return STEP_ON;
}

/* Sends what is left of s; STEP_ON once nothing is. */
static enum step send_clear(struct visitor *v, const char *s)
{
    while (s[v->sent] != '\0') {
        const ssize_t n = send(v->fd, s + v->sent, strlen(s + v->sent), MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN) {
            return STEP_WRITE;
        }
        if (n <= 0) {
            return broke(v, errno, "before TLS began");
        }
        v->sent += (size_t)n;
    }
    return STEP_ON;
}

static enum step greeting(struct visitor *v)
{
    char buffer[1024];
    ssize_t n;

    n = recv(v->fd, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EAGAIN) {
        return STEP_READ;
    }
    if (n <= 0) {
        return broke(v, n < 0 ? errno : 0, "before TLS began");
    }
    switch (starttls_feed(&v->starttls, buffer, (size_t)n)) {
    case STARTTLS_READ:
        return STEP_ON;
    case STARTTLS_SEND:
        /* A line of so few bytes always fits into the buffer of a socket that sent nothing. */
        v->sent = 0;
        return send_clear(v, starttls_text(&v->starttls));
    case STARTTLS_BEGIN:
        v->sent = 0;
        v->phase = v->order.early ? EARLY : HANDSHAKING;
        return STEP_ON;
    case STARTTLS_FAILED:
        break;
    }
    return visitor_over(v, VISIT_STARTTLS, v->starttls.err.text);
}

/* After a call of libssl's that did not succeed, in the handshake. */
static enum step judge_handshake(struct visitor *v, int ret, int saved_errno)
{
    switch (SSL_get_error(v->ssl, ret)) {
    case SSL_ERROR_WANT_READ:
        return STEP_READ;
    case SSL_ERROR_WANT_WRITE:
        return STEP_WRITE;
    case SSL_ERROR_SSL:
        v->at_end = true;
        witness_failed(&v->witness);
        return STEP_OVER;
    default:
        return broke(v, saved_errno, "in the handshake");
    }
}

static enum step early(struct visitor *v)
{
    const size_t left = v->order.request_len - v->sent;
    size_t n = 0;
    int ret;

    ERR_clear_error();
    errno = 0;
    ret = SSL_write_early_data(v->ssl, v->order.request + v->sent, left, &n);
    if (ret != 1) {
        return judge_handshake(v, ret, errno);
    }
    v->sent += n;
    if (v->sent == v->order.request_len) {
        v->sent_early = true;
        v->phase = HANDSHAKING;
    }
    return STEP_ON;
}

void visitor_leave(struct visitor *v)
{
    (void)SSL_shutdown(v->ssl);
    (void)shutdown(v->fd, SHUT_WR);
    v->phase = LEAVING;
    uv_timer_set_repeat(&v->timer, LINGER_MS);
    (void)uv_timer_again(&v->timer);
}

static uint64_t patience_ms(const struct visitor *v)
{
    const uint64_t usual_ms = *v->order.patience_ms;
    const uint64_t slow_ms = SLOWNESS * v->visit.handshake_us / 1000;

    if (!v->order.is_patient || slow_ms <= usual_ms) {
        return usual_ms;
    }
    return slow_ms < 2 * usual_ms ? slow_ms : 2 * usual_ms;
}

static void wait_for_more(struct visitor *v)
{
    v->phase = READING;
    uv_timer_set_repeat(&v->timer, patience_ms(v));
    (void)uv_timer_again(&v->timer);
}

/* Whoever is after tickets alone has those of TLS 1.2 by now. */
static void go_on_established(struct visitor *v)
{
    const struct visit *const visit = &v->visit;
    const bool is_13 = visit->version == TLS1_3_VERSION;

    if (v->order.only_tickets && !is_13) {
        visitor_leave(v);
        return;
    }
    if (v->order.request != NULL && !visit->early_accepted) {
        v->sent = 0;
        v->phase = WRITING;
    } else if (v->order.request != NULL || (v->order.wants_tickets && is_13)) {
        wait_for_more(v);
    } else {
        visitor_leave(v);
    }
}

static enum step handshaking(struct visitor *v)
{
    struct visit *visit = &v->visit;
    int ret;

    ERR_clear_error();
    errno = 0;
    ret = SSL_do_handshake(v->ssl);
    if (ret != 1) {
        return judge_handshake(v, ret, errno);
    }
    witness_established(&v->witness, v->ssl, v->order.names.verify_name,
                        v->order.names.verify_is_address, (int64_t)time(NULL));
    visit->handshake_us = (uv_hrtime() - v->start_ns) / 1000;
    visit->at_ms = (int64_t)((uv_hrtime() - v->config.began_ns) / 1000000);
    visit->early_accepted =
        v->sent_early && SSL_get_early_data_status(v->ssl) == SSL_EARLY_DATA_ACCEPTED;
    go_on_established(v);
    return STEP_ON;
}

/* After a call that did not succeed, once the handshake is done. */
static enum step judge_after(struct visitor *v, int ret, int saved_errno)
{
    struct visit *visit = &v->visit;
    const int error = SSL_get_error(v->ssl, ret);

    if (error == SSL_ERROR_WANT_READ) {
        return STEP_READ;
    }
    if (error == SSL_ERROR_WANT_WRITE) {
        return STEP_WRITE;
    }
    v->at_end = true;
    if (error == SSL_ERROR_ZERO_RETURN || v->phase == LEAVING) {
        return STEP_OVER;
    }
    if (visit->alert != VISIT_NO_ALERT && !visit->alert_is_ours) {
        visit->end = VISIT_REPLY;
        error_set(&visit->why,
                  "the server ended the connection by alert %d (%s) after the handshake",
                  visit->alert, SSL_alert_desc_string_long(visit->alert));
    } else if (v->received == 0 && visit->n_tickets == 0 && error == SSL_ERROR_SYSCALL &&
               saved_errno != 0) {
        visit->end = VISIT_REPLY;
        error_set(&visit->why, "%s after the handshake", strerror(saved_errno));
    }
    return STEP_OVER;
}

static enum step writing(struct visitor *v)
{
    const size_t left = v->order.request_len - v->sent;
    size_t n = 0;
    int ret;

    ERR_clear_error();
    errno = 0;
    ret = SSL_write_ex(v->ssl, v->order.request + v->sent, left, &n);
    if (ret != 1) {
        return judge_after(v, ret, errno);
    }
    v->sent += n;
    if (v->sent == v->order.request_len) {
        wait_for_more(v);
    }
    return STEP_ON;
}

/* Enough was read: a whole reply, or what will never be one. */
static bool has_enough(struct visitor *v, const char *p, size_t n)
{
    enum http_reply_state state;

    v->received += n;
    if (v->received > REPLY_MAX) {
        return true;
    }
    if (!v->order.is_http) {
        return false;
    }
    state = http_reply_feed(&v->reply, p, n);
    return state == HTTP_REPLY_DONE || state == HTTP_REPLY_BAD || state == HTTP_REPLY_TOO_LONG;
}

static enum step reading(struct visitor *v)
{
    const unsigned n_tickets = v->visit.n_tickets;
    char buffer[16384];
    size_t n = 0;
    int ret;
    enum step step = STEP_ON;

    ERR_clear_error();
    errno = 0;
    ret = SSL_read_ex(v->ssl, buffer, sizeof buffer, &n);
    if (ret != 1) {
        step = judge_after(v, ret, errno);
    } else if (v->phase == READING && has_enough(v, buffer, n)) {
        visitor_leave(v);
    }
    if (v->phase == READING && (v->order.request == NULL || v->order.only_tickets) &&
        v->visit.n_tickets > n_tickets && step != STEP_OVER) {
        visitor_leave(v); /* others come before the server's end */
    }
    return step;
}

enum step visitor_step(void *cookie)
{
    struct visitor *v = cookie;

    switch (v->phase) {
    case CONNECTING:
        return connecting(v);
    case GREETING:
        return greeting(v);
    case EARLY:
        return early(v);
    case HANDSHAKING:
        return handshaking(v);
    case WRITING:
        return writing(v);
    case READING:
    case LEAVING:
        return reading(v);
    case IDLE:
    case FAILING:
    case CLOSING:
        break;
    }
    return STEP_OVER;
}
