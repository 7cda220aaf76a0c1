#include "ticket_crypt.h" /* before OpenSSL's */

#include "sealed.h"

#include <string.h>

#include <openssl/rand.h>

#include "resumption.h"
#include "session_id.h"
#include "ticket_count.h"

/*
 * 1: sealed. 0: no ticket; under TLS 1.2, where one was announced, an empty one (RFC 5077 3.3). By
 * the key that prepare_session chose, be it no longer the one that seals.
 */
static int seal(struct resumption *r, const struct attachment *site, unsigned char *name,
                unsigned char *iv, EVP_CIPHER_CTX *cipher, TICKET_MAC *mac)
{
    struct window_key key;
    int sealed = 0;

    if (!r->sealable || RAND_bytes(iv, 16) != 1) {
        return 0;
    }
    if (window_by_name(site->keyring, site->place, r->now_ms, r->sealing_name, &key) ==
            WINDOW_FOUND &&
        ticket_crypt_init(&site->algorithms, &key.keys.stek, iv, true, cipher, mac) == RP_OK) {
        memcpy(name, key.keys.stek.name, 16);
        memcpy(r->issued_name, name, 16);
        r->issued = true;
        sealed = 1;
    }
    window_key_wipe(&key);
    return sealed;
}

/* What the ticket's name says. ACCEPTED: contexts are ready, the MAC is yet to be checked. */
static enum rp_verdict prepare(struct resumption *r, const struct attachment *site,
                               const unsigned char *name, const unsigned char *iv,
                               EVP_CIPHER_CTX *cipher, TICKET_MAC *mac)
{
    struct window_key key;
    enum rp_verdict verdict = RP_VERDICT_UNKNOWN_KEY;

    switch (window_by_name(site->keyring, site->place, r->now_ms, name, &key)) {
    case WINDOW_FOUND:
        resumption_key(r, &key);
        verdict =
            ticket_crypt_init(&site->algorithms, &key.keys.stek, iv, false, cipher, mac) == RP_OK
                ? RP_VERDICT_ACCEPTED
                : RP_VERDICT_DECLINED;
        window_key_wipe(&key);
        break;
    case WINDOW_EXPIRED:
        verdict = RP_VERDICT_EXPIRED;
        break;
    case WINDOW_OTHER_DOMAIN:
        verdict = RP_VERDICT_WRONG_DOMAIN;
        break;
    case WINDOW_ABSENT:
        break;
    }
    return verdict;
}

/* 1: the contexts are ready. 0: not ours to open. */
static int unseal(struct resumption *r, const struct attachment *site, const unsigned char *name,
                  const unsigned char *iv, EVP_CIPHER_CTX *cipher, TICKET_MAC *mac)
{
    r->judged = true;
    r->has_key = false;
    r->verdict = r->too_many ? RP_VERDICT_TOO_MANY : prepare(r, site, name, iv, cipher, mac);
    if (r->verdict != RP_VERDICT_ACCEPTED) {
        return 0;
    }
    r->verdict = RP_VERDICT_FORGED; /* until libssl comes back with a session */
    return 1;
}

static int use_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                   TICKET_MAC *mac, int seals)
{
    struct resumption *r = resumption_of(ssl);
    const struct attachment *site = resumption_site(ssl, r);

    if (site == NULL) {
        return 0;
    }
    return seals != 0 ? seal(r, site, name, iv, cipher, mac)
                      : unseal(r, site, name, iv, cipher, mac);
}

/*
 * A TLS 1.2 session that was resumed: a ticket of it would carry the old master secret under a
 * newer key. libssl asks for one where a client that takes tickets came by session ID.
 */
static bool sealed_before(const SSL *ssl)
{
    return SSL_version(ssl) == TLS1_2_VERSION && SSL_session_reused(ssl) == 1;
}

/* Before a ticket is sealed. */
static int prepare_session(SSL *ssl, void *arg)
{
    struct resumption *r = resumption_of(ssl);
    const struct attachment *site = resumption_site(ssl, r);
    SSL_SESSION *session = SSL_get_session(ssl);
    uint8_t encoded[SESSION_META_LEN];
    struct session_meta meta;
    struct window_key key;
    int64_t base_ms = 0;
    uint32_t life_s = 0;

    (void)arg;
    if (site == NULL) {
        return 1; /* use_key will refuse */
    }
    r->now_ms = attachment_fleet_ms(site); /* a round trip later, or long after */
    if (window_sealing(site->keyring, site->place, r->now_ms, &key)) {
        life_s = resumption_life_s(r, site, &key);
        base_ms = key.base_ms;
        memcpy(r->sealing_name, key.keys.stek.name, sizeof r->sealing_name);
    }
    window_key_wipe(&key);
    resumption_meta(ssl, r, site, base_ms, &meta);
    session_meta_encode(&meta, encoded);
    r->sealable = life_s != 0 && !sealed_before(ssl) &&
                  SSL_SESSION_set1_ticket_appdata(session, encoded, sizeof encoded) == 1 &&
                  SSL_SESSION_set_timeout(session, (long)life_s) == 1;
    return 1;
}

/* libssl would drop a session of another hash later on, and issue no ticket then. */
static bool hash_differs(const SSL *ssl, const SSL_SESSION *session)
{
    const SSL_CIPHER *now = SSL_get_pending_cipher(ssl);
    const SSL_CIPHER *then = SSL_SESSION_get0_cipher(session);

    return SSL_version(ssl) == TLS1_3_VERSION && now != NULL && then != NULL &&
           SSL_CIPHER_get_handshake_digest(now) != SSL_CIPHER_get_handshake_digest(then);
}

/* A fresh ticket goes out where it would live and the client wants one. */
static bool renews(SSL *ssl, struct resumption *r, const struct attachment *site)
{
    if (SSL_version(ssl) != TLS1_3_VERSION) {
        return false;
    }
    ticket_count_read(ssl, r);
    return ticket_count_resumed(r, site) != 0 && resumption_can_seal(r, site);
}

static enum rp_verdict judge(SSL *ssl, struct resumption *r, const struct attachment *site,
                             SSL_SESSION *session)
{
    const enum rp_verdict verdict = resumption_judge_session(ssl, r, site, session, r->key_base_ms);

    if (verdict != RP_VERDICT_ACCEPTED) {
        return verdict;
    }
    if (hash_differs(ssl, session) ||
        SSL_SESSION_set_time(session, (long)resumption_wall_s(r, site)) == 0 ||
        (SSL_version(ssl) == TLS1_2_VERSION && !resumption_name_session(r, session))) {
        return RP_VERDICT_DECLINED;
    }
    return renews(ssl, r, site) ? RP_VERDICT_RENEWED : RP_VERDICT_ACCEPTED;
}

/*
 * Every refusal is IGNORE_RENEW: a full handshake, with a new ticket. Plain USE issues none, which
 * TLS 1.2 needs: a renewed ticket would carry the old master secret under a newer key.
 */
static SSL_TICKET_RETURN answer(enum rp_verdict verdict)
{
    switch (verdict) {
    case RP_VERDICT_ACCEPTED:
        return SSL_TICKET_RETURN_USE;
    case RP_VERDICT_RENEWED:
        return SSL_TICKET_RETURN_USE_RENEW;
    case RP_VERDICT_NONE:
    case RP_VERDICT_UNKNOWN_KEY:
    case RP_VERDICT_FORGED:
    case RP_VERDICT_MALFORMED:
    case RP_VERDICT_FOREIGN:
    case RP_VERDICT_EXPIRED:
    case RP_VERDICT_WRONG_DOMAIN:
    case RP_VERDICT_WRONG_SNI:
    case RP_VERDICT_WRONG_VERSION:
    case RP_VERDICT_WRONG_EMS:
    case RP_VERDICT_POLICY_CHANGED:
    case RP_VERDICT_CERTIFICATE:
    case RP_VERDICT_NOT_CACHED:
    case RP_VERDICT_TOO_MANY:
    case RP_VERDICT_DECLINED:
    case RP_N_VERDICTS:
        break;
    }
    return SSL_TICKET_RETURN_IGNORE_RENEW;
}

/*
 * The client takes tickets but offers none. Where it offers one of our session IDs instead, there
 * will be no ticket, so none is promised (IGNORE). Of an ID in the application's cache nobody knows
 * yet whether it resumes: there an empty ticket goes out if it does (sealed_before).
 */
static SSL_TICKET_RETURN answer_empty(SSL *ssl, const struct resumption *r,
                                      const struct attachment *site)
{
    const unsigned char *id = NULL;
    const size_t n = SSL_client_hello_get0_session_id(ssl, &id);
    struct window_key key;
    bool ours = false;

    if (site == NULL || site->cache == NULL || n != SESSION_ID_LEN) {
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
    ours = session_id_open(site->keyring, site->place, r->now_ms, id, n, &key) == WINDOW_FOUND;
    window_key_wipe(&key);
    return ours ? SSL_TICKET_RETURN_IGNORE : SSL_TICKET_RETURN_IGNORE_RENEW;
}

/* After one was opened, or was not. */
static SSL_TICKET_RETURN judge_session(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
                                       size_t name_len, SSL_TICKET_STATUS status, void *arg)
{
    struct resumption *r = resumption_of(ssl);
    const struct attachment *site = resumption_site(ssl, r);

    (void)name, (void)name_len, (void)arg;
    if (status == SSL_TICKET_EMPTY) {
        return answer_empty(ssl, r, site);
    }
    if (site == NULL) {
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
    r->mechanism = SSL_version(ssl) == TLS1_3_VERSION ? RP_MECHANISM_PSK : RP_MECHANISM_TICKET;
    if (session != NULL && !r->judged) {
        r->verdict = RP_VERDICT_UNKNOWN_KEY; /* opened by a callback that was set after ours */
    } else if (session != NULL) {
        r->verdict = judge(ssl, r, site, session);
    } else if (!r->judged) {
        r->verdict = RP_VERDICT_MALFORMED; /* too short to have a name */
    }
    r->judged = false;
    return answer(r->verdict);
}

void sealed_set_callbacks(SSL_CTX *ctx)
{
#ifdef OPENSSL_NO_DEPRECATED_3_0
    (void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, use_key);
#else
    /* libssl prefers the other kind; the application may have set one. */
    (void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, NULL);
    (void)SSL_CTX_set_tlsext_ticket_key_cb(ctx, use_key);
#endif
    (void)SSL_CTX_set_session_ticket_cb(ctx, prepare_session, judge_session, NULL);
}
