#include "raw_client.h"

#include <stdarg.h>
#include <string.h>

#include <openssl/err.h>

#include "memory.h"
#include "raw_client_state.h"
#include "raw_hello_encode.h"
#include "text.h"
#include "tls_extension.h"
#include "tls_record.h"

#define INPUT_MAX (1u << 20)

void raw_config_init(struct raw_config *config, const char *name)
{
    *config = (struct raw_config){0};
    raw_hello_init(&config->hello, name);
}

void raw_over(struct raw_client *c, enum raw_end end)
{
    if (c->result.end == RAW_END_OPEN) {
        c->result.end = end;
        raw_fingerprint_end(&c->fingerprint, raw_end_word(end));
    }
}

enum rp_status raw_fail(struct raw_client *c, const char *format, ...)
{
    if (c->result.end == RAW_END_OPEN) {
        struct text why = text_of(c->result.why.text, sizeof c->result.why.text);
        va_list args;

        va_start(args, format);
        text_addv(&why, format, args);
        va_end(args);
        raw_over(c, RAW_END_GARBAGE);
    }
    return RP_FORMAT;
}

/* After a step that may have failed by our own fault. */
static void settle(struct raw_client *c, enum rp_status status)
{
    if (status != RP_OK && c->result.end == RAW_END_OPEN) {
        struct text why = text_of(c->result.why.text, sizeof c->result.why.text);

        text_add(&why, rp_status_text(status));
        raw_over(c, RAW_END_LOCAL);
    }
    ERR_clear_error();
}

static enum rp_status make_random(struct raw_client *c)
{
    const struct raw_hello *const h = &c->config.hello;
    enum rp_status status = raw_random_init(&c->random, c->config.seed);

    if (status == RP_OK) {
        status = raw_random_bytes(&c->random, c->client_random, sizeof c->client_random);
    }
    if (status == RP_OK && h->session_id_len > RAW_SESSION_ID_MAX) {
        status = RP_INVALID;
    }
    if (status == RP_OK) {
        c->session_id_len = h->session_id_len;
        memcpy(c->session_id, h->session_id, h->session_id_len);
        if (h->random_session_id) {
            status = raw_random_bytes(&c->random, c->session_id, c->session_id_len);
        }
    }
    for (size_t i = 0; status == RP_OK && i < h->n_shares; i++) {
        status = i < RAW_SHARES_MAX ? raw_share_init(&c->shares[i], h->shares[i], &c->random)
                                    : RP_INVALID;
        c->n_shares += status == RP_OK;
    }
    return status;
}

enum rp_status raw_client_new(const struct raw_config *config, struct raw_client **out)
{
    struct raw_client *c = memory_new(1, sizeof *c);
    enum rp_status status;

    *out = NULL;
    if (c == NULL) {
        return RP_NO_MEMORY;
    }
    c->config = *config;
    c->result.phase = RAW_PHASE_CONNECT;
    c->result.ticket_hint = -1;
    c->fingerprint = raw_fingerprint_of(c->result.fingerprint, sizeof c->result.fingerprint);
    status = make_random(c);
    if (status == RP_OK) {
        status = raw_queue_hello(c);
    }
    if (status == RP_OK) {
        status = raw_queue_early(c);
    }
    ERR_clear_error();
    if (status != RP_OK) {
        raw_client_free(&c);
        return status;
    }
    *out = c;
    return RP_OK;
}

void raw_client_free(struct raw_client **client)
{
    struct raw_client *const c = *client;

    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < c->n_shares; i++) {
        raw_share_fini(&c->shares[i]);
    }
    raw_share_fini(&c->peer_share);
    raw_cipher_fini(&c->read);
    raw_cipher_fini(&c->write);
    EVP_PKEY_free(c->server_key);
    raw_buffer_fini(&c->in);
    raw_buffer_fini(&c->out);
    raw_buffer_fini(&c->flight);
    raw_buffer_fini(&c->message);
    raw_buffer_fini(&c->transcript);
    raw_buffer_fini(&c->received);
    raw_buffer_fini(&c->first_hello);
    raw_buffer_fini(&c->retry);
    raw_buffer_fini(&c->cookie);
    raw_buffer_fini(&c->binders);
    raw_buffer_fini(&c->certificates);
    raw_buffer_fini(&c->tickets);
    raw_buffer_fini(&c->hello_exts);
    raw_buffer_fini(&c->encrypted_exts);
    memory_wipe(c, sizeof *c);
    memory_free(c);
    *client = NULL;
}

const uint8_t *raw_client_output(const struct raw_client *c, size_t *n)
{
    *n = c->out.len;
    return c->out.bytes;
}

void raw_client_sent(struct raw_client *c, size_t n, int64_t now_us)
{
    c->now_us = now_us;
    if (n != 0 && !c->sent) {
        c->sent = true;
        c->first_sent_us = now_us;
        c->result.phase = RAW_PHASE_HELLO;
    }
    raw_buffer_take(&c->out, n < c->out.len ? n : c->out.len);
}

void raw_client_feed(struct raw_client *c, const uint8_t *p, size_t n, int64_t now_us)
{
    c->now_us = now_us;
    if (n == 0 || c->result.end != RAW_END_OPEN) {
        return;
    }
    if (!c->answered) {
        c->answered = true;
        c->result.first_byte_us = (uint64_t)(now_us - c->first_sent_us);
    }
    /* A part of what is too much is enough to find out. */
    if (n > INPUT_MAX) {
        n = INPUT_MAX;
    }
    settle(c, raw_buffer_add(&c->in, p, n) ? raw_take_records(c) : RP_NO_MEMORY);
}

void raw_client_connected(struct raw_client *c, uint64_t connect_us)
{
    c->result.connect_us = connect_us;
}

void raw_client_end(struct raw_client *c, enum raw_end end, const char *why)
{
    struct raw_result *const r = &c->result;
    struct text t;

    if (r->end != RAW_END_OPEN || end == RAW_END_OPEN) {
        return;
    }
    t = text_of(r->why.text, sizeof r->why.text);
    if (why != NULL) {
        text_add(&t, why);
    } else if (!r->established) {
        text_addf(&t, "%s, phase %s", raw_end_word(end), raw_phase_word(r->phase));
    }
    raw_over(c, end);
}

const struct raw_result *raw_client_result(const struct raw_client *c)
{
    return &c->result;
}

void raw_established(struct raw_client *c)
{
    c->result.established = true;
    c->result.phase = RAW_PHASE_APPLICATION;
    c->result.handshake_us = (uint64_t)(c->now_us - c->first_sent_us);
    if (c->result.version == RAW_TLS12) {
        struct raw_session *s = NULL;

        if (raw_session12(c, &s) == RP_OK) {
            c->result.n_sessions = 1;
        }
        raw_session_free(&s);
    }
}

enum rp_status raw_client_send(struct raw_client *c, const uint8_t *p, size_t n)
{
    if (c->result.phase != RAW_PHASE_APPLICATION || n == 0) {
        return RP_INVALID;
    }
    return raw_queue(c, TLS_RECORD_APPLICATION_DATA, p, n);
}

enum rp_status raw_client_send_alert(struct raw_client *c, uint8_t level, uint8_t description)
{
    const uint8_t alert[] = {level, description};

    return raw_queue(c, TLS_RECORD_ALERT, alert, sizeof alert);
}

enum rp_status raw_client_send_raw(struct raw_client *c, const uint8_t *p, size_t n)
{
    if (!c->answered && !raw_buffer_add(&c->flight, p, n)) {
        return RP_NO_MEMORY;
    }
    return raw_buffer_add(&c->out, p, n) ? RP_OK : RP_NO_MEMORY;
}

const uint8_t *raw_client_received(const struct raw_client *c, size_t *n)
{
    *n = c->received.len;
    return c->received.bytes;
}

const uint8_t *raw_client_first_flight(const struct raw_client *c, size_t *n)
{
    *n = c->flight.len;
    return c->flight.bytes;
}

const uint8_t *raw_client_certificate(const struct raw_client *c, size_t i, size_t *n)
{
    if (i >= c->result.n_certificates) {
        *n = 0;
        return NULL;
    }
    *n = c->spans[i].len;
    return c->certificates.bytes + c->spans[i].at;
}

static const uint8_t *find_ext(const struct raw_buffer *block, uint16_t type, size_t *n)
{
    struct tls_extension ext;

    (void)tls_extension_find(block->bytes, block->len, type, &ext);
    *n = ext.len;
    return ext.body;
}

const uint8_t *raw_client_hello_ext(const struct raw_client *c, uint16_t type, size_t *n)
{
    return find_ext(&c->hello_exts, type, n);
}

const uint8_t *raw_client_encrypted_ext(const struct raw_client *c, uint16_t type, size_t *n)
{
    return find_ext(&c->encrypted_exts, type, n);
}

const uint8_t *raw_client_ticket(const struct raw_client *c, size_t i, size_t *n)
{
    static const uint8_t nothing[1];

    if (i >= c->result.n_tickets) {
        *n = 0;
        return NULL;
    }
    *n = c->ticket_spans[i].len;
    return c->tickets.bytes != NULL ? c->tickets.bytes + c->ticket_spans[i].at : nothing;
}

enum rp_status raw_client_session(const struct raw_client *c, size_t i, struct raw_session **out)
{
    *out = NULL;
    if (i >= c->result.n_sessions) {
        return RP_NOT_FOUND;
    }
    return c->result.version == RAW_TLS13 ? raw_session13(c, i, out) : raw_session12(c, out);
}
