#include "conn_metrics.h"

#include <time.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <reprise/attach.h>

#define US_PER_S 1000000
#define NS_PER_US 1000

uint64_t conn_metrics_now_us(const struct conns *conns)
{
    struct timespec now = {0};

    if (conns->metrics == NULL) {
        return 0;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * US_PER_S + (uint64_t)now.tv_nsec / NS_PER_US;
}

static enum metrics_version version_of(const SSL *ssl)
{
    switch (SSL_version(ssl)) {
    case TLS1_2_VERSION:
        return METRICS_VERSION_TLS12;
    case TLS1_3_VERSION:
        return METRICS_VERSION_TLS13;
    default:
        return METRICS_VERSION_OTHER;
    }
}

void conn_metrics_established(const struct conns *conns, const SSL *ssl, uint64_t since_us)
{
    const enum metrics_version version = version_of(ssl);
    struct metrics_worker *worker = conns->metrics;
    struct rp_ssl_info info;

    if (worker == NULL) {
        return;
    }
    rp_ssl_info(ssl, &info);
    metrics_add(&worker->cells[METRICS_HANDSHAKES +
                               metrics_handshake(version, info.mechanism, info.resumed)],
                1);
    metrics_add(&worker->cells[METRICS_VERDICTS + (size_t)info.verdict], 1);
    if (info.issued) {
        metrics_add(&worker->cells[METRICS_ISSUED + (size_t)version], 1);
    }
    metrics_duration(worker, info.resumed, conn_metrics_now_us(conns) - since_us);
}

/* OpenSSL's reasons beyond this are the alerts that the peer sent. */
static bool is_alert(int reason)
{
    return reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256;
}

static enum metrics_failure failure_of(int reason)
{
    switch (reason) {
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_APPLICATION_PROTOCOL:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_UNKNOWN_PROTOCOL:
        return METRICS_FAILURE_NO_COMMON;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return METRICS_FAILURE_CERTIFICATE;
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNEXPECTED_MESSAGE:
        return METRICS_FAILURE_NOT_TLS;
    default:
        return is_alert(reason) ? METRICS_FAILURE_ALERT : METRICS_FAILURE_PROTOCOL;
    }
}

enum metrics_failure conn_metrics_failure(const SSL *ssl, bool gone)
{
    const unsigned long code = ERR_peek_last_error();

    /* Before the first handshake message was read, whatever came was none. */
    if (code != 0 && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_MESSAGE &&
        SSL_get_state(ssl) != TLS_ST_BEFORE) {
        return METRICS_FAILURE_PROTOCOL;
    }
    if (code == 0 || ERR_SYSTEM_ERROR(code)) {
        return METRICS_FAILURE_CLOSED;
    }
    if (gone && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        return METRICS_FAILURE_CLOSED;
    }
    return failure_of(ERR_GET_REASON(code));
}
