#include "witness.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/objects.h>

#include "error.h"
#include "new_session_ticket.h"
#include "reader.h"
#include "text.h"
#include "visit_certificate.h"

#define HELLO_RANDOM_LEN 32

/* RFC 8446, 4.1.3: a ServerHello with this random is a HelloRetryRequest. */
static const uint8_t retry_random[HELLO_RANDOM_LEN] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

static void note_server_hello(struct visit *v, struct reader r)
{
    uint8_t random[HELLO_RANDOM_LEN];
    struct reader id;

    (void)reader_u16(&r);
    reader_copy(&r, random, sizeof random);
    id = reader_vec8(&r);
    if (r.failed || reader_left(&id) > sizeof v->session_id) {
        return;
    }
    if (memcmp(random, retry_random, sizeof random) == 0) {
        v->hello_retried = true;
        return;
    }
    v->session_id_len = (uint8_t)reader_left(&id);
    reader_copy(&id, v->session_id, v->session_id_len);
}

static void note_ticket(struct visit *v, const SSL *ssl, const uint8_t *body, size_t n)
{
    struct new_session_ticket t;
    struct visit_ticket *out;
    const bool ok = SSL_version(ssl) == TLS1_3_VERSION ? new_session_ticket_decode_13(body, n, &t)
                                                       : new_session_ticket_decode_12(body, n, &t);

    if (!ok || t.ticket_len == 0) {
        return;
    }
    if (v->n_tickets++ >= VISIT_TICKETS_MAX) {
        return;
    }
    out = &v->tickets[v->n_tickets - 1];
    out->version = t.version;
    out->lifetime_s = t.lifetime_s;
    out->age_add = t.age_add;
    out->nonce_len = (uint8_t)t.nonce_len;
    if (t.nonce_len != 0) {
        memcpy(out->nonce, t.nonce, t.nonce_len < sizeof out->nonce ? t.nonce_len : 16);
    }
    out->early_data_max = t.has_early_data ? t.max_early_data : 0;
    out->n_extensions = (uint16_t)t.n_extensions;
    out->len = (uint16_t)t.ticket_len;
    memcpy(out->start, t.ticket,
           t.ticket_len < sizeof out->start ? t.ticket_len : sizeof out->start);
    (void)EVP_Digest(t.ticket, t.ticket_len, out->digest, NULL, EVP_sha256(), NULL);
}

static void note_handshake(struct visit *v, const SSL *ssl, const uint8_t *p, size_t n)
{
    struct reader r = reader_of(p, n);
    const uint8_t type = reader_u8(&r);

    (void)reader_u24(&r);
    if (r.failed) {
        return;
    }
    switch (type) {
    case SSL3_MT_SERVER_HELLO:
        note_server_hello(v, r);
        break;
    case SSL3_MT_NEWSESSION_TICKET:
        note_ticket(v, ssl, r.at, reader_left(&r));
        break;
    case SSL3_MT_CERTIFICATE_REQUEST:
        v->asked_certificate = true;
        break;
    default:
        break;
    }
}

/* The first one that ended something: what follows is an echo. */
static void note_alert(struct visit *v, const SSL *ssl, bool is_ours, const uint8_t *p, size_t n)
{
    if (n != 2 || p[1] == SSL_AD_CLOSE_NOTIFY || p[1] == SSL_AD_USER_CANCELLED) {
        return;
    }
    if ((p[0] == SSL3_AL_FATAL || SSL_version(ssl) == TLS1_3_VERSION) &&
        v->alert == VISIT_NO_ALERT) {
        v->alert = p[1];
        v->alert_is_ours = is_ours;
    }
}

static void message(int write_p, int version, int content_type, const void *buf, size_t len,
                    SSL *ssl, void *arg)
{
    struct witness *w = arg;

    (void)version;
    if (content_type == SSL3_RT_HEADER && write_p == 0 && !w->has_record &&
        len >= sizeof w->first) {
        w->has_record = true;
        memcpy(w->first, buf, sizeof w->first);
    } else if (content_type == SSL3_RT_HANDSHAKE && write_p == 0) {
        note_handshake(w->visit, ssl, buf, len);
    } else if (content_type == SSL3_RT_ALERT) {
        note_alert(w->visit, ssl, write_p != 0, buf, len);
    }
}

void witness_attach(struct witness *w, SSL *ssl, struct visit *visit)
{
    memset(w, 0, sizeof *w);
    w->visit = visit;
    SSL_set_msg_callback(ssl, message);
    SSL_set_msg_callback_arg(ssl, w);
}

static const char *hash_of(const SSL_CIPHER *cipher)
{
    const EVP_MD *md = SSL_CIPHER_get_handshake_digest(cipher);

    if (md == NULL) {
        return NULL;
    }
    switch (EVP_MD_get_type(md)) {
    case NID_sha256:
        return "SHA256";
    case NID_sha384:
        return "SHA384";
    case NID_md5_sha1:
        return "MD5-SHA1";
    default:
        return NULL;
    }
}

static const char *group_of(SSL *ssl)
{
    const long nid = SSL_get_negotiated_group(ssl);

    return nid > 0 && (nid & TLSEXT_nid_unknown) == 0 ? OBJ_nid2sn((int)nid) : NULL;
}

static void note_alpn(struct visit *v, const SSL *ssl)
{
    const unsigned char *name = NULL;
    unsigned len = 0;
    struct text t = text_of(v->alpn, sizeof v->alpn);

    SSL_get0_alpn_selected(ssl, &name, &len);
    for (unsigned i = 0; i < len; i++) {
        text_add_char(&t, name[i] > 0x20 && name[i] < 0x7f ? (char)name[i] : '?');
    }
}

void witness_established(struct witness *w, SSL *ssl, const char *name, bool name_is_address,
                         int64_t now_s)
{
    struct visit *v = w->visit;
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);

    v->established = true;
    v->resumed = SSL_session_reused(ssl) != 0;
    v->version = (uint16_t)SSL_version(ssl);
    v->cipher = cipher != NULL ? SSL_CIPHER_get_name(cipher) : NULL;
    v->cipher_hash = cipher != NULL ? hash_of(cipher) : NULL;
    v->group = group_of(ssl);
    v->ems = v->version == TLS1_3_VERSION || SSL_get_extms_support(ssl) == 1;
    note_alpn(v, ssl);
    if (!v->resumed) {
        visit_certificate_note(&v->certificate, SSL_get0_peer_certificate(ssl),
                               SSL_get_verify_result(ssl), name, name_is_address, now_s);
    }
}

static const char *alert_name(int alert)
{
    return SSL_alert_desc_string_long(alert);
}

/* What came instead of TLS, as far as five bytes tell. */
static void explain_garbage(const struct witness *w, struct rp_error *why)
{
    const char *first = (const char *)w->first;

    if (memcmp(first, "HTTP/", 5) == 0 || memcmp(first, "<html", 5) == 0 ||
        memcmp(first, "<!DOC", 5) == 0) {
        error_set(why, "plain HTTP on this port, not TLS");
    } else if (memcmp(first, "SSH-", 4) == 0) {
        error_set(why, "SSH on this port, not TLS");
    } else if (memcmp(first, "220", 3) == 0 && (first[3] == ' ' || first[3] == '-')) {
        error_set(why, "a greeting of SMTP or FTP on this port, not TLS: try --starttls smtp");
    } else {
        error_set(why, "what the server sends is not TLS (it begins with %02x %02x %02x %02x %02x)",
                  w->first[0], w->first[1], w->first[2], w->first[3], w->first[4]);
    }
}

static void alert_ended(struct visit *v)
{
    v->end = v->alert == SSL_AD_PROTOCOL_VERSION ? VISIT_VERSION : VISIT_ALERT;
    if (v->end == VISIT_VERSION) {
        error_set(&v->why, "the server does not speak this version of TLS (alert %d, %s)", v->alert,
                  alert_name(v->alert));
    } else {
        error_set(&v->why, "the server ended the handshake by alert %d (%s)", v->alert,
                  alert_name(v->alert));
    }
}

static bool is_version_refusal(int reason)
{
    return reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_WRONG_SSL_VERSION;
}

void witness_failed(struct witness *w)
{
    struct visit *v = w->visit;
    const unsigned long code = ERR_peek_error();
    const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    const char *text = ERR_reason_error_string(code);

    if (v->alert != VISIT_NO_ALERT && !v->alert_is_ours) {
        alert_ended(v);
    } else if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        v->end = VISIT_CLOSED;
        error_set(&v->why, "the server closed the connection in the handshake");
    } else if (is_version_refusal(reason)) {
        v->end = VISIT_VERSION;
        error_set(&v->why, "the server does not speak this version of TLS");
    } else if (w->has_record && (w->first[0] < 20 || w->first[0] > 24 || w->first[1] != 3)) {
        v->end = VISIT_GARBAGE;
        explain_garbage(w, &v->why);
    } else {
        v->end = VISIT_REJECTED;
        error_set(&v->why, "the server's handshake is not valid: %s",
                  text != NULL ? text : "unknown TLS error");
    }
}
