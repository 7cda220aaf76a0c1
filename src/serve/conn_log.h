/* The lines that the connections of a worker write to the log. */
#ifndef CONN_LOG_H
#define CONN_LOG_H

#include <openssl/ssl.h>

#include "conn.h"
#include "sites_visit.h"

/* The handshake is complete: how the session came about. One line a connection. */
void conn_log_established(const struct conns *conns, const struct address *peer,
                          const struct sites_visit *visit, const SSL *ssl);

/* These are limited: whoever is outside can have as many as he likes. */
void conn_log_failed(struct conns *conns, const struct address *peer,
                     const struct sites_visit *visit, const char *reason);
void conn_log_flooded(struct conns *conns, const struct address *peer,
                      const struct sites_visit *visit);
void conn_log_header(struct conns *conns, const struct address *peer, const char *reason);
void conn_log_address_full(struct conns *conns, const struct address *peer);
void conn_log_unreachable(struct conns *conns, const struct conn_listener *listener,
                          const char *reason);

#endif
