#include "trial.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "error.h"
#include "http_reply.h"
#include "new_session_ticket.h"
#include "text.h"

/* Most servers send their tickets along with what ends the handshake. */
#define TICKETS_QUIET_MS 250
#define LATE_US 60000
#define MORE_QUIET_MS 60
#define REPLY_QUIET_MS 1500

static void keep_sessions(struct raw_client *client, struct trial *out)
{
    const size_t n = raw_client_result(client)->n_sessions;

    for (size_t i = 0; i < n && out->n_sessions < TRIAL_SESSIONS_MAX; i++) {
        if (raw_client_session(client, i, &out->sessions[out->n_sessions]) == RP_OK) {
            out->n_sessions++;
        }
    }
}

static bool decode(const struct raw_client *client, size_t i, struct new_session_ticket *out)
{
    size_t n = 0;
    const uint8_t *body = raw_client_ticket(client, i, &n);

    if (body == NULL) {
        return false;
    }
    return raw_client_result(client)->version == RAW_TLS13
               ? new_session_ticket_decode_13(body, n, out)
               : new_session_ticket_decode_12(body, n, out);
}

static void keep_tickets(const struct raw_client *client, struct trial *out)
{
    const size_t n = raw_client_result(client)->n_tickets;

    for (size_t i = 0; i < n && out->n_tickets < TRIAL_TICKETS_MAX; i++) {
        struct trial_ticket *t = &out->tickets[out->n_tickets];
        struct new_session_ticket decoded;

        if (!decode(client, i, &decoded) || decoded.ticket_len == 0 ||
            EVP_Digest(decoded.ticket, decoded.ticket_len, t->digest, NULL, EVP_sha256(), NULL) !=
                1) {
            continue;
        }
        t->version = decoded.version;
        t->lifetime_s = decoded.lifetime_s;
        t->age_add = decoded.age_add;
        t->nonce_len = decoded.nonce_len;
        if (decoded.nonce_len != 0) {
            memcpy(t->nonce, decoded.nonce,
                   decoded.nonce_len < TRIAL_NONCE_MAX ? decoded.nonce_len : TRIAL_NONCE_MAX);
        }
        t->len = decoded.ticket_len;
        out->n_tickets++;
    }
}

/* It goes into server_name, Host and reports: nothing that a server could smuggle in there. */
static bool is_host_name(const char *s, size_t n)
{
    static const char known[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\0' || strchr(known, s[i]) == NULL) {
            return false;
        }
    }
    return n != 0;
}

static void keep_name(const ASN1_STRING *value, struct trial *out)
{
    const char *const s = (const char *)ASN1_STRING_get0_data(value);
    const int n = ASN1_STRING_length(value);
    struct text t = text_of(out->names[out->n_names], sizeof out->names[0]);

    if (n <= 0 || !is_host_name(s, (size_t)n)) {
        return;
    }
    text_add_n(&t, s, (size_t)n);
    out->n_names += t.cut ? 0 : 1;
}

static void keep_names(const struct raw_client *client, struct trial *out)
{
    size_t n = 0;
    const unsigned char *der = raw_client_certificate(client, 0, &n);
    X509 *leaf = der != NULL && n < 0x10000 ? d2i_X509(NULL, &der, (long)n) : NULL;
    GENERAL_NAMES *names =
        leaf != NULL ? X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL) : NULL;

    for (int i = 0; i < sk_GENERAL_NAME_num(names) && out->n_names < TRIAL_NAMES_MAX; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_DNS) {
            keep_name(name->d.dNSName, out);
        }
    }
    GENERAL_NAMES_free(names);
    X509_free(leaf);
}

static void read_reply(struct raw_conn *conn, const struct trial_setup *setup, struct trial *out)
{
    struct http_reply reply = {0};
    const uint8_t *p;
    size_t n = 0;

    if (setup->request == NULL) {
        (void)raw_conn_read(conn, RAW_UNTIL_END, TICKETS_QUIET_MS);
        return;
    }
    (void)raw_conn_request(conn, setup->request, strlen(setup->request), RAW_UNTIL_DATA,
                           REPLY_QUIET_MS);
    p = raw_client_received(raw_conn_client(conn), &n);
    if (n != 0) {
        (void)http_reply_feed(&reply, (const char *)p, n);
        out->http_status = reply.status;
    }
}

static void read_sessions(struct raw_conn *conn, const struct trial_setup *setup, struct trial *out)
{
    const int64_t began_us = raw_now_us();
    bool came = false;

    if (raw_conn_result(conn)->version != RAW_TLS13) {
        return; /* all came before the end of the handshake */
    }
    if (!setup->ask_first || setup->request == NULL) {
        came = raw_conn_read(conn, RAW_UNTIL_SESSION, TICKETS_QUIET_MS);
        out->late_tickets = came && raw_now_us() - began_us >
                                        LATE_US + 2 * (int64_t)raw_conn_result(conn)->connect_us;
    }
    if (!came && setup->request != NULL) {
        out->late_tickets = raw_conn_request(conn, setup->request, strlen(setup->request),
                                             RAW_UNTIL_SESSION, REPLY_QUIET_MS);
    }
    if (setup->want == TRIAL_TICKETS) {
        (void)raw_conn_read(conn, RAW_UNTIL_END, MORE_QUIET_MS);
    }
}

void trial_run(const struct trial_setup *setup, struct trial *out)
{
    const int64_t deadline = raw_now_us() + (int64_t)setup->timeout_ms * 1000;
    struct raw_conn *conn = NULL;

    memset(out, 0, sizeof *out);
    if (raw_conn_open(setup->config, (const struct sockaddr *)&setup->address->sa,
                      setup->address->len, deadline, &conn) != RP_OK) {
        out->result.end = RAW_END_LOCAL;
        error_set(&out->result.why, "the connection cannot be made here");
        return;
    }
    if (raw_conn_handshake(conn)) {
        if (setup->want == TRIAL_REPLY) {
            read_reply(conn, setup, out);
        } else if (setup->want != TRIAL_HANDSHAKE) {
            read_sessions(conn, setup, out);
        }
    }
    out->result = *raw_conn_result(conn);
    if (setup->want == TRIAL_SESSIONS || setup->want == TRIAL_TICKETS) {
        keep_sessions(raw_conn_client(conn), out);
        keep_tickets(raw_conn_client(conn), out);
        keep_names(raw_conn_client(conn), out);
    }
    raw_conn_close(&conn);
}

void trial_fini(struct trial *t)
{
    for (size_t i = 0; i < TRIAL_SESSIONS_MAX; i++) {
        raw_session_free(&t->sessions[i]);
    }
    t->n_sessions = 0;
}

struct raw_session *trial_take(struct trial *t, size_t i)
{
    struct raw_session *s = i < t->n_sessions ? t->sessions[i] : NULL;

    if (s != NULL) {
        t->sessions[i] = NULL;
    }
    return s;
}

bool trial_full(const struct trial *t)
{
    return t->result.established && !t->result.resumed;
}

bool trial_resumed(const struct trial *t)
{
    return t->result.established && t->result.resumed;
}

void trial_outcome(const struct raw_result *r, char *out, size_t size)
{
    struct text t = text_of(out, size);

    if (r->end == RAW_END_ALERT && r->alert.seen) {
        text_addf(&t, "alert %u %s", (unsigned)r->alert.description,
                  raw_alert_word(r->alert.description));
    } else if (r->established) {
        text_add(&t, r->resumed ? "resumed" : "a full handshake");
    } else {
        text_addf(&t, "%s", raw_end_word(r->end));
    }
}
