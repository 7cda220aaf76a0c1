#include "cached.h"

#include <string.h>

#include <openssl/rand.h>
#include <openssl/x509.h>

#include "cache_use.h"
#include "memory.h"
#include "peer_check.h"
#include "resumption.h"
#include "revival.h"
#include "session_id.h"
#include "session_record.h"
#include "session_seal.h"
#include "session_time.h"

_Static_assert(SESSION_RECORD_MAX + SESSION_SEAL_OVERHEAD <= CACHE_RECORD_MAX, "room");

int cached_make_id(SSL *ssl, unsigned char *id, unsigned *n)
{
    const struct resumption *r = resumption_of(ssl);
    const struct attachment *site = resumption_site(ssl, r);
    struct window_key key;
    bool made = false;

    /*
     * A TLS 1.3 session goes by its ticket. libssl wants an ID inside that all the same, which
     * nobody sees but a cache of the application's.
     */
    if (site != NULL && SSL_version(ssl) == TLS1_3_VERSION && r->listener->new_session == NULL) {
        id[0] = 0;
        *n = 1;
        return 1;
    }
    if (site != NULL && site->cache != NULL && *n == SESSION_ID_LEN &&
        SSL_version(ssl) == TLS1_2_VERSION) {
        made = window_sealing(site->keyring, site->place, r->now_ms, &key) &&
               session_id_make(&key, id) == RP_OK;
        window_key_wipe(&key);
    }
    return made || RAND_bytes(id, (int)*n) == 1;
}

/* The session's fields; false: it does not fit. *peer is the caller's to free. */
static bool to_record(const SSL *ssl, SSL_SESSION *session, struct session_record *record,
                      unsigned char **peer)
{
    X509 *x = SSL_SESSION_get0_peer(session);
    int peer_len = 0;

    if (SSL_SESSION_get_master_key(session, record->master, sizeof record->master) !=
        sizeof record->master) {
        return false;
    }
    record->cipher = SSL_CIPHER_get_protocol_id(SSL_SESSION_get0_cipher(session));
    record->verify_result = (uint32_t)SSL_get_verify_result(ssl);
    if (x != NULL) {
        peer_len = i2d_X509(x, peer);
        if (peer_len <= 0 || peer_len > SESSION_PEER_MAX) {
            return false;
        }
        record->peer = *peer;
        record->peer_len = (size_t)peer_len;
    }
    return true;
}

static bool put(const struct attachment *site, const struct window_key *key,
                const uint8_t id[static SESSION_ID_LEN], const struct session_record *record)
{
    uint8_t plain[SESSION_RECORD_MAX];
    uint8_t sealed[SESSION_RECORD_MAX + SESSION_SEAL_OVERHEAD];
    const size_t n = session_record_encode(record, plain, sizeof plain);
    const bool stored = n != 0 &&
                        session_seal(&site->algorithms, key, id, plain, n, sealed) == RP_OK &&
                        cache_put(site->cache, id, sealed, n + SESSION_SEAL_OVERHEAD);

    memory_wipe(plain, n);
    return stored;
}

/* Under the key that the ID names, be it the one that seals now or has just done so. */
static bool store(const SSL *ssl, struct resumption *r, const struct attachment *site,
                  SSL_SESSION *session)
{
    unsigned n = 0;
    const uint8_t *id = SSL_SESSION_get_id(session, &n);
    struct session_record record = {0};
    unsigned char *peer = NULL;
    struct window_key key;
    bool stored = false;

    if (n != SESSION_ID_LEN ||
        window_by_hint(site->keyring, site->place, r->now_ms, id, &key) != WINDOW_FOUND) {
        return false;
    }
    resumption_meta(ssl, r, site, key.base_ms, &record.meta);
    record.lifetime_s = resumption_life_s(r, site, &key);
    if (record.lifetime_s == 0 || !to_record(ssl, session, &record, &peer)) {
        goto done;
    }
    stored = put(site, &key, id, &record);
    if (stored) {
        memcpy(r->issued_name, key.keys.stek.name, sizeof r->issued_name);
        r->issued = true;
    }
done:
    OPENSSL_free(peer);
    memory_wipe(&record, sizeof record);
    window_key_wipe(&key);
    return stored;
}

/* A session that the application is to keep carries our meta too, so that it is judged alike; by
 * this host's own time, for no key seals it. */
static bool mark(const SSL *ssl, const struct resumption *r, const struct attachment *site,
                 SSL_SESSION *session)
{
    uint8_t encoded[SESSION_META_LEN];
    struct session_meta meta;

    resumption_meta(ssl, r, site, 0, &meta);
    session_meta_encode(&meta, encoded);
    return SSL_SESSION_set1_ticket_appdata(session, encoded, sizeof encoded) == 1;
}

static const struct attachment *listener_of(const SSL *ssl, const struct resumption *r)
{
    return r != NULL ? r->listener : attachment_of(SSL_get_SSL_CTX(ssl));
}

/* Returns 0: we keep no reference. The application's callback may. */
int cached_store(SSL *ssl, SSL_SESSION *session)
{
    struct resumption *r = resumption_of(ssl);
    const struct attachment *site = resumption_site(ssl, r);
    const struct attachment *listener = listener_of(ssl, r);
    const bool by_id = SSL_is_server(ssl) == 1 && SSL_version(ssl) == TLS1_2_VERSION;

    if (by_id) {
        if (site == NULL || !r->ems) {
            return 0;
        }
        r->now_ms = attachment_fleet_ms(site); /* a round trip after the ClientHello */
        if (site->cache != NULL) {
            (void)store(ssl, r, site, session);
            return 0;
        }
        if (!mark(ssl, r, site, session)) {
            return 0;
        }
    }
    return listener != NULL && listener->new_session != NULL ? listener->new_session(ssl, session)
                                                             : 0;
}

static enum rp_verdict revive(SSL *ssl, struct resumption *r, const struct attachment *site,
                              const struct session_record *record,
                              const uint8_t id[static SESSION_ID_LEN], SSL_SESSION **out)
{
    enum rp_verdict verdict =
        resumption_judge(ssl, r, site, &record->meta, (int64_t)record->lifetime_s * 1000);

    if (verdict != RP_VERDICT_ACCEPTED) {
        return verdict;
    }
    *out = revival_of(ssl, site->blank, record, id, resumption_wall_s(r, site));
    if (*out == NULL) {
        return RP_VERDICT_DECLINED;
    }
    verdict = resumption_name_session(r, *out)
                  ? peer_check(ssl, *out, site->clock.wall_s(site->clock.cookie))
                  : RP_VERDICT_DECLINED;
    if (verdict != RP_VERDICT_ACCEPTED) {
        SSL_SESSION_free(*out);
        *out = NULL;
        return verdict;
    }
    resumption_origin(r, record->meta.origin_ms);
    return verdict;
}

static enum rp_verdict open_record(SSL *ssl, struct resumption *r, const struct attachment *site,
                                   const struct window_key *key,
                                   const uint8_t id[static SESSION_ID_LEN], SSL_SESSION **out)
{
    uint8_t sealed[CACHE_RECORD_MAX];
    uint8_t plain[CACHE_RECORD_MAX];
    struct session_record record = {0};
    enum rp_verdict verdict = RP_VERDICT_DECLINED;
    const size_t n = cache_get(site->cache, id, sealed);
    size_t plain_len = 0;

    if (n == 0) {
        return RP_VERDICT_NOT_CACHED;
    }
    if (session_open(&site->algorithms, key, id, sealed, n, &verdict, plain, &plain_len) != RP_OK) {
        return RP_VERDICT_DECLINED;
    }
    if (verdict == RP_VERDICT_ACCEPTED && !session_record_decode(plain, plain_len, &record)) {
        verdict = RP_VERDICT_MALFORMED;
    }
    if (verdict == RP_VERDICT_ACCEPTED) {
        session_time_to_fleet(&record.meta, key->base_ms);
        verdict = revive(ssl, r, site, &record, id, out);
    }
    memory_wipe(&record, sizeof record);
    memory_wipe(plain, plain_len);
    return verdict;
}

static enum rp_verdict find(SSL *ssl, struct resumption *r, const struct attachment *site,
                            const uint8_t *id, size_t n, SSL_SESSION **out)
{
    struct window_key key;
    enum rp_verdict verdict = RP_VERDICT_UNKNOWN_KEY;

    switch (session_id_open(site->keyring, site->place, r->now_ms, id, n, &key)) {
    case WINDOW_FOUND:
        resumption_key(r, &key);
        verdict = open_record(ssl, r, site, &key, id, out);
        window_key_wipe(&key);
        break;
    case WINDOW_EXPIRED:
        verdict = RP_VERDICT_EXPIRED;
        break;
    case WINDOW_OTHER_DOMAIN:
    case WINDOW_ABSENT:
        break;
    }
    return verdict;
}

/* From a cache of the application's own, whose session others may be using: we change a copy. */
static SSL_SESSION *find_kept(SSL *ssl, struct resumption *r, const struct attachment *site,
                              const unsigned char *id, int n, int *copy)
{
    SSL_SESSION *kept = r->listener->get_session(ssl, id, n, copy);
    SSL_SESSION *session = NULL;

    if (kept == NULL) {
        return NULL;
    }
    r->verdict = resumption_judge_session(ssl, r, site, kept, 0);
    if (r->verdict == RP_VERDICT_ACCEPTED) {
        session = SSL_SESSION_dup(kept);
        if (session == NULL || !resumption_name_session(r, session) ||
            SSL_SESSION_set_time(session, (long)resumption_wall_s(r, site)) == 0) {
            r->verdict = RP_VERDICT_DECLINED;
            SSL_SESSION_free(session);
            session = NULL;
        }
    }
    if (*copy == 0) {
        SSL_SESSION_free(kept);
    }
    *copy = 0;
    return session;
}

SSL_SESSION *cached_find(SSL *ssl, const unsigned char *id, int n, int *copy)
{
    struct resumption *r = resumption_of(ssl);
    const struct attachment *site = resumption_site(ssl, r);
    SSL_SESSION *session = NULL;

    /* Under TLS 1.3 it would be a PSK with the state in a cache, which we never issue. */
    if (site == NULL || n <= 0 || SSL_version(ssl) != TLS1_2_VERSION) {
        return NULL;
    }
    r->mechanism = RP_MECHANISM_SESSION_ID;
    r->verdict = RP_VERDICT_UNKNOWN_KEY;
    if (site->cache != NULL) {
        *copy = 0; /* it is libssl's from now on */
        r->verdict = find(ssl, r, site, id, (size_t)n, &session);
    } else if (r->listener->get_session != NULL) {
        session = find_kept(ssl, r, site, id, n, copy);
    }
    return session;
}
