#include "revival.h"

#include <openssl/x509_vfy.h>

#include "memory.h"
#include "session_der.h"

#define ANY_CIPHER 0xc02b /* ECDHE-ECDSA-AES128-GCM-SHA256: libssl must know it, nobody uses it */

static SSL_SESSION *decode(const struct session_record *record, const struct session_der *der)
{
    uint8_t out[SESSION_DER_MAX];
    const unsigned char *p = out;
    const size_t n = session_der_encode(record, der, out, sizeof out);
    SSL_SESSION *session = n != 0 ? d2i_SSL_SESSION(NULL, &p, (long)n) : NULL;

    memory_wipe(out, n);
    return session;
}

SSL_SESSION *revival_blank(const uint8_t context[static SESSION_CONTEXT_LEN])
{
    const struct session_record record = {
        .meta = {.version = TLS1_2_VERSION, .ems = true},
        .lifetime_s = 1,
        .cipher = ANY_CIPHER,
        .verify_result = X509_V_OK,
    };
    const struct session_der der = {
        .id_context = context,
        .id_context_len = SESSION_CONTEXT_LEN,
        .time_s = 1,
    };

    return decode(&record, &der);
}

static SSL_SESSION *with_peer(const SSL_SESSION *blank, const struct session_record *record,
                              const uint8_t id[static SESSION_ID_LEN], int64_t time_s)
{
    struct session_der der = {.session_id = id, .session_id_len = SESSION_ID_LEN, .time_s = time_s};
    unsigned n = 0;

    der.id_context = SSL_SESSION_get0_id_context(blank, &n);
    der.id_context_len = n;
    return decode(record, &der);
}

static bool fill(SSL *ssl, SSL_SESSION *session, const struct session_record *record,
                 const uint8_t id[static SESSION_ID_LEN], int64_t time_s)
{
    const unsigned char suite[2] = {(uint8_t)(record->cipher >> 8), (uint8_t)record->cipher};
    const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, suite);

    return cipher != NULL && SSL_SESSION_set_cipher(session, cipher) == 1 &&
           SSL_SESSION_set1_master_key(session, record->master, sizeof record->master) == 1 &&
           SSL_SESSION_set1_id(session, id, SESSION_ID_LEN) == 1 &&
           SSL_SESSION_set_timeout(session, (long)record->lifetime_s) == 1 &&
           SSL_SESSION_set_time(session, (long)time_s) != 0;
}

SSL_SESSION *revival_of(SSL *ssl, const SSL_SESSION *blank, const struct session_record *record,
                        const uint8_t id[static SESSION_ID_LEN], int64_t time_s)
{
    SSL_SESSION *session = NULL;

    /* libssl has no call that gives a session a peer's certificate or its verify result. */
    if (record->peer != NULL || record->verify_result != X509_V_OK || !record->meta.ems) {
        return with_peer(blank, record, id, time_s);
    }
    session = SSL_SESSION_dup(blank);
    if (session != NULL && !fill(ssl, session, record, id, time_s)) {
        SSL_SESSION_free(session);
        session = NULL;
    }
    return session;
}
