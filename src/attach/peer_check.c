#include "peer_check.h"

#include <stdbool.h>
#include <time.h>

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

static bool valid_at(const X509 *peer, int64_t wall_s)
{
    time_t now = (time_t)wall_s;

    /* X509_cmp_time: 0 is an error, and equal counts as before. */
    return X509_cmp_time(X509_get0_notBefore(peer), &now) < 0 &&
           X509_cmp_time(X509_get0_notAfter(peer), &now) > 0;
}

static bool is_current(const X509_CRL *list, int64_t wall_s)
{
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(list);
    time_t now = (time_t)wall_s;

    return next == NULL || X509_cmp_time(next, &now) > 0;
}

/* On any of them, or none is current: an old list still says who was revoked by then. */
static bool condemned(STACK_OF(X509_CRL) * lists, X509 *peer, int64_t wall_s)
{
    bool found = false;
    bool current = false;

    for (int i = 0; i < sk_X509_CRL_num(lists) && !found; i++) {
        X509_CRL *list = sk_X509_CRL_value(lists, i);
        X509_REVOKED *entry = NULL;

        /* 2: removeFromCRL, no longer revoked */
        found = X509_CRL_get0_by_cert(list, &entry, peer) == 1;
        current = current || is_current(list, wall_s);
    }
    return found || !current;
}

static X509_STORE *store_of(SSL *ssl)
{
    X509_STORE *own = NULL;

    return SSL_get0_verify_cert_store(ssl, &own) == 1 && own != NULL
               ? own
               : SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
}

static bool checks_lists(SSL *ssl, const X509_STORE *store)
{
    const unsigned long flags = X509_VERIFY_PARAM_get_flags(SSL_get0_param(ssl)) |
                                X509_VERIFY_PARAM_get_flags(X509_STORE_get0_param(store));

    return (flags & X509_V_FLAG_CRL_CHECK) != 0;
}

/*
 * Only the lists of the leaf's own issuer are looked at: a session keeps no chain. What we cannot
 * find out counts as revoked, and costs a full handshake; so does a missing list, which libcrypto
 * does not tell from a failed look-up.
 */
static bool revoked(SSL *ssl, X509 *peer, int64_t wall_s)
{
    X509_STORE *store = store_of(ssl);
    X509_STORE_CTX *lookup = NULL;
    STACK_OF(X509_CRL) *lists = NULL;
    bool found = true;

    if (!checks_lists(ssl, store)) {
        return false;
    }
    lookup = X509_STORE_CTX_new();
    if (lookup == NULL || X509_STORE_CTX_init(lookup, store, NULL, NULL) != 1) {
        goto done;
    }
    lists = X509_STORE_CTX_get1_crls(lookup, X509_get_issuer_name(peer));
    found = condemned(lists, peer, wall_s); /* NULL: an empty stack */
done:
    sk_X509_CRL_pop_free(lists, X509_CRL_free);
    X509_STORE_CTX_free(lookup);
    return found;
}

enum rp_verdict peer_check(SSL *ssl, SSL_SESSION *session, int64_t wall_s)
{
    const int demanded = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    X509 *peer = SSL_SESSION_get0_peer(session);

    if (peer == NULL) {
        return (SSL_get_verify_mode(ssl) & demanded) == demanded ? RP_VERDICT_POLICY_CHANGED
                                                                 : RP_VERDICT_ACCEPTED;
    }
    return valid_at(peer, wall_s) && !revoked(ssl, peer, wall_s) ? RP_VERDICT_ACCEPTED
                                                                 : RP_VERDICT_CERTIFICATE;
}
