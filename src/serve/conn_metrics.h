/* What the connections of a worker count, in its section of the shared counters, if it has one. */
#ifndef CONN_METRICS_H
#define CONN_METRICS_H

#include <stdint.h>

#include "conn.h"
#include "metrics.h"

/* One more of a kind that needs no more knowledge. */
static inline void conn_metrics_count(const struct conns *conns, size_t cell)
{
    if (conns->metrics != NULL) {
        metrics_add(&conns->metrics->cells[cell], 1);
    }
}

static inline void conn_metrics_refused(const struct conns *conns, enum metrics_refusal refusal)
{
    conn_metrics_count(conns, METRICS_REFUSED + (size_t)refusal);
}

/* There are more or fewer connections than before. */
static inline void conn_metrics_open(const struct conns *conns)
{
    if (conns->metrics != NULL) {
        metrics_set(&conns->metrics->cells[METRICS_OPEN], conns->n);
    }
}

/* Bytes passed on. */
static inline void conn_metrics_relayed(const struct conns *conns, uint64_t n_up, uint64_t n_down)
{
    if (conns->metrics != NULL && (n_up | n_down) != 0) {
        metrics_add(&conns->metrics->cells[METRICS_BYTES_UP], n_up);
        metrics_add(&conns->metrics->cells[METRICS_BYTES_DOWN], n_down);
    }
}

/* For the duration of a handshake; 0 where nobody counts. */
uint64_t conn_metrics_now_us(const struct conns *conns);

/* The handshake that began at since_us is complete. */
void conn_metrics_established(const struct conns *conns, const SSL *ssl, uint64_t since_us);

/*
 * The handshake failed: which kind of failure OpenSSL's error queue tells of, which stays as it is.
 * gone: the client's stream broke off, or ended.
 */
enum metrics_failure conn_metrics_failure(const SSL *ssl, bool gone);

#endif
