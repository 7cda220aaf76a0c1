#include "ticket_report.h"

#include <string.h>
#include <time.h>

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "session_meta.h"
#include "ticket_content.h"

#define LINE_SIZE 1024
#define NAMES_SHOWN 8
#define AES256_SUITES_NOTE                                                                         \
    "the key is AES-128 and the session's cipher suite AES-256: RFC 9325 section 3.4 asks for a "  \
    "ticket cipher as strong as the suite"

static void add_time(struct text *t, int64_t s)
{
    const time_t when = (time_t)s;
    struct tm tm;

    if (gmtime_r(&when, &tm) == NULL) {
        text_addf(t, "%lld", (long long)s);
        return;
    }
    text_addf(t, "%04d-%02d-%02d %02d:%02d:%02d UTC", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
              tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* A name to a person: as hex, and as text if it is that. */
static void add_names(struct text *t, const struct ticket_open_view *view)
{
    size_t n = 0;

    for (size_t i = 0; i < view->n_files; i++) {
        uint8_t last[FOREIGN_KEY_NAME_LEN] = {0};

        for (size_t k = 0; k < view->files[i].n; k++) {
            uint8_t name[FOREIGN_KEY_NAME_LEN];

            if (!ticket_key_name(&view->files[i].keys[k], name) ||
                (k != 0 && memcmp(name, last, sizeof name) == 0)) {
                continue;
            }
            memcpy(last, name, sizeof name);
            if (n++ < NAMES_SHOWN) {
                text_add(t, n > 1 ? ", " : "");
                text_add_hex(t, name, sizeof name);
                text_addf(t, " (%s)", view->files[i].path);
            }
        }
    }
    if (n > NAMES_SHOWN) {
        text_addf(t, " and %zu more", n - NAMES_SHOWN);
    }
}

static void not_opened(struct sheet *s, const struct ticket_item *item,
                       const struct ticket_opening *o, const struct ticket_open_view *view)
{
    char words[LINE_SIZE];
    struct text t = text_of(words, sizeof words);
    const size_t n = item->ticket.n < FOREIGN_KEY_NAME_LEN ? item->ticket.n : FOREIGN_KEY_NAME_LEN;

    switch (o->end) {
    case TICKET_NAME_DIFFERS:
        text_add(&t, "the ticket's key name is ");
        text_add_hex(&t, item->ticket.p, n);
        text_add(&t, ", the files have ");
        add_names(&t, view);
        break;
    case TICKET_MAC_DIFFERS:
        text_addf(&t,
                  "the key name is that of %s, but the MAC does not come out in any order of its "
                  "bytes: the ticket was changed or cut, or another key goes by this name",
                  o->file->path);
        break;
    case TICKET_NOT_SEALED_SO:
        text_addf(&t,
                  "the MAC comes out under %s (%s), but its other key does not decrypt what is "
                  "inside",
                  o->file->path, ticket_hash_text(o->hash));
        break;
    case TICKET_OPENED:
        break;
    }
    sheet_text(s, "why", "not opened", words, NULL);
}

static void key(struct sheet *s, const struct ticket_opening *o)
{
    char words[LINE_SIZE];
    struct text t = text_of(words, sizeof words);

    text_addf(&t, "%s, key %u: %s (%s)%s", o->file->path, o->key->index + 1,
              key_order_text(o->key->order), key_order_servers(o->key->order),
              o->key->base64 ? ", in base64" : "");
    sheet_text(s, "key_file", "key", o->file->path, words);
    sheet_number(s, "key_index", NULL, o->key->index + 1, NULL);
    sheet_text(s, "key_order", NULL, key_order_text(o->key->order), NULL);
    sheet_text(s, "key_order_servers", NULL, key_order_servers(o->key->order), NULL);
    sheet_text(s, "mac", NULL, ticket_hash_text(o->hash), NULL);
    t = text_of(words, sizeof words);
    text_addf(&t, "%s, %s", o->mode, ticket_hash_text(o->hash));
    sheet_text(s, "cipher_mode", "sealed by", o->mode, words);
    if (o->mac_is_blank) {
        sheet_text(s, "mac_warning", "warning",
                   "the MAC is made with zeroes, not with the HMAC key in the file: whoever is on "
                   "the way can change tickets (Apache httpd with OpenSSL 3 does so)",
                   NULL);
    }
    if (o->name_differs) {
        sheet_line(s, "  %-18s %s", "note", "the key goes by another name in the file");
    }
}

static void times(struct sheet *s, const struct session_asn1 *session, int64_t now_s)
{
    char words[LINE_SIZE];
    struct text t = text_of(words, sizeof words);
    uint64_t began;
    uint64_t timeout;

    if (!session_asn1_number(session, SESSION_ASN1_TIME, &began) || began > INT32_MAX * 16ULL) {
        return;
    }
    add_time(&t, (int64_t)began);
    if (now_s >= (int64_t)began) {
        text_add(&t, ", ");
        ticket_report_add_duration(&t, (uint64_t)now_s - began);
        text_add(&t, " ago");
    } else {
        text_add(&t, ", which is in the future");
    }
    sheet_number(s, "created", "created", began, words);
    if (session_asn1_number(session, SESSION_ASN1_TIMEOUT, &timeout)) {
        t = text_of(words, sizeof words);
        ticket_report_add_duration(&t, timeout);
        text_add(&t, now_s - (int64_t)began > (int64_t)(timeout & INT32_MAX) ? ", over"
                                                                             : ", not yet over");
        sheet_number(s, "timeout_s", "timeout", timeout, words);
    }
}

static void text_field(struct sheet *s, const struct session_asn1 *session,
                       enum session_asn1_tag tag, const char *name, const char *label)
{
    char words[LINE_SIZE];
    struct text t = text_of(words, sizeof words);
    const uint8_t *p;
    size_t n;

    if (session_asn1_octets(session, tag, &p, &n) && n != 0) {
        ticket_content_add_safely(&t, p, n);
        sheet_text(s, name, label, words, NULL);
    } else {
        sheet_text(s, name, label, NULL, NULL);
    }
}

static void number_field(struct sheet *s, const struct session_asn1 *session,
                         enum session_asn1_tag tag, const char *name, const char *label)
{
    uint64_t value;

    if (session_asn1_number(session, tag, &value)) {
        sheet_number(s, name, label, value, NULL);
    }
}

static void metadata(struct sheet *s, const uint8_t *p, size_t n)
{
    struct session_meta meta;
    struct sheet child = sheet_new();
    char words[LINE_SIZE];
    struct text t = text_of(words, sizeof words);

    if (!session_meta_decode(p, n, &meta)) {
        sheet_free(&child);
        return;
    }
    ticket_content_add_version(&t, meta.version);
    text_addf(&t, ", sealed %lld ms after the full handshake",
              (long long)(meta.sealed_ms - meta.origin_ms));
    sheet_text(&child, NULL, "reprise metadata", words, NULL);
    sheet_signed(&child, "origin_ms", "  origin, ms", meta.origin_ms - SESSION_TIME_ZERO);
    sheet_signed(&child, "sealed_ms", "  sealed, ms", meta.sealed_ms - SESSION_TIME_ZERO);
    sheet_flag(&child, "extended_master_secret", NULL, meta.ems);
    sheet_hex(&child, "binding", "  binding", meta.binding, sizeof meta.binding);
    sheet_append(s, "reprise_metadata", &child);
}

static void add_name(struct text *t, const X509_NAME *name)
{
    char buffer[512] = {0};
    BIO *bio = BIO_new(BIO_s_mem());
    int n = 0;

    if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        n = BIO_read(bio, buffer, sizeof buffer - 1);
    }
    ticket_content_add_safely(t, (const uint8_t *)buffer, n > 0 ? (size_t)n : 0);
    BIO_free(bio);
}

static void certificate(struct sheet *s, const struct session_asn1 *session)
{
    const struct session_asn1_field *f = &session->fields[SESSION_ASN1_PEER];
    const uint8_t *p = f->p;
    X509 *x = p != NULL && f->type == 0x30 ? d2i_X509(NULL, &p, (long)f->n) : NULL;
    char words[LINE_SIZE];
    struct text t = text_of(words, sizeof words);
    struct tm tm;
    uint64_t result = 0;

    if (x == NULL) {
        sheet_text(s, "client_certificate", NULL, NULL, NULL);
        return;
    }
    add_name(&t, X509_get_subject_name(x));
    sheet_text(s, "client_certificate", "client", words, NULL);
    if (ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) == 1) {
        t = text_of(words, sizeof words);
        add_time(&t, (int64_t)timegm(&tm));
        sheet_text(s, "client_certificate_ends", "  valid until", words, NULL);
    }
    (void)session_asn1_number(session, SESSION_ASN1_VERIFY_RESULT, &result);
    sheet_text(s, "verify_result", "  verified",
               result <= INT32_MAX ? X509_verify_cert_error_string((long)result) : "out of range",
               NULL);
    X509_free(x);
}

static void octets(struct sheet *s, const struct session_asn1 *session, enum session_asn1_tag tag,
                   const char *name, const char *label)
{
    const uint8_t *p;
    size_t n;

    if (session_asn1_octets(session, tag, &p, &n) && n != 0) {
        sheet_hex(s, name, label, p, n);
    }
}

static bool is_aes256(uint16_t cipher)
{
    char name[LINE_SIZE];
    struct text t = text_of(name, sizeof name);

    ticket_content_add_cipher(&t, cipher);
    return strstr(name, "AES_256") != NULL || strstr(name, "CHACHA20") != NULL;
}

static void master(struct sheet *s, const struct session_asn1 *session, bool secrets)
{
    const char *label = session->version == 0x0304 ? "PSK" : "master secret";
    char words[LINE_SIZE];
    struct text t = text_of(words, sizeof words);

    if (secrets) {
        sheet_hex(s, "secret", label, session->master, session->master_len);
        return;
    }
    text_addf(&t, "%zu bytes, hidden: --secrets shows it", session->master_len);
    sheet_line(s, "  %-18s %s", label, words);
    sheet_text(s, "secret", NULL, NULL, NULL);
}

static void session_of(struct sheet *s, const struct ticket_opening *o,
                       const struct ticket_open_view *view)
{
    const struct session_asn1 *session = &o->session;
    char words[LINE_SIZE];
    struct text t = text_of(words, sizeof words);
    const uint8_t *p;
    size_t n;

    ticket_content_add_version(&t, session->version);
    sheet_text(s, "version", "version", words, NULL);
    t = text_of(words, sizeof words);
    ticket_content_add_cipher(&t, session->cipher);
    sheet_text(s, "cipher", "cipher", words, NULL);
    times(s, session, view->now_s);
    text_field(s, session, SESSION_ASN1_HOSTNAME, "servername", "server name");
    text_field(s, session, SESSION_ASN1_ALPN, "alpn", "ALPN");
    sheet_hex(s, "session_id", "session ID", session->session_id, session->session_id_len);
    octets(s, session, SESSION_ASN1_ID_CONTEXT, "id_context", "ID context");
    if (session->version != 0x0304) {
        sheet_flag(s, "extended_master_secret", "extended master", session_asn1_ems(session));
    }
    if (!session->boring) {
        number_field(s, session, SESSION_ASN1_AGE_ADD, "age_add", "age_add");
        number_field(s, session, SESSION_ASN1_MAX_EARLY_DATA, "max_early_data", "early data max");
        octets(s, session, SESSION_ASN1_APPDATA, "application_data", "application data");
        if (session_asn1_octets(session, SESSION_ASN1_APPDATA, &p, &n)) {
            metadata(s, p, n);
        }
    } else {
        sheet_line(s, "  %-18s %s", "note", "in the form of BoringSSL");
    }
    certificate(s, session);
    master(s, session, view->secrets);
    if (o->key->aes_len == 16 && is_aes256(session->cipher)) {
        sheet_text(s, "warning", "warning", AES256_SUITES_NOTE, NULL);
    }
}

static void go_of(struct sheet *s, const struct ticket_opening *o,
                  const struct ticket_open_view *view)
{
    char words[LINE_SIZE];
    struct text t = text_of(words, sizeof words);

    ticket_content_add_version(&t, o->go.version);
    sheet_text(s, "version", "version", words, NULL);
    t = text_of(words, sizeof words);
    ticket_content_add_cipher(&t, o->go.cipher);
    sheet_text(s, "cipher", "cipher", words, NULL);
    t = text_of(words, sizeof words);
    add_time(&t, o->go.created_s);
    if (view->now_s >= o->go.created_s) {
        text_add(&t, ", ");
        ticket_report_add_duration(&t, (uint64_t)(view->now_s - o->go.created_s));
        text_add(&t, " ago");
    }
    sheet_number(s, "created", "created", (uint64_t)o->go.created_s, words);
}

void ticket_report_open(struct sheet *parent, const struct ticket_list *list, size_t i,
                        const struct ticket_opening *o, const struct ticket_open_view *view)
{
    struct sheet s = sheet_new();

    ticket_report_head(&s, list, i);
    sheet_flag(&s, "opened", NULL, o->end == TICKET_OPENED);
    if (o->end != TICKET_OPENED) {
        not_opened(&s, &list->items[i], o, view);
    } else {
        key(&s, o);
        sheet_text(&s, "content", NULL,
                   o->is_session ? "session"
                   : o->is_go    ? "go"
                                 : "unknown",
                   NULL);
        if (o->is_session) {
            session_of(&s, o, view);
        } else if (o->is_go) {
            go_of(&s, o, view);
        } else {
            sheet_line(&s, "  %-18s %zu bytes that are no session of OpenSSL's or Go's", "inside",
                       o->n_plain);
        }
        if (view->secrets && !o->is_session) {
            sheet_hex(&s, "plain", "decrypted", o->plain, o->n_plain);
        }
    }
    sheet_append(parent, "tickets", &s);
}
