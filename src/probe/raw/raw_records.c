/* The record layer of a raw client: what goes out, what comes in. */
#include <string.h>

#include "raw_client_state.h"

#include "handshake.h"
#include "text.h"
#include "tls_record.h"

#define FIRST_RECORD_VERSION 0x0301 /* RFC 8446 section 5.1 */
#define MESSAGE_MAX (128u * 1024)
#define TRANSCRIPT_MAX (1024u * 1024)
#define RECEIVED_MAX (64u * 1024)
#define RECORDS_MAX 100000
#define ALERT_LEN 2
#define ALERT_FATAL 2
#define ALERT_CLOSE_NOTIFY 0
#define ALERT_USER_CANCELED 90

enum rp_status raw_queue(struct raw_client *c, uint8_t type, const uint8_t *p, size_t n)
{
    const size_t asked = c->config.record_max;
    const bool clear_handshake = c->write.suite == NULL && type == TLS_RECORD_HANDSHAKE;
    const size_t max = clear_handshake && asked != 0 && asked < TLS_RECORD_PLAIN_MAX
                           ? asked
                           : TLS_RECORD_PLAIN_MAX;
    const uint16_t version =
        c->answered || c->result.hello_retry ? RAW_TLS12 : FIRST_RECORD_VERSION;
    const size_t before = c->out.len;
    enum rp_status status = RP_OK;

    do {
        const size_t part = n < max ? n : max;

        status = raw_cipher_seal(&c->write, &c->random, type, version, p, part, &c->out);
        p += part;
        n -= part;
    } while (status == RP_OK && n != 0);
    if (status == RP_OK && !c->answered &&
        !raw_buffer_add(&c->flight, c->out.bytes + before, c->out.len - before)) {
        status = RP_NO_MEMORY;
    }
    return status;
}

enum rp_status raw_add_transcript(struct raw_client *c, const uint8_t *p, size_t n)
{
    if (c->transcript.len + n > TRANSCRIPT_MAX) {
        return raw_fail(c, "the handshake is longer than 1 MB");
    }
    return raw_buffer_add(&c->transcript, p, n) ? RP_OK : RP_NO_MEMORY;
}

enum rp_status raw_queue_handshake(struct raw_client *c, const uint8_t *p, size_t n)
{
    const enum rp_status status = raw_add_transcript(c, p, n);

    return status == RP_OK ? raw_queue(c, TLS_RECORD_HANDSHAKE, p, n) : status;
}

enum rp_status raw_queue_message(struct raw_client *c, uint8_t type, const uint8_t *body, size_t n)
{
    const struct handshake header = {type, n};
    struct raw_buffer message = {0};
    uint8_t bytes[HANDSHAKE_HEADER_LEN];
    enum rp_status status = RP_NO_MEMORY;

    handshake_encode(&header, bytes);
    if (raw_buffer_add(&message, bytes, sizeof bytes) && raw_buffer_add(&message, body, n)) {
        status = raw_queue_handshake(c, message.bytes, message.len);
    }
    raw_buffer_fini(&message);
    return status;
}

enum rp_status raw_queue_compat(struct raw_client *c)
{
    static const uint8_t change[] = {1};
    struct raw_cipher clear = {0};
    const size_t before = c->out.len;
    enum rp_status status;

    if (c->compat_sent || c->session_id_len == 0) {
        return RP_OK;
    }
    c->compat_sent = true;
    status = raw_cipher_seal(&clear, &c->random, TLS_RECORD_CHANGE_CIPHER_SPEC, RAW_TLS12, change,
                             sizeof change, &c->out);
    if (status == RP_OK && !c->answered &&
        !raw_buffer_add(&c->flight, c->out.bytes + before, c->out.len - before)) {
        status = RP_NO_MEMORY;
    }
    return status;
}

static enum rp_status take_alert(struct raw_client *c, const uint8_t *p, size_t n)
{
    struct raw_result *const r = &c->result;
    const struct raw_alert alert = {true, p[0], n == ALERT_LEN ? p[1] : 0, r->phase};

    if (n != ALERT_LEN) {
        return raw_fail(c, "the server sent an alert of %zu bytes", n);
    }
    raw_fingerprint_alert(&c->fingerprint, alert.level, alert.description);
    if (alert.description == ALERT_CLOSE_NOTIFY) {
        r->close_notify = true;
        raw_fingerprint_close(&c->fingerprint);
        raw_over(c, RAW_END_CLOSED);
        return RP_OK;
    }
    r->alert = alert;
    if (r->renegotiation == RAW_RENEGOTIATION_ASKED) {
        r->renegotiation = RAW_RENEGOTIATION_REFUSED;
    }
    /* In TLS 1.3 all alerts but these are fatal, whatever their level says. */
    if (alert.level == ALERT_FATAL ||
        (r->version == RAW_TLS13 && alert.description != ALERT_USER_CANCELED)) {
        struct text why = text_of(r->why.text, sizeof r->why.text);

        text_addf(&why, "alert %u (%s) from the server, phase %s", alert.description,
                  raw_alert_word(alert.description), raw_phase_word(r->phase));
        raw_fingerprint_close(&c->fingerprint);
        raw_over(c, RAW_END_ALERT);
    } else {
        r->warning = alert;
    }
    return RP_OK;
}

/* The keys were put in place by the message before: no record was opened with them yet. */
static bool has_fresh_keys(const struct raw_client *c)
{
    return c->read.suite != NULL && c->read.sequence == 0;
}

static enum rp_status take_handshake(struct raw_client *c, const uint8_t *p, size_t n)
{
    struct raw_buffer *const message = &c->message;
    struct handshake header;
    size_t at = 0;
    enum rp_status status = RP_OK;

    if (n == 0) {
        return raw_fail(c, "the server sent an empty handshake record");
    }
    if (!raw_buffer_add(message, p, n)) {
        return RP_NO_MEMORY;
    }
    while (status == RP_OK && c->result.end == RAW_END_OPEN && at < message->len) {
        if (has_fresh_keys(c)) { /* RFC 8446 section 5.1 */
            return raw_fail(c, "a handshake record of the server goes on where its keys change");
        }
        if (!handshake_decode(message->bytes + at, message->len - at, &header)) {
            break;
        }
        const size_t len = HANDSHAKE_HEADER_LEN + header.len;

        if (len > MESSAGE_MAX) {
            return raw_fail(c, "the server announced a %s of %zu bytes",
                            handshake_word(header.type), header.len);
        }
        if (message->len - at < len) {
            break;
        }
        raw_fingerprint_message(&c->fingerprint, header.type, header.len);
        status = raw_take_message(c, header.type, message->bytes + at, len);
        at += len;
    }
    raw_buffer_take(message, at);
    return status;
}

static enum rp_status take_data(struct raw_client *c, const uint8_t *p, size_t n)
{
    const size_t room = RECEIVED_MAX - c->received.len;

    raw_fingerprint_word(&c->fingerprint, "d");
    if (c->result.phase != RAW_PHASE_APPLICATION && c->step != RAW_STEP13_OPEN) {
        return raw_fail(c, "application data before the handshake is done");
    }
    c->result.n_application_bytes += n;
    return raw_buffer_add(&c->received, p, n < room ? n : room) ? RP_OK : RP_NO_MEMORY;
}

static enum rp_status take_change(struct raw_client *c, const uint8_t *p, size_t n)
{
    if (n != 1 || p[0] != 1) {
        return raw_fail(c, "the server sent a malformed ChangeCipherSpec");
    }
    if (c->result.version == RAW_TLS13 || (c->result.hello_retry && c->step == RAW_STEP_HELLO)) {
        return RP_OK;
    }
    return raw_take_change12(c);
}

static enum rp_status take_content(struct raw_client *c, uint8_t type, const uint8_t *p, size_t n)
{
    if (c->message.len != 0 && type != TLS_RECORD_HANDSHAKE) {
        return raw_fail(c, "a handshake message breaks off in the middle");
    }
    switch (type) {
    case TLS_RECORD_CHANGE_CIPHER_SPEC:
        return take_change(c, p, n);
    case TLS_RECORD_ALERT:
        return n != 0 ? take_alert(c, p, n) : raw_fail(c, "the server sent an empty alert");
    case TLS_RECORD_HANDSHAKE:
        return take_handshake(c, p, n);
    case TLS_RECORD_APPLICATION_DATA:
        return take_data(c, p, n);
    default:
        return raw_fail(c, "the server sent a record of type %u", type);
    }
}

/* Without its keys an alert is known by its type alone. */
static enum rp_status take_blind(struct raw_client *c, uint8_t type)
{
    if (type == TLS_RECORD_ALERT) {
        struct text why = text_of(c->result.why.text, sizeof c->result.why.text);

        text_add(&why, "an alert from the server under keys that we have not");
        c->result.alert = (struct raw_alert){true, 0, 0, c->result.phase};
        raw_fingerprint_close(&c->fingerprint);
        raw_over(c, RAW_END_ALERT);
    }
    return RP_OK;
}

static enum rp_status take_record(struct raw_client *c, const struct tls_record *record, uint8_t *p)
{
    uint8_t type = record->type;
    uint8_t *content = p;
    size_t len = record->len;
    enum rp_status status = RP_OK;

    if (++c->n_records > RECORDS_MAX) {
        return raw_fail(c, "the server sent more than %u records", RECORDS_MAX);
    }
    raw_fingerprint_open(&c->fingerprint, type);
    if (c->step == RAW_STEP12_BLIND && type != TLS_RECORD_CHANGE_CIPHER_SPEC) {
        return take_blind(c, type);
    }
    /* TLS 1.3: a ChangeCipherSpec is never sealed, and an alert need not be if the server could
     * not follow us. */
    if (c->read.suite != NULL && !(c->read.suite->tls13 && type != TLS_RECORD_APPLICATION_DATA &&
                                   type != TLS_RECORD_HANDSHAKE)) {
        status = raw_cipher_open(&c->read, &type, record->version, p, len, &content, &len);
    }
    if (status == RP_FORMAT) {
        return raw_fail(c, "a record of the server does not open under the keys of this handshake");
    }
    if (status == RP_OK && len > TLS_RECORD_PLAIN_MAX) {
        return raw_fail(c, "the server sent a record of %zu bytes", len);
    }
    if (status == RP_OK && type != record->type && type == TLS_RECORD_CHANGE_CIPHER_SPEC) {
        return raw_fail(c, "the server sent a sealed ChangeCipherSpec");
    }
    return status == RP_OK ? take_content(c, type, content, len) : status;
}

/* Says what it looks like, if it looks like something. */
static enum rp_status not_tls(struct raw_client *c)
{
    static const char http[] = "HTTP/";
    const struct raw_buffer *const in = &c->in;
    const size_t shown = in->len < 8 ? in->len : 8;
    char hex[24];
    struct text t = text_of(hex, sizeof hex);

    if (in->len >= sizeof http - 1 && memcmp(in->bytes, http, sizeof http - 1) == 0) {
        return raw_fail(c, "the server speaks plain HTTP there");
    }
    if (in->len >= 4 && memcmp(in->bytes, "220", 3) == 0) {
        return raw_fail(c, "the server greets in plain text there, as SMTP and FTP do");
    }
    if (in->len >= 4 && memcmp(in->bytes, "SSH-", 4) == 0) {
        return raw_fail(c, "the server speaks SSH there");
    }
    text_add_hex(&t, in->bytes, shown);
    return raw_fail(c, "the server sent something that is no TLS record: %s", hex);
}

enum rp_status raw_take_records(struct raw_client *c)
{
    size_t at = 0;
    enum rp_status status = RP_OK;

    while (status == RP_OK && c->result.end == RAW_END_OPEN) {
        const bool tls13 = c->read.suite != NULL && c->read.suite->tls13;
        const size_t max = tls13 ? TLS_RECORD_SEALED_MAX_13 : TLS_RECORD_SEALED_MAX_12;
        uint8_t *const p = c->in.bytes + at;
        struct tls_record record;

        switch (tls_record_decode(p, c->in.len - at, max, &record)) {
        case TLS_RECORD_WHOLE:
            status = take_record(c, &record, p + TLS_RECORD_HEADER_LEN);
            raw_fingerprint_close(&c->fingerprint);
            at += TLS_RECORD_HEADER_LEN + (size_t)record.len;
            continue;
        case TLS_RECORD_PART:
            break;
        case TLS_RECORD_NOT_TLS:
            raw_buffer_take(&c->in, at);
            return not_tls(c);
        case TLS_RECORD_TOO_LONG:
            return raw_fail(c, "the server announced a record of %u bytes", record.len);
        }
        break;
    }
    raw_buffer_take(&c->in, at);
    return status;
}
