#include "conn_log.h"

#include "alpn.h"
#include "facts.h"

static const char *sni_or_null(const struct sites_visit *visit)
{
    return visit->has_sni ? visit->sni : NULL;
}

static const char *text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

/* A negative time is not known. */
static struct log_field milliseconds(const char *name, int64_t ms)
{
    return ms >= 0 ? LOG_N(name, ms) : LOG_S(name, NULL);
}

void conn_log_established(const struct conns *conns, const struct address *peer,
                          const struct sites_visit *visit, const SSL *ssl)
{
    char name[ADDRESS_TEXT_SIZE];
    char alpn[ALPN_TEXT_SIZE];
    struct facts f;

    address_text(peer, name);
    alpn_text(ssl, alpn);
    facts_read(ssl, visit, &f);
    LOG_LINE(conns->log, LOG_LEVEL_INFO, "connection", LOG_S("peer", name),
             LOG_S("sni", sni_or_null(visit)), LOG_S("version", f.version),
             LOG_S("cipher", f.cipher), LOG_S("session", facts_session(&f)),
             LOG_S("mechanism", rp_mechanism_text(f.info.mechanism)),
             LOG_S("verdict", rp_verdict_text(f.info.verdict)), LOG_S("key", text_or_null(f.key)),
             milliseconds("sealed_ms", f.info.sealed_ms),
             milliseconds("age_ms", f.info.resumed ? f.info.age_ms : -1),
             LOG_S("issued", text_or_null(f.issued)), LOG_S("alpn", text_or_null(alpn)),
             LOG_S("client", text_or_null(f.client)), LOG_N("worker", conns->worker));
}

void conn_log_failed(struct conns *conns, const struct address *peer,
                     const struct sites_visit *visit, const char *reason)
{
    char name[ADDRESS_TEXT_SIZE];

    address_text(peer, name);
    LIMITER_LINE(&conns->handshake_failed, LOG_LEVEL_INFO, LOG_S("peer", name),
                 LOG_S("sni", sni_or_null(visit)), LOG_S("reason", reason),
                 LOG_N("worker", conns->worker));
}

void conn_log_flooded(struct conns *conns, const struct address *peer,
                      const struct sites_visit *visit)
{
    char name[ADDRESS_TEXT_SIZE];

    address_text(peer, name);
    LIMITER_LINE(&conns->flooded, LOG_LEVEL_INFO, LOG_S("peer", name),
                 LOG_S("sni", sni_or_null(visit)), LOG_S("reason", "too many records without data"),
                 LOG_N("worker", conns->worker));
}

void conn_log_header(struct conns *conns, const struct address *peer, const char *reason)
{
    char name[ADDRESS_TEXT_SIZE];

    address_text(peer, name);
    LIMITER_LINE(&conns->header_refused, LOG_LEVEL_WARNING, LOG_S("peer", name),
                 LOG_S("reason", reason), LOG_N("worker", conns->worker));
}

void conn_log_address_full(struct conns *conns, const struct address *peer)
{
    char name[ADDRESS_TEXT_SIZE];

    address_text(peer, name);
    LIMITER_LINE(&conns->address_full, LOG_LEVEL_WARNING, LOG_S("peer", name),
                 LOG_S("reason", "max_connections_per_address"), LOG_N("worker", conns->worker));
}

void conn_log_unreachable(struct conns *conns, const struct conn_listener *listener,
                          const char *reason)
{
    const char *backend =
        listener->backend_name != NULL ? listener->backend_name : "the built-in page";

    LIMITER_LINE(&conns->backend_down, LOG_LEVEL_WARNING, LOG_S("backend", backend),
                 LOG_S("reason", reason), LOG_N("worker", conns->worker));
}
