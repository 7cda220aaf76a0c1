/* A raw client's handshake in TLS 1.3 (RFC 8446). */
#include <string.h>

#include <openssl/crypto.h>

#include "memory.h"
#include "raw_binder.h"
#include "raw_client_state.h"
#include "raw_signature.h"

#include "handshake.h"
#include "new_session_ticket.h"
#include "ticket_request.h"
#include "tls_extension.h"
#include "tls_record.h"

#define SPACES_LEN 64
#define KEY_UPDATE_REQUESTED 1

static const EVP_MD *md_of(const struct raw_client *c)
{
    return c->suite->hash();
}

/* Derive-Secret over the transcript as it is. */
static enum rp_status derive(const struct raw_client *c, const uint8_t *secret, const char *label,
                             uint8_t out[static RAW_HASH_MAX])
{
    const size_t n = raw_hash_len(md_of(c));
    uint8_t hash[RAW_HASH_MAX];
    const enum rp_status status = raw_transcript_hash(c, hash);

    return status == RP_OK
               ? raw_expand_label(md_of(c), secret, label, (struct raw_bytes){hash, n}, out, n)
               : status;
}

/* From one secret of the schedule to the next. */
static enum rp_status advance(struct raw_client *c, struct raw_bytes input)
{
    const EVP_MD *const md = md_of(c);
    const size_t n = raw_hash_len(md);
    uint8_t empty[RAW_HASH_MAX];
    uint8_t salt[RAW_HASH_MAX];
    enum rp_status status = raw_hash(md, NULL, 0, empty);

    if (status == RP_OK) {
        status = raw_expand_label(md, c->schedule.secret, "derived", (struct raw_bytes){empty, n},
                                  salt, n);
    }
    if (status == RP_OK) {
        status = raw_extract(md, (struct raw_bytes){salt, n}, input, c->schedule.secret);
    }
    memory_wipe(salt, sizeof salt);
    return status;
}

static enum rp_status set_traffic(struct raw_cipher *cipher, const struct raw_suite *suite,
                                  const uint8_t *secret)
{
    uint8_t key[32];
    uint8_t iv[12];
    const struct raw_cipher_keys keys = {.key = key, .iv = iv};
    enum rp_status status =
        raw_expand_label(suite->hash(), secret, "key", (struct raw_bytes){0}, key, suite->key_len);

    if (status == RP_OK) {
        status =
            raw_expand_label(suite->hash(), secret, "iv", (struct raw_bytes){0}, iv, suite->iv_len);
    }
    if (status == RP_OK) {
        status = raw_cipher_init(cipher, suite, &keys);
    }
    memory_wipe(key, sizeof key);
    memory_wipe(iv, sizeof iv);
    return status;
}

/* The key of early data follows from the first PSK and the ClientHello. */
static enum rp_status early_secret(struct raw_client *c, const struct raw_suite *suite,
                                   const struct raw_session *s, uint8_t out[static RAW_HASH_MAX])
{
    const EVP_MD *const md = suite->hash();
    const struct raw_bytes hello = {c->transcript.bytes, c->transcript.len};
    const size_t n = raw_hash_len(md);
    uint8_t early[RAW_HASH_MAX];
    uint8_t hash[RAW_HASH_MAX];
    enum rp_status status;

    if (s == NULL) {
        return raw_random_bytes(&c->random, out, RAW_HASH_MAX);
    }
    status = raw_early_secret(md, s, early);
    if (status == RP_OK) {
        status = raw_hash(md, &hello, 1, hash);
    }
    if (status == RP_OK) {
        status = raw_expand_label(md, early, "c e traffic", (struct raw_bytes){hash, n}, out, n);
    }
    memory_wipe(early, sizeof early);
    return status;
}

enum rp_status raw_queue_early(struct raw_client *c)
{
    const struct raw_config *const config = &c->config;
    const struct raw_psk *const psk = raw_psk_at(&config->hello, 0);
    const struct raw_suite *suite;
    uint8_t secret[RAW_HASH_MAX] = {0};
    enum rp_status status;

    if (!config->hello.early_data) {
        return RP_OK;
    }
    suite = psk != NULL && psk->session != NULL ? raw_suite_find(psk->session->suite) : NULL;
    if (suite == NULL || !suite->tls13) {
        suite = raw_suite_find(0x1301);
    }
    status = early_secret(c, suite, psk != NULL ? psk->session : NULL, secret);
    if (config->early_key == RAW_EARLY_KEY_WRONG) {
        secret[0] ^= 1;
    }
    if (status == RP_OK) {
        status = raw_queue_compat(c);
    }
    if (status == RP_OK) {
        status = set_traffic(&c->write, suite, secret);
    }
    if (status == RP_OK && config->early != NULL && config->early_len != 0) {
        status = raw_queue(c, TLS_RECORD_APPLICATION_DATA, config->early, config->early_len);
    }
    memory_wipe(secret, sizeof secret);
    return status;
}

/* Says whether the server resumes, and begins the schedule with what it resumes with. */
static enum rp_status begin_schedule(struct raw_client *c, const struct server_hello *hello)
{
    const struct raw_psk *psk;

    if (!hello->has_psk) {
        return raw_extract(md_of(c), (struct raw_bytes){0}, (struct raw_bytes){0},
                           c->schedule.secret);
    }
    psk = raw_psk_at(&c->config.hello, hello->psk_index);
    if (psk == NULL) {
        return raw_fail(c, "the server chose PSK %u, which we did not offer", hello->psk_index);
    }
    c->result.resumed = true;
    c->result.psk_index = hello->psk_index;
    c->result.psk_without_dh = hello->share == NULL;
    if (psk->session == NULL) {
        return raw_fail(c, "the server accepted PSK %u, an identity without a secret",
                        hello->psk_index);
    }
    return raw_early_secret(md_of(c), psk->session, c->schedule.secret);
}

static enum rp_status exchange(struct raw_client *c, const struct server_hello *hello)
{
    const struct raw_share *const ours = raw_share_of(c, hello->group);
    uint8_t secret[RAW_SHARE_SECRET_MAX];
    size_t len = 0;
    enum rp_status status;

    if (hello->share == NULL) {
        if (!hello->has_psk) {
            return raw_fail(c, "ServerHello has neither a key share nor a PSK");
        }
        return advance(c, (struct raw_bytes){0});
    }
    if (ours == NULL) {
        return raw_fail(c, "the server chose group %u, for which we sent no share", hello->group);
    }
    c->result.group = hello->group;
    status = raw_share_derive(ours, hello->share, hello->share_len, secret, &len);
    if (status == RP_FORMAT) {
        return raw_fail(c, "the server's share of group %u is none", hello->group);
    }
    if (status == RP_OK) {
        status = advance(c, (struct raw_bytes){secret, len});
    }
    memory_wipe(secret, sizeof secret);
    return status;
}

enum rp_status raw_begin13(struct raw_client *c, const struct server_hello *hello)
{
    struct raw_schedule *const s = &c->schedule;
    enum rp_status status = begin_schedule(c, hello);

    if (status == RP_OK) {
        status = exchange(c, hello);
    }
    if (status == RP_OK) {
        status = derive(c, s->secret, "c hs traffic", s->client);
    }
    if (status == RP_OK) {
        status = derive(c, s->secret, "s hs traffic", s->server);
    }
    if (status == RP_OK) {
        status = set_traffic(&c->read, c->suite, s->server);
    }
    c->step = RAW_STEP13_EXTENSIONS;
    return status;
}

bool raw_note_alpn(struct raw_client *c, const uint8_t *body, size_t n)
{
    struct reader r = reader_of(body, n);
    struct reader list = reader_vec16(&r);
    struct reader name = reader_vec8(&list);
    const size_t len = reader_left(&name);

    if (!reader_done(&r) || !reader_done(&list) || len == 0 || len >= RAW_ALPN_SIZE) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        const uint8_t byte = reader_u8(&name);

        c->result.alpn[i] = (char)(byte > ' ' && byte < 0x7f ? byte : '?');
    }
    c->result.alpn[len] = '\0';
    return true;
}

static bool note_extension(struct raw_client *c, const struct tls_extension *ext)
{
    struct raw_result *const r = &c->result;
    uint8_t hint;

    switch (ext->type) {
    case TLS_EXT_SERVER_NAME:
        r->sni_ack = true;
        return ext->len == 0;
    case TLS_EXT_ALPN:
        return raw_note_alpn(c, ext->body, ext->len);
    case TLS_EXT_EARLY_DATA:
        r->early = RAW_EARLY_ACCEPTED;
        return ext->len == 0 && c->config.hello.early_data;
    case TICKET_REQUEST_TYPE:
        if (!ticket_request_hint_decode(ext->body, ext->len, &hint)) {
            return false;
        }
        r->ticket_hint = hint;
        return true;
    default:
        return true;
    }
}

static enum rp_status take_extensions(struct raw_client *c, const uint8_t *body, size_t n)
{
    struct raw_result *const r = &c->result;
    const uint8_t *block;
    size_t len;
    struct reader list;
    struct tls_extension ext;

    if (!handshake_extensions_decode(body, n, RAW_SEEN_EXTS_MAX, &block, &len)) {
        return raw_fail(c, "the server sent malformed EncryptedExtensions");
    }
    if (c->config.hello.early_data) {
        r->early = RAW_EARLY_REJECTED;
    }
    list = reader_of(block, len);
    while (tls_extension_next(&list, &ext)) {
        r->encrypted_exts[r->n_encrypted_exts++] = ext.type;
        if (!note_extension(c, &ext)) {
            return raw_fail(c, "extension %u in EncryptedExtensions is malformed or out of place",
                            ext.type);
        }
    }
    if (!raw_buffer_add(&c->encrypted_exts, block, len)) {
        return RP_NO_MEMORY;
    }
    c->step = r->resumed ? RAW_STEP13_FINISHED : RAW_STEP13_CERTIFICATE;
    return r->early == RAW_EARLY_ACCEPTED ? RP_OK
                                          : set_traffic(&c->write, c->suite, c->schedule.client);
}

/* What a CertificateVerify signs: RFC 8446 section 4.4.3. */
static enum rp_status signed_text(const struct raw_client *c, const char *context,
                                  struct raw_buffer *out)
{
    uint8_t spaces[SPACES_LEN];
    uint8_t hash[RAW_HASH_MAX];
    const enum rp_status status = raw_transcript_hash(c, hash);

    memset(spaces, ' ', sizeof spaces);
    if (status != RP_OK) {
        return status;
    }
    return raw_buffer_add(out, spaces, sizeof spaces) &&
                   raw_buffer_add(out, context, strlen(context) + 1) &&
                   raw_buffer_add(out, hash, raw_hash_len(md_of(c)))
               ? RP_OK
               : RP_NO_MEMORY;
}

static enum rp_status take_signature(struct raw_client *c, const uint8_t *p, size_t n)
{
    struct handshake_signature signature;
    struct raw_buffer text = {0};
    enum rp_status status;

    if (!handshake_certificate_verify_decode(p + HANDSHAKE_HEADER_LEN, n - HANDSHAKE_HEADER_LEN,
                                             &signature)) {
        return raw_fail(c, "the server sent a malformed CertificateVerify");
    }
    status = signed_text(c, "TLS 1.3, server CertificateVerify", &text);
    if (status == RP_OK &&
        !raw_signature_verify(c->server_key, signature.scheme,
                              (struct raw_bytes){text.bytes, text.len},
                              (struct raw_bytes){signature.bytes, signature.len})) {
        status = raw_fail(c, "the server's signature (0x%04x) in CertificateVerify is wrong",
                          signature.scheme);
    }
    raw_buffer_fini(&text);
    if (status == RP_OK) {
        c->result.signature = signature.scheme;
        c->step = RAW_STEP13_FINISHED;
        status = raw_add_transcript(c, p, n);
    }
    return status;
}

static enum rp_status finished_of(const struct raw_client *c, const uint8_t *secret,
                                  uint8_t out[static RAW_HASH_MAX])
{
    const EVP_MD *const md = md_of(c);
    const size_t n = raw_hash_len(md);
    uint8_t key[RAW_HASH_MAX];
    uint8_t hash[RAW_HASH_MAX];
    enum rp_status status = raw_expand_label(md, secret, "finished", (struct raw_bytes){0}, key, n);

    if (status == RP_OK) {
        status = raw_transcript_hash(c, hash);
    }
    if (status == RP_OK) {
        status = raw_hmac(md, (struct raw_bytes){key, n}, (struct raw_bytes){hash, n}, out);
    }
    memory_wipe(key, sizeof key);
    return status;
}

static enum rp_status queue_our_certificate(struct raw_client *c)
{
    struct raw_buffer text = {0};
    enum rp_status status = raw_queue_certificate(c, true);

    if (status == RP_OK) {
        status = signed_text(c, "TLS 1.3, client CertificateVerify", &text);
    }
    if (status == RP_OK) {
        status = raw_queue_verify(c, true, (struct raw_bytes){text.bytes, text.len});
    }
    raw_buffer_fini(&text);
    return status;
}

static enum rp_status queue_finished(struct raw_client *c)
{
    uint8_t ours[RAW_HASH_MAX] = {0};
    enum rp_status status;

    if (c->config.finished == RAW_FINISHED_NONE) {
        return RP_OK;
    }
    status = finished_of(c, c->schedule.client, ours);
    if (c->config.finished != RAW_FINISHED_RIGHT) {
        ours[0] ^= 1;
    }
    return status == RP_OK ? raw_queue_message(c, HANDSHAKE_FINISHED, ours, raw_hash_len(md_of(c)))
                           : status;
}

/* All that we send after the server's Finished. */
static enum rp_status queue_flight(struct raw_client *c)
{
    enum rp_status status = raw_queue_compat(c);

    if (status == RP_OK && c->result.early == RAW_EARLY_ACCEPTED) {
        status = raw_queue_message(c, HANDSHAKE_END_OF_EARLY_DATA, NULL, 0);
        if (status == RP_OK) {
            status = set_traffic(&c->write, c->suite, c->schedule.client);
        }
    }
    if (status == RP_OK && c->result.certificate_asked) {
        status = queue_our_certificate(c);
    }
    return status == RP_OK ? queue_finished(c) : status;
}

/* The traffic secrets of the application: they take in the server's Finished, not ours. */
static enum rp_status application_secrets(struct raw_client *c)
{
    struct raw_schedule *const s = &c->schedule;
    enum rp_status status = advance(c, (struct raw_bytes){0});

    if (status == RP_OK) {
        status = derive(c, s->secret, "c ap traffic", s->next_client);
    }
    if (status == RP_OK) {
        status = derive(c, s->secret, "s ap traffic", s->server);
    }
    return status == RP_OK ? set_traffic(&c->read, c->suite, s->server) : status;
}

static enum rp_status take_finished(struct raw_client *c, const uint8_t *p, size_t n)
{
    struct raw_schedule *const s = &c->schedule;
    const size_t hash_len = raw_hash_len(md_of(c));
    uint8_t expected[RAW_HASH_MAX];
    enum rp_status status = finished_of(c, s->server, expected);

    if (status == RP_OK && (n != HANDSHAKE_HEADER_LEN + hash_len ||
                            CRYPTO_memcmp(p + HANDSHAKE_HEADER_LEN, expected, hash_len) != 0)) {
        return raw_fail(c, "the server's Finished is wrong");
    }
    if (status == RP_OK) {
        status = raw_add_transcript(c, p, n);
    }
    if (status == RP_OK) {
        status = application_secrets(c);
    }
    if (status == RP_OK) {
        status = queue_flight(c);
    }
    if (status == RP_OK) {
        status = derive(c, s->secret, "res master", s->resumption);
    }
    memcpy(s->client, s->next_client, sizeof s->client);
    c->step = RAW_STEP13_OPEN;
    c->result.phase = RAW_PHASE_FINISH;
    if (status == RP_OK && c->config.finished != RAW_FINISHED_NONE) {
        status = set_traffic(&c->write, c->suite, s->client);
    }
    if (status == RP_OK && c->config.finished == RAW_FINISHED_RIGHT) {
        raw_established(c);
    }
    return status;
}

static enum rp_status next_traffic(const struct raw_client *c, struct raw_cipher *cipher,
                                   uint8_t secret[static RAW_HASH_MAX])
{
    const size_t n = raw_hash_len(md_of(c));
    uint8_t next[RAW_HASH_MAX];
    enum rp_status status =
        raw_expand_label(md_of(c), secret, "traffic upd", (struct raw_bytes){0}, next, n);

    if (status == RP_OK) {
        memcpy(secret, next, n);
        status = set_traffic(cipher, c->suite, secret);
    }
    memory_wipe(next, sizeof next);
    return status;
}

static enum rp_status take_key_update(struct raw_client *c, const uint8_t *body, size_t n)
{
    static const uint8_t answer[] = {HANDSHAKE_KEY_UPDATE, 0, 0, 1, 0};
    enum rp_status status;

    if (n != 1 || body[0] > KEY_UPDATE_REQUESTED) {
        return raw_fail(c, "the server sent a malformed KeyUpdate");
    }
    status = next_traffic(c, &c->read, c->schedule.server);
    if (status == RP_OK && body[0] == KEY_UPDATE_REQUESTED) {
        status = raw_queue(c, TLS_RECORD_HANDSHAKE, answer, sizeof answer);
        if (status == RP_OK) {
            status = next_traffic(c, &c->write, c->schedule.client);
        }
    }
    return status;
}

static enum rp_status take_open(struct raw_client *c, uint8_t type, const uint8_t *body, size_t n)
{
    switch (type) {
    case HANDSHAKE_NEW_SESSION_TICKET:
        return raw_take_ticket(c, body, n);
    case HANDSHAKE_KEY_UPDATE:
        return take_key_update(c, body, n);
    default:
        return raw_unexpected(c, type);
    }
}

static enum rp_status take_certificate(struct raw_client *c, uint8_t type, const uint8_t *body,
                                       size_t n)
{
    if (type == HANDSHAKE_CERTIFICATE_REQUEST && !c->result.certificate_asked) {
        return raw_take_request(c, body, n, true);
    }
    if (type == HANDSHAKE_CERTIFICATE) {
        c->step = RAW_STEP13_SIGNATURE;
        return raw_take_certificates(c, body, n, true);
    }
    return raw_unexpected(c, type);
}

enum rp_status raw_take_message13(struct raw_client *c, uint8_t type, const uint8_t *p, size_t n)
{
    const uint8_t *const body = p + HANDSHAKE_HEADER_LEN;
    const size_t body_len = n - HANDSHAKE_HEADER_LEN;
    enum rp_status status;

    if (c->step == RAW_STEP13_OPEN) {
        return take_open(c, type, body, body_len);
    }
    /* These two are about all that came before them. */
    if (c->step == RAW_STEP13_SIGNATURE && type == HANDSHAKE_CERTIFICATE_VERIFY) {
        return take_signature(c, p, n);
    }
    if (c->step == RAW_STEP13_FINISHED && type == HANDSHAKE_FINISHED) {
        return take_finished(c, p, n);
    }
    status = raw_add_transcript(c, p, n);
    if (status != RP_OK) {
        return status;
    }
    if (c->step == RAW_STEP13_EXTENSIONS && type == HANDSHAKE_ENCRYPTED_EXTENSIONS) {
        return take_extensions(c, body, body_len);
    }
    return c->step == RAW_STEP13_CERTIFICATE ? take_certificate(c, type, body, body_len)
                                             : raw_unexpected(c, type);
}

enum rp_status raw_session13(const struct raw_client *c, size_t i, struct raw_session **out)
{
    const EVP_MD *const md = md_of(c);
    const size_t n = raw_hash_len(md);
    struct new_session_ticket ticket;
    struct raw_session *s;
    enum rp_status status;

    *out = NULL;
    if (!new_session_ticket_decode_13(c->tickets.bytes + c->ticket_spans[i].at,
                                      c->ticket_spans[i].len, &ticket)) {
        return RP_FORMAT;
    }
    status = raw_session_new(ticket.ticket, ticket.ticket_len, &s);
    if (status != RP_OK) {
        return status;
    }
    s->version = RAW_TLS13;
    s->suite = c->result.suite;
    s->secret_len = n;
    s->lifetime_s = ticket.lifetime_s;
    s->age_add = ticket.age_add;
    s->max_early_data = ticket.max_early_data;
    s->received_us = c->ticket_us[i];
    status = raw_expand_label(md, c->schedule.resumption, "resumption",
                              (struct raw_bytes){ticket.nonce, ticket.nonce_len}, s->secret, n);
    if (status != RP_OK) {
        raw_session_free(&s);
    }
    *out = s;
    return status;
}
