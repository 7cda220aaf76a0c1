#include "peer_check.h"

#include <stdbool.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

static bool valid_at(const X509 *peer, int64_t wall_s)
{
    time_t now = (time_t)wall_s;

    /* X509_cmp_time: 0 is an error, and equal counts as before. */
    return X509_cmp_time(X509_get0_notBefore(peer), &now) < 0 &&
           X509_cmp_time(X509_get0_notAfter(peer), &now) > 0;
}

static X509_STORE *store_of(SSL *ssl)
{
    X509_STORE *own = NULL;

    return SSL_get0_verify_cert_store(ssl, &own) == 1 && own != NULL
               ? own
               : SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
}

/* As libssl sets one up for a client's certificate, but for the time, which is the caller's. */
static bool prepare(X509_STORE_CTX *verify, SSL *ssl, X509 *peer, int64_t wall_s)
{
    X509_VERIFY_PARAM *param;

    if (X509_STORE_CTX_init(verify, store_of(ssl), peer, NULL) != 1 ||
        X509_STORE_CTX_set_default(verify, "ssl_client") != 1) {
        return false;
    }
    param = X509_STORE_CTX_get0_param(verify);
    X509_VERIFY_PARAM_set_auth_level(param, SSL_get_security_level(ssl));
    if (X509_VERIFY_PARAM_set1(param, SSL_get0_param(ssl)) != 1) {
        return false;
    }
    X509_VERIFY_PARAM_set_time(param, (time_t)wall_s);
    if (SSL_get_verify_callback(ssl) != NULL) {
        X509_STORE_CTX_set_verify_cb(verify, SSL_get_verify_callback(ssl));
    }
    return X509_STORE_CTX_set_ex_data(verify, SSL_get_ex_data_X509_STORE_CTX_idx(), ssl) == 1;
}

/*
 * A session keeps the certificate and no chain, so what its holder sent along once must be in the
 * store now. What we cannot find out counts as refused, and costs a full handshake. So does an
 * error that the application's callback passes over: it would see the session's old result.
 */
static bool verifies(SSL *ssl, X509 *peer, int64_t wall_s)
{
    X509_STORE_CTX *verify = X509_STORE_CTX_new();
    const bool good = verify != NULL && prepare(verify, ssl, peer, wall_s) &&
                      X509_verify_cert(verify) == 1 &&
                      X509_STORE_CTX_get_error(verify) == X509_V_OK;

    X509_STORE_CTX_free(verify);
    ERR_clear_error(); /* libssl would take what is left for its own */
    return good;
}

enum rp_verdict peer_check(SSL *ssl, SSL_SESSION *session, int64_t wall_s)
{
    const int demanded = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    const int mode = SSL_get_verify_mode(ssl);
    X509 *peer = SSL_SESSION_get0_peer(session);

    if (peer == NULL) {
        return (mode & demanded) == demanded ? RP_VERDICT_POLICY_CHANGED : RP_VERDICT_ACCEPTED;
    }
    if (!valid_at(peer, wall_s) ||
        ((mode & SSL_VERIFY_PEER) != 0 && !verifies(ssl, peer, wall_s))) {
        return RP_VERDICT_CERTIFICATE;
    }
    return RP_VERDICT_ACCEPTED;
}
