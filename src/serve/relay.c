#include "relay.h"

#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "memory.h"

/* Records a turn, so that one fast connection does not starve the others. */
#define ROUNDS 16

/* The same for records without data: over these libssl reads on by itself. */
#define RECORDS_MAX 32

/* Between two of a client's data: nobody honest has need of so many. */
#define BARE_MAX 32

enum step {
    STEP_MORE,    /* something was done: again */
    STEP_BLOCKED, /* an event must come first */
    STEP_BROKEN,
};

/*
 * What libssl tells of every record and message. An SSL that is shut down reads no further,
 * whatever has come already; there is no other way to stop it between two records.
 */
static void observe(int written, int version, int type, const void *p, size_t n, SSL *ssl,
                    void *cookie)
{
    struct relay *r = cookie;

    (void)version;
    (void)p;
    (void)n;
    if (written == 0 && type == SSL3_RT_HEADER) {
        r->n_records++;
        if (++r->n_bare > BARE_MAX) {
            r->flooded = true;
            SSL_set_shutdown(ssl, SSL_get_shutdown(ssl) | SSL_RECEIVED_SHUTDOWN);
        }
    }
}

/* TLS as a stream. */

static enum stream_result tls_result(struct relay *r, int code)
{
    if (r->flooded) {
        return STREAM_FAILED; /* libssl would take it for the end that observe() feigned */
    }
    switch (SSL_get_error(r->ssl, code)) {
    case SSL_ERROR_NONE:
        return STREAM_OK;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return STREAM_BLOCKED;
    case SSL_ERROR_ZERO_RETURN:
        return STREAM_ENDED;
    default:
        ERR_clear_error();
        return STREAM_FAILED;
    }
}

static enum stream_result tls_read(struct relay *r, void *p, size_t n, size_t *done)
{
    *done = 0;
    return tls_result(r, SSL_read_ex(r->ssl, p, n, done));
}

static enum stream_result tls_write(struct relay *r, const void *p, size_t n, size_t *done)
{
    *done = 0;
    return tls_result(r, SSL_write_ex(r->ssl, p, n, done));
}

/* What a way holds. */

static void let_go(struct relay_way *way)
{
    memory_free(way->held);
    way->held = NULL;
    way->at = 0;
    way->len = 0;
}

static bool hold(struct relay_way *way, const void *p, size_t n, size_t size)
{
    way->held = memory_new(size, 1);
    if (way->held == NULL) {
        return false;
    }
    memcpy(way->held, p, n);
    way->at = 0;
    way->len = n;
    return true;
}

/* The client's way to the backend. */

/* Our greeting goes first, and is nothing of the client's. */
static void up_went(struct relay *r, size_t n)
{
    const size_t ours = n < r->n_greeting ? n : r->n_greeting;

    r->n_greeting -= ours;
    r->n_up += n - ours;
    r->greets = false;
}

static void up_drop(struct relay *r)
{
    let_go(&r->up);
    r->greets = false;
    r->n_greeting = 0;
    r->up.state = r->up.state == RELAY_OPEN || r->up.state == RELAY_DROP ? RELAY_DROP : RELAY_SHUT;
}

/* The backend takes no more. What it said before it closed is still read, and passed on. */
static enum step up_refused(struct relay *r)
{
    if (r->backend->connecting) {
        relay_unreachable(r);
        return STEP_MORE;
    }
    up_drop(r);
    r->backend->readable = true;
    r->backend->ending = true;
    return STEP_MORE;
}

static enum step up_held(struct relay *r)
{
    struct relay_way *way = &r->up;
    size_t done;

    switch (stream_write(r->backend, way->held + way->at, way->len - way->at, &done)) {
    case STREAM_OK:
        way->at += done;
        up_went(r, done);
        if (way->at == way->len) {
            let_go(way);
        }
        return STEP_MORE;
    case STREAM_BLOCKED:
        return STEP_BLOCKED;
    case STREAM_ENDED:
    case STREAM_FAILED:
        break;
    }
    return up_refused(r);
}

static enum step up_pass(struct relay *r, const uint8_t *p, size_t n)
{
    size_t done;

    switch (stream_write(r->backend, p, n, &done)) {
    case STREAM_OK:
    case STREAM_BLOCKED:
        up_went(r, done);
        if (done < n && !hold(&r->up, p + done, n - done, RELAY_HELD)) {
            return STEP_BROKEN;
        }
        return STEP_MORE;
    case STREAM_ENDED:
    case STREAM_FAILED:
        break;
    }
    return up_refused(r);
}

static enum step up_end(struct relay *r)
{
    r->up.state = r->up.state == RELAY_DROP ? RELAY_SHUT : RELAY_ENDED;
    r->greets = false;
    r->n_down_at_end = r->n_down;
    return STEP_MORE;
}

static enum step up_read(struct relay *r, uint8_t *scratch)
{
    const size_t ours = r->greets ? r->up.len : 0;
    size_t n;

    switch (tls_read(r, scratch + ours, RELAY_HELD - ours, &n)) {
    case STREAM_OK:
        r->n_bare = 0;
        if (r->up.state == RELAY_DROP) {
            return STEP_MORE;
        }
        if (ours != 0 && r->up.held != NULL) {
            memcpy(scratch, r->up.held, ours);
            let_go(&r->up);
        }
        return up_pass(r, scratch, ours + n);
    case STREAM_BLOCKED:
        return ours != 0 ? up_held(r) : STEP_BLOCKED;
    case STREAM_ENDED:
        return up_end(r);
    case STREAM_FAILED:
        break;
    }
    return STEP_BROKEN;
}

static enum step up(struct relay *r, uint8_t *scratch)
{
    if (r->up.held != NULL && !r->greets) {
        return up_held(r);
    }
    switch (r->up.state) {
    case RELAY_OPEN:
    case RELAY_DROP:
        return up_read(r, scratch);
    case RELAY_ENDED:
        /* A FIN before the connection stands would undo it. */
        if (!stream_connected(r->backend)) {
            return STEP_BLOCKED;
        }
        if (r->down.state != RELAY_SHUT) {
            if (r->before_end != NULL) {
                r->before_end(r->before_end_cookie);
            }
            (void)shutdown(r->backend->fd, SHUT_WR);
        }
        r->up.state = RELAY_SHUT;
        return STEP_MORE;
    case RELAY_CUT:
    case RELAY_SHUT:
        break;
    }
    return STEP_BLOCKED;
}

/* The backend's way to the client. */

static enum step down_held(struct relay *r)
{
    struct relay_way *way = &r->down;
    size_t done;

    switch (tls_write(r, way->held + way->at, way->len - way->at, &done)) {
    case STREAM_OK:
        way->at += done;
        r->n_down += done;
        if (way->at == way->len) {
            let_go(way);
        }
        return STEP_MORE;
    case STREAM_BLOCKED:
        return STEP_BLOCKED;
    case STREAM_ENDED:
    case STREAM_FAILED:
        break;
    }
    return STEP_BROKEN;
}

static enum step down_pass(struct relay *r, const uint8_t *p, size_t n)
{
    enum stream_result result;
    size_t done;

    /* The backend's end is known already: our close_notify goes with the last of its data. */
    r->client->more = r->backend->ending;
    result = tls_write(r, p, n, &done);
    r->client->more = false;
    switch (result) {
    case STREAM_OK:
    case STREAM_BLOCKED:
        r->n_down += done;
        if (done < n && !hold(&r->down, p + done, n - done, RELAY_HELD)) {
            return STEP_BROKEN;
        }
        return STEP_MORE;
    case STREAM_ENDED:
    case STREAM_FAILED:
        break;
    }
    return STEP_BROKEN;
}

/* A backend that resets takes nothing either. */
static enum step down_broke(struct relay *r)
{
    if (r->backend->connecting) {
        relay_unreachable(r);
    } else {
        r->down.state = RELAY_CUT;
        up_drop(r);
    }
    return STEP_MORE;
}

static enum step down_read(struct relay *r, uint8_t *scratch)
{
    size_t n;

    switch (stream_read(r->backend, scratch, RELAY_HELD, &n)) {
    case STREAM_OK:
        return down_pass(r, scratch, n);
    case STREAM_BLOCKED:
        return STEP_BLOCKED;
    case STREAM_ENDED:
        r->down.state = RELAY_ENDED;
        return STEP_MORE;
    case STREAM_FAILED:
        break;
    }
    return down_broke(r);
}

/*
 * A client that sent its close_notify and its FIN, and got nothing since, is gone: an answer would
 * only draw a reset. To everyone else our close_notify says that nothing is missing.
 */
static bool client_is_gone(const struct relay *r)
{
    return r->up.state == RELAY_SHUT && r->client->ending && r->n_down == r->n_down_at_end;
}

static enum step down_end(struct relay *r)
{
    if (!client_is_gone(r)) {
        const int code = SSL_shutdown(r->ssl);

        if (code < 0) {
            return tls_result(r, code) == STREAM_BLOCKED ? STEP_BLOCKED : STEP_BROKEN;
        }
    }
    r->down.state = RELAY_SHUT;
    return STEP_MORE;
}

static enum step down(struct relay *r, uint8_t *scratch)
{
    if (r->down.held != NULL) {
        return down_held(r);
    }
    switch (r->down.state) {
    case RELAY_OPEN:
        return down_read(r, scratch);
    case RELAY_ENDED:
        return down_end(r);
    case RELAY_CUT:
        /* A FIN without close_notify: the client sees that something is missing. */
        (void)shutdown(r->client->fd, SHUT_WR);
        r->down.state = RELAY_SHUT;
        return STEP_MORE;
    case RELAY_DROP:
    case RELAY_SHUT:
        break;
    }
    return STEP_BLOCKED;
}

/* Public functions. */

void relay_init(struct relay *r, SSL *ssl, struct stream *client, struct stream *backend)
{
    *r = (struct relay){.ssl = ssl, .client = client, .backend = backend};
    SSL_set_msg_callback(ssl, observe);
    SSL_set_msg_callback_arg(ssl, r);
}

bool relay_greet(struct relay *r, const void *p, size_t n)
{
    r->greets = hold(&r->up, p, n, n);
    r->n_greeting = r->greets ? n : 0;
    return r->greets;
}

void relay_fini(struct relay *r)
{
    let_go(&r->up);
    let_go(&r->down);
    if (r->ssl != NULL) {
        SSL_set_msg_callback(r->ssl, NULL);
    }
}

void relay_unreachable(struct relay *r)
{
    up_drop(r);
    r->down.state = RELAY_ENDED;
}

enum relay_state relay_run(struct relay *r, uint8_t *scratch)
{
    r->n_records = 0;
    /* What anything else left there, SSL_get_error would take for ours. */
    if (ERR_peek_error() != 0) {
        ERR_clear_error();
    }
    for (unsigned i = 0; i < ROUNDS && r->n_records <= RECORDS_MAX; i++) {
        const enum step up_step = up(r, scratch);
        const enum step down_step = up_step != STEP_BROKEN ? down(r, scratch) : STEP_BROKEN;

        if (up_step == STEP_BROKEN || down_step == STEP_BROKEN) {
            return RELAY_BROKEN;
        }
        if (r->up.state == RELAY_SHUT && r->down.state == RELAY_SHUT) {
            return RELAY_FINISHED;
        }
        if (up_step == STEP_BLOCKED && down_step == STEP_BLOCKED) {
            return r->up.state == RELAY_DROP && r->down.state == RELAY_SHUT ? RELAY_LINGERS
                                                                            : RELAY_WAITS;
        }
    }
    return RELAY_GOES_ON;
}
