/* The PROXY protocol, both sides of a connection: the header that came, and the one that goes. */
#include "conn_state.h"

#include <string.h>
#include <sys/socket.h>

#include "conn_log.h"
#include "conn_metrics.h"
#include "greeting.h"
#include "memory.h"
#include "proxy_address.h"

#define PEEKED 4096

static void refuse(struct conn *c, const char *why)
{
    conn_log_header(c->conns, &c->peer, why);
    conn_metrics_refused(c->conns, METRICS_REFUSAL_PROXY_HEADER);
    conn_finish(c, true);
}

/* The connection goes on as that of whom the header named. */
static void accepted(struct conn *c)
{
    if (c->header->addresses.family == PROXY_UNKNOWN) {
        memory_free(c->header);
        c->header = NULL;
    } else {
        proxy_address_source(&c->header->addresses, &c->peer);
    }
    c->phase = CONN_HANDSHAKE;
    if (conn_admitted(c)) {
        conn_handshake(c);
    } else {
        conn_finish(c, true);
    }
}

/* Takes what came of the header; true: there may be more. */
static bool take(struct conn *c, size_t n)
{
    size_t taken;
    size_t done;
    const enum proxy_progress progress = proxy_decode(c->header, c->conns->scratch, n, &taken);

    if (progress == PROXY_REFUSED) {
        refuse(c, c->header->why);
        return false;
    }
    /* It is there, for it was seen. */
    if (stream_read(&c->client, c->conns->scratch, taken, &done) != STREAM_OK || done != taken) {
        refuse(c, "cannot be read");
        return false;
    }
    if (progress == PROXY_DONE) {
        accepted(c);
        return false;
    }
    return true;
}

/* Public functions. */

bool conn_header_wanted(const struct conn_listener *listener, const struct address *peer)
{
    struct network one;

    if (listener->n_accept_proxy == 0 || !network_of(peer, &one)) {
        return false;
    }
    for (size_t i = 0; i < listener->n_accept_proxy; i++) {
        if (network_has(&listener->accept_proxy[i], &one)) {
            return true;
        }
    }
    return false;
}

void conn_header(struct conn *c)
{
    enum stream_result result;
    size_t n;

    while ((result = stream_peek(&c->client, c->conns->scratch, PEEKED, &n)) == STREAM_OK) {
        if (!take(c, n)) {
            return;
        }
    }
    switch (result) {
    case STREAM_BLOCKED:
        conn_wait_for_events(c);
        return;
    case STREAM_ENDED:
        refuse(c, "closed by the peer before its header was complete");
        return;
    case STREAM_OK:
    case STREAM_FAILED:
        break;
    }
    refuse(c, strerror(c->client.error));
}

void conn_header_overdue(struct conn *c)
{
    refuse(c, "timed out before its header was complete");
}

bool conn_greet(struct conn *c)
{
    const enum config_proxy_protocol version = c->listener->config->proxy_protocol;
    struct address ours = {.len = sizeof ours.storage};
    struct proxy_addresses addresses;
    uint8_t out[PROXY_V2_MAX];

    if (version == CONFIG_PROXY_OFF) {
        return true;
    }
    if (c->header != NULL) {
        addresses = c->header->addresses;
    } else {
        if (getsockname(c->client.fd, (struct sockaddr *)&ours.storage, &ours.len) != 0) {
            ours.storage.ss_family = AF_UNSPEC;
        }
        proxy_address_of(&c->peer, &ours, &addresses);
    }
    return relay_greet(&c->relay, out, greeting_write(version, &addresses, c->ssl, &c->visit, out));
}
