#include "report_json.h"

#include <openssl/ssl.h>

#include "report_object.h"
#include "text.h"

static void put_time(struct object *o, const char *key, int64_t unix_s)
{
    object_put(o, key, json_integer((json_int_t)unix_s));
}

json_t *report_json_certificate(const struct visit_certificate *c)
{
    struct object o;

    if (!c->present) {
        return json_null();
    }
    o = object_new();
    object_put_hex(&o, "sha256", c->digest, sizeof c->digest);
    object_put_text(&o, "subject", c->subject);
    object_put_text(&o, "issuer", c->issuer);
    put_time(&o, "not_before", c->not_before_s);
    put_time(&o, "not_after", c->not_after_s);
    object_put_flag(&o, "names_host", c->names_host);
    object_put_text(&o, "trouble", c->trouble);
    return object_done(&o);
}

static json_t *ticket_json(const struct visit_ticket *t, const struct host_view *host)
{
    const size_t kept = t->len < sizeof t->start ? t->len : sizeof t->start;
    const size_t nonce = t->nonce_len < sizeof t->nonce ? t->nonce_len : sizeof t->nonce;
    const bool is_13 = t->version >= 0x0304;
    struct object o = object_new();
    struct key_name key;

    object_put_count(&o, "lifetime_s", t->lifetime_s);
    object_put_count(&o, "length", t->len);
    if (host != NULL && view_key_of(host, t, &key)) {
        object_put_hex(&o, "key_name", key.bytes, key.len);
    } else {
        object_put(&o, "key_name", json_null());
    }
    object_put_hex(&o, "start", t->start, kept);
    object_put_hex(&o, "sha256", t->digest, sizeof t->digest);
    object_put(&o, "age_add", is_13 ? json_integer(t->age_add) : json_null());
    if (is_13) {
        object_put_hex(&o, "nonce", t->nonce, nonce);
    } else {
        object_put(&o, "nonce", json_null());
    }
    object_put(&o, "extensions", is_13 ? json_integer(t->n_extensions) : json_null());
    object_put(&o, "early_data_max", is_13 ? json_integer(t->early_data_max) : json_null());
    return object_done(&o);
}

static json_t *tickets_json(const struct visit *v, const struct host_view *host)
{
    const unsigned kept = v->n_tickets < VISIT_TICKETS_MAX ? v->n_tickets : VISIT_TICKETS_MAX;
    struct list l = list_new();

    for (unsigned i = 0; i < kept; i++) {
        list_add(&l, ticket_json(&v->tickets[i], host));
    }
    return list_done(&l);
}

static void put_end(struct object *o, const struct visit *v)
{
    const bool alert = v->alert != VISIT_NO_ALERT;

    object_put_own(o, "end", visit_end_word(v->end));
    object_put_text(o, "why", v->why.text);
    object_put(o, "alert", alert ? json_integer(v->alert) : json_null());
    object_put_own(o, "alert_name", alert ? SSL_alert_desc_string_long(v->alert) : NULL);
    object_put(o, "alert_by",
               !alert             ? json_null()
               : v->alert_is_ours ? json_string("client")
                                  : json_string("server"));
}

static const char *version_text(uint16_t version)
{
    switch (version) {
    case 0x0301:
        return "TLSv1.0";
    case 0x0302:
        return "TLSv1.1";
    case 0x0303:
        return "TLSv1.2";
    case 0x0304:
        return "TLSv1.3";
    default:
        return NULL;
    }
}

json_t *report_json_visit(const struct visit *v, const struct host_view *host)
{
    struct object o;

    if (v == NULL) {
        return json_null();
    }
    o = object_new();
    put_end(&o, v);
    object_put_flag(&o, "connected", v->connected);
    object_put_flag(&o, "established", v->established);
    object_put_flag(&o, "resumed", v->resumed);
    object_put_flag(&o, "early_accepted", v->early_accepted);
    object_put_own(&o, "version", v->established ? version_text(v->version) : NULL);
    object_put_own(&o, "cipher", v->cipher);
    object_put_own(&o, "cipher_hash", v->cipher_hash);
    object_put_own(&o, "group", v->group);
    object_put_text(&o, "alpn", v->alpn);
    object_put_flag(&o, "hello_retried", v->hello_retried);
    object_put_flag(&o, "extended_master_secret", v->ems);
    object_put_flag(&o, "asked_certificate", v->asked_certificate);
    object_put_hex(&o, "session_id", v->session_id, v->session_id_len);
    object_put(&o, "certificate", report_json_certificate(&v->certificate));
    object_put_count(&o, "n_tickets", v->n_tickets);
    object_put(&o, "tickets", tickets_json(v, host));
    object_put(&o, "http_status", v->http_status != 0 ? json_integer(v->http_status) : json_null());
    object_put_text(&o, "server", v->http_server);
    object_put_count(&o, "handshake_us", v->handshake_us);
    object_put(&o, "at_ms", json_integer((json_int_t)v->at_ms));
    return object_done(&o);
}

json_t *report_json_declined(const struct visit *v, const struct host_view *host)
{
    const unsigned kept = v == NULL                          ? 0
                          : v->n_tickets < VISIT_TICKETS_MAX ? v->n_tickets
                                                             : VISIT_TICKETS_MAX;
    struct object o;
    struct key_name key;

    if (v == NULL) {
        return json_null();
    }
    o = object_new();
    object_put_own(&o, "cipher", v->cipher);
    if (v->certificate.present) {
        object_put_hex(&o, "certificate_sha256", v->certificate.digest,
                       sizeof v->certificate.digest);
    } else {
        object_put(&o, "certificate_sha256", json_null());
    }
    if (kept != 0 && view_key_of(host, &v->tickets[0], &key)) {
        object_put_hex(&o, "key_name", key.bytes, key.len);
    } else {
        object_put(&o, "key_name", json_null());
    }
    return object_done(&o);
}

json_t *report_json_failure(const struct visit *v)
{
    struct object o;

    if (v == NULL) {
        return json_null();
    }
    o = object_new();
    put_end(&o, v);
    return object_done(&o);
}
