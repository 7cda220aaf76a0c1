/*
 * Whatever a cached session holds, libssl reads out of our encoding the fields that went in. The
 * input is a record, of which the cipher suite is replaced by one that libssl has; what follows a
 * client's certificate is left out, for a certificate is libssl's own to parse.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>

#include "session_der.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void compare(const SSL_SESSION *s, const struct session_record *r,
                    const struct session_der *d)
{
    uint8_t master[SESSION_MASTER_LEN];
    unsigned n;

    check(SSL_SESSION_get_protocol_version(s) == TLS1_2_VERSION);
    check(SSL_CIPHER_get_protocol_id(SSL_SESSION_get0_cipher(s)) == r->cipher);
    check(SSL_SESSION_get_master_key(s, NULL, 0) == sizeof master);
    check(SSL_SESSION_get_master_key(s, master, sizeof master) == sizeof master);
    check(memcmp(master, r->master, sizeof master) == 0);
    check(memcmp(SSL_SESSION_get_id(s, &n), d->session_id, d->session_id_len) == 0);
    check(n == d->session_id_len);
    check(memcmp(SSL_SESSION_get0_id_context(s, &n), d->id_context, d->id_context_len) == 0);
    check(n == d->id_context_len);
    check(SSL_SESSION_get_time(s) == d->time_s);
    check(SSL_SESSION_get_timeout(s) == (long)r->lifetime_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t der[SESSION_DER_MAX];
    struct session_record record;
    struct session_der place = {0};
    const uint8_t *p = der;
    SSL_SESSION *session;
    size_t n;

    if (!session_record_decode(data, size, &record)) {
        return 0;
    }
    record.cipher = 0xc02f;
    record.peer = NULL;
    record.peer_len = 0;
    place.session_id = record.master;
    place.session_id_len = record.meta.binding[0] % 33;
    place.id_context = record.master;
    place.id_context_len = record.meta.binding[1] % 33;
    place.time_s = record.meta.origin_ms;
    n = session_der_encode(&record, &place, der, sizeof der);
    check((n == 0) ==
          (record.lifetime_s == 0 || record.verify_result > INT32_MAX || place.time_s == 0));
    if (n != 0) {
        session = d2i_SSL_SESSION(NULL, &p, (long)n);
        check(session != NULL && p == der + n);
        compare(session, &record, &place);
        SSL_SESSION_free(session);
    }
    return 0;
}
