#include "conn_state.h"

#include <string.h>

#include <openssl/err.h>

#include <reprise/attach.h>

#include "client_policy.h"
#include "conn_log.h"
#include "conn_metrics.h"
#include "openssl_error.h"

/* Bytes a turn: a ClientHello may be long, and each of its bytes a record. */
#define HANDSHAKE_TURN 65536

static void established(struct conn *c)
{
    rp_ssl_established(c->ssl);
    conn_metrics_established(c->conns, c->ssl, c->opened_us);
    if (c->conns->log_connections) {
        conn_log_established(c->conns, &c->peer, &c->visit, c->ssl);
    }
    conn_reach(c);
}

static void log_failure(struct conn *c)
{
    char reason[OPENSSL_ERROR_SIZE];
    char refusal[CLIENT_REFUSAL_SIZE];
    enum metrics_failure failure = conn_metrics_failure(c->ssl, c->client.ended);
    const char *why = openssl_error_take(reason, c->client.error != 0 ? strerror(c->client.error)
                                                                      : "closed by the peer");

    if (c->visit.refused) {
        why = "no site of this name";
        failure = METRICS_FAILURE_NAME;
    } else if (client_policy_refused(c->ssl, refusal)) {
        why = refusal;
        failure = METRICS_FAILURE_CERTIFICATE;
    }
    conn_metrics_count(c->conns, METRICS_FAILURES + (size_t)failure);
    conn_log_failed(c->conns, &c->peer, &c->visit, why);
}

/*
 * Whether the session of this full handshake goes by ID. libssl stores it when our Finished is
 * gone: a client that comes again at once, to another worker, might not find it there. So the
 * Finished, which is all that is left to be sent by the time there is an ID, is held until then.
 */
static bool goes_by_id(const SSL *ssl)
{
    const SSL_SESSION *session = SSL_get_session(ssl);
    unsigned n = 0;

    if (session == NULL || SSL_version(ssl) != TLS1_2_VERSION || SSL_session_reused(ssl) == 1) {
        return false;
    }
    (void)SSL_SESSION_get_id(session, &n);
    return n != 0;
}

/* Public functions. */

void conn_handshake(struct conn *c)
{
    bool by_id;
    int code;

    /* What another connection left there, SSL_get_error would take for ours. */
    if (ERR_peek_error() != 0) {
        ERR_clear_error();
    }
    c->client.allowance = HANDSHAKE_TURN;
    by_id = goes_by_id(c->ssl);
    /* After our Finished of TLS 1.3 only tickets are left: they go with the first of the answer. */
    c->client.more = by_id || SSL_get_state(c->ssl) == TLS_ST_EARLY_DATA;
    code = SSL_accept(c->ssl);
    c->client.more = false;
    if (by_id) {
        stream_push(&c->client);
    }
    if (code == 1) {
        c->client.allowance = SIZE_MAX; /* the relay counts for itself */
        established(c);
        return;
    }
    switch (SSL_get_error(c->ssl, code)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        if (c->client.allowance == 0) {
            conn_wait_for_turn(c);
        } else {
            conn_wait_for_events(c);
        }
        return;
    default:
        break;
    }
    log_failure(c);
    conn_linger(c);
}

void conn_handshake_overdue(struct conn *c)
{
    conn_metrics_count(c->conns, METRICS_FAILURES + METRICS_FAILURE_TIMED_OUT);
    conn_log_failed(c->conns, &c->peer, &c->visit, "timed out");
    conn_finish(c, true);
}
