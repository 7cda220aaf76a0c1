/* A raw client's handshake in TLS 1.2 (RFC 5246, RFC 5077, RFC 7627). */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rsa.h>

#include "memory.h"
#include "raw_client_state.h"
#include "raw_signature.h"

#include "handshake.h"
#include "new_session_ticket.h"
#include "tls_extension.h"
#include "tls_record.h"
#include "writer.h"

#define KEY_BLOCK_MAX (2 * (48 + 32 + 12))
#define RSA_MAX 2048 /* bytes of an encrypted premaster secret */
#define FOREIGN_LEN 40

enum rp_status raw_begin12(struct raw_client *c, const struct server_hello *hello)
{
    struct raw_result *const r = &c->result;
    struct tls_extension ext;

    r->extended_master_secret = tls_extension_find(hello->extensions, hello->extensions_len,
                                                   TLS_EXT_EXTENDED_MASTER_SECRET, &ext);
    r->renegotiation_info = tls_extension_find(hello->extensions, hello->extensions_len,
                                               TLS_EXT_RENEGOTIATION_INFO, &ext);
    r->ticket_promised =
        tls_extension_find(hello->extensions, hello->extensions_len, TLS_EXT_SESSION_TICKET, &ext);
    r->sni_ack =
        tls_extension_find(hello->extensions, hello->extensions_len, TLS_EXT_SERVER_NAME, &ext);
    if (tls_extension_find(hello->extensions, hello->extensions_len, TLS_EXT_ALPN, &ext) &&
        !raw_note_alpn(c, ext.body, ext.len)) {
        return raw_fail(c, "the server sent a malformed ALPN extension");
    }
    if (c->config.hello.early_data) {
        r->early = RAW_EARLY_REJECTED;
    }
    raw_cipher_fini(&c->write);
    c->step = RAW_STEP12_CERTIFICATE;
    return RP_OK;
}

/* Splits the key block into the keys of one side. */
static struct raw_cipher_keys keys_of(const struct raw_suite *s, const uint8_t *block, size_t side)
{
    const uint8_t *const keys = block + 2 * s->mac_len;
    const uint8_t *const ivs = keys + 2 * s->key_len;

    return (struct raw_cipher_keys){
        .mac_key = block + side * s->mac_len,
        .key = keys + side * s->key_len,
        .iv = ivs + side * s->iv_len,
    };
}

/* side 0: the client's, which we write with; 1: the server's. */
static enum rp_status set_keys(struct raw_client *c, size_t side)
{
    const struct raw_suite *const s = c->suite;
    uint8_t seed[2 * RAW_RANDOM_LEN];
    uint8_t block[KEY_BLOCK_MAX];
    struct raw_cipher_keys keys;
    enum rp_status status;

    memcpy(seed, c->server_random, RAW_RANDOM_LEN);
    memcpy(seed + RAW_RANDOM_LEN, c->client_random, RAW_RANDOM_LEN);
    status = raw_prf(s->hash(), (struct raw_bytes){c->master, sizeof c->master}, "key expansion",
                     (struct raw_bytes){seed, sizeof seed}, block,
                     2 * (s->mac_len + s->key_len + s->iv_len));
    keys = keys_of(s, block, side);
    if (status == RP_OK) {
        status = raw_cipher_init(side == 0 ? &c->write : &c->read, s, &keys);
    }
    memory_wipe(block, sizeof block);
    return status;
}

static enum rp_status verify_data(const struct raw_client *c, const char *label,
                                  uint8_t out[static RAW_VERIFY_LEN])
{
    uint8_t hash[RAW_HASH_MAX];
    const enum rp_status status = raw_transcript_hash(c, hash);

    if (status != RP_OK) {
        return status;
    }
    return raw_prf(c->suite->hash(), (struct raw_bytes){c->master, sizeof c->master}, label,
                   (struct raw_bytes){hash, raw_hash_len(c->suite->hash())}, out, RAW_VERIFY_LEN);
}

/* The master secret, from the premaster secret and, extended, from all messages so far. */
static enum rp_status make_master(struct raw_client *c)
{
    const struct raw_bytes premaster = {c->premaster, c->premaster_len};
    uint8_t seed[2 * RAW_RANDOM_LEN];
    uint8_t hash[RAW_HASH_MAX];
    enum rp_status status;

    if (!c->result.extended_master_secret) {
        memcpy(seed, c->client_random, RAW_RANDOM_LEN);
        memcpy(seed + RAW_RANDOM_LEN, c->server_random, RAW_RANDOM_LEN);
        return raw_prf(c->suite->hash(), premaster, "master secret",
                       (struct raw_bytes){seed, sizeof seed}, c->master, sizeof c->master);
    }
    status = raw_transcript_hash(c, hash);
    if (status != RP_OK) {
        return status;
    }
    return raw_prf(c->suite->hash(), premaster, "extended master secret",
                   (struct raw_bytes){hash, raw_hash_len(c->suite->hash())}, c->master,
                   sizeof c->master);
}

/* A ChangeCipherSpec, and then something sealed under keys that nobody has. */
static enum rp_status queue_foreign(struct raw_client *c)
{
    static const uint8_t change[] = {1};
    uint8_t record[TLS_RECORD_HEADER_LEN + FOREIGN_LEN];
    const struct tls_record header = {TLS_RECORD_HANDSHAKE, RAW_TLS12, FOREIGN_LEN};
    enum rp_status status = raw_queue(c, TLS_RECORD_CHANGE_CIPHER_SPEC, change, sizeof change);

    tls_record_encode(&header, record);
    if (status == RP_OK) {
        status = raw_random_bytes(&c->random, record + TLS_RECORD_HEADER_LEN, FOREIGN_LEN);
    }
    if (status == RP_OK && !raw_buffer_add(&c->out, record, sizeof record)) {
        status = RP_NO_MEMORY;
    }
    c->step = RAW_STEP12_BLIND;
    c->result.phase = RAW_PHASE_FINISH;
    return status;
}

static enum rp_status queue_finished(struct raw_client *c)
{
    static const uint8_t change[] = {1};
    const enum raw_finished how = c->config.finished;
    uint8_t sent[RAW_VERIFY_LEN];
    enum rp_status status;

    if (how == RAW_FINISHED_NONE) {
        return RP_OK;
    }
    if (how == RAW_FINISHED_FOREIGN) {
        return queue_foreign(c);
    }
    status = verify_data(c, "client finished", c->client_verify);
    if (status == RP_OK) {
        status = raw_queue(c, TLS_RECORD_CHANGE_CIPHER_SPEC, change, sizeof change);
    }
    if (status == RP_OK) {
        status = set_keys(c, 0);
    }
    memcpy(sent, c->client_verify, sizeof sent);
    sent[0] ^= how == RAW_FINISHED_FLIPPED ? 1 : 0;
    return status == RP_OK ? raw_queue_message(c, HANDSHAKE_FINISHED, sent, sizeof sent) : status;
}

/* The server takes the short way. */
static enum rp_status begin_resumption(struct raw_client *c)
{
    const struct raw_session *const s = c->config.hello.session;

    c->result.resumed = true;
    if (s != NULL) {
        memcpy(c->master, s->secret,
               s->secret_len < RAW_MASTER_LEN ? s->secret_len : RAW_MASTER_LEN);
    }
    c->step = RAW_STEP12_FINISH;
    return RP_OK;
}

enum rp_status raw_take_change12(struct raw_client *c)
{
    enum rp_status status = RP_OK;

    if (c->step == RAW_STEP12_BLIND) {
        return RP_OK;
    }
    if (c->step == RAW_STEP12_CERTIFICATE) {
        status = begin_resumption(c);
    }
    if (c->step != RAW_STEP12_FINISH || c->read.suite != NULL) {
        return raw_fail(c, "the server sent ChangeCipherSpec where it has no place, phase %s",
                        raw_phase_word(c->result.phase));
    }
    if (status == RP_OK && c->result.resumed && c->config.finished == RAW_FINISHED_FOREIGN) {
        return queue_foreign(c);
    }
    return status == RP_OK ? set_keys(c, 1) : status;
}

static enum rp_status take_key_exchange(struct raw_client *c, const uint8_t *body, size_t n)
{
    struct handshake_key_exchange exchange;
    struct raw_buffer data = {0};
    bool right;
    enum rp_status status;

    if (c->suite->exchange != RAW_EXCHANGE_ECDHE || c->server_key == NULL ||
        c->peer_share.key != NULL) {
        return raw_unexpected(c, HANDSHAKE_SERVER_KEY_EXCHANGE);
    }
    if (!handshake_key_exchange_decode(body, n, &exchange)) {
        return raw_fail(c, "the server sent a malformed ServerKeyExchange");
    }
    if (!raw_buffer_add(&data, c->client_random, RAW_RANDOM_LEN) ||
        !raw_buffer_add(&data, c->server_random, RAW_RANDOM_LEN) ||
        !raw_buffer_add(&data, body, exchange.signed_len)) {
        raw_buffer_fini(&data);
        return RP_NO_MEMORY;
    }
    right = raw_signature_verify(
        c->server_key, exchange.signature.scheme, (struct raw_bytes){data.bytes, data.len},
        (struct raw_bytes){exchange.signature.bytes, exchange.signature.len});
    raw_buffer_fini(&data);
    if (!right) {
        return raw_fail(c, "the server's signature (0x%04x) in ServerKeyExchange is wrong",
                        exchange.signature.scheme);
    }
    c->result.signature = exchange.signature.scheme;
    c->result.group = exchange.group;
    status = raw_share_init(&c->peer_share, exchange.group, &c->random);
    if (status == RP_OK) {
        status = raw_share_derive(&c->peer_share, exchange.share, exchange.share_len, c->premaster,
                                  &c->premaster_len);
    }
    if (status == RP_INVALID || status == RP_FORMAT) {
        return raw_fail(c, "the server's share of group %u is none that we can use",
                        exchange.group);
    }
    return status;
}

static enum rp_status queue_rsa_exchange(struct raw_client *c)
{
    uint8_t body[2 + RSA_MAX];
    size_t len = RSA_MAX;
    struct writer w = writer_of(body, 2);
    EVP_PKEY_CTX *const ctx = EVP_PKEY_CTX_new(c->server_key, NULL);
    enum rp_status status = raw_random_bytes(&c->random, c->premaster, RAW_MASTER_LEN);

    c->premaster_len = RAW_MASTER_LEN;
    c->premaster[0] = (uint8_t)(c->config.hello.legacy_version >> 8);
    c->premaster[1] = (uint8_t)c->config.hello.legacy_version;
    if (status == RP_OK &&
        (ctx == NULL || EVP_PKEY_encrypt_init(ctx) != 1 ||
         EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1 ||
         EVP_PKEY_encrypt(ctx, body + 2, &len, c->premaster, c->premaster_len) != 1)) {
        status = raw_fail(c, "the server's key cannot be encrypted to, as the cipher suite asks");
    }
    EVP_PKEY_CTX_free(ctx);
    writer_u16(&w, (uint16_t)len);
    return status == RP_OK ? raw_queue_message(c, HANDSHAKE_CLIENT_KEY_EXCHANGE, body, 2 + len)
                           : status;
}

static enum rp_status queue_exchange(struct raw_client *c)
{
    uint8_t body[1 + RAW_SHARE_PUBLIC_MAX];
    struct writer w = writer_of(body, sizeof body);

    if (c->suite->exchange == RAW_EXCHANGE_RSA) {
        return queue_rsa_exchange(c);
    }
    writer_u8(&w, (uint8_t)c->peer_share.public_len);
    writer_bytes(&w, c->peer_share.public_key, c->peer_share.public_len);
    return raw_queue_message(c, HANDSHAKE_CLIENT_KEY_EXCHANGE, body, writer_len(&w));
}

/* Our flight of a full handshake. */
static enum rp_status take_done(struct raw_client *c, size_t n)
{
    enum rp_status status = RP_OK;

    if (n != 0 || (c->suite->exchange == RAW_EXCHANGE_ECDHE && c->premaster_len == 0)) {
        return raw_unexpected(c, HANDSHAKE_SERVER_HELLO_DONE);
    }
    if (c->result.certificate_asked) {
        status = raw_queue_certificate(c, false);
    }
    if (status == RP_OK) {
        status = queue_exchange(c);
    }
    if (status == RP_OK) {
        status = make_master(c);
    }
    memory_wipe(c->premaster, sizeof c->premaster);
    if (status == RP_OK && c->result.certificate_asked) {
        status =
            raw_queue_verify(c, false, (struct raw_bytes){c->transcript.bytes, c->transcript.len});
    }
    if (status == RP_OK) {
        c->step = RAW_STEP12_FINISH;
        c->result.phase = RAW_PHASE_FINISH;
        status = queue_finished(c);
    }
    return status;
}

static enum rp_status take_finished(struct raw_client *c, const uint8_t *p, size_t n)
{
    uint8_t expected[RAW_VERIFY_LEN];
    enum rp_status status;

    if (c->read.suite == NULL) {
        return raw_unexpected(c, HANDSHAKE_FINISHED);
    }
    status = verify_data(c, "server finished", expected);
    if (status == RP_OK &&
        (n != HANDSHAKE_HEADER_LEN + RAW_VERIFY_LEN ||
         CRYPTO_memcmp(p + HANDSHAKE_HEADER_LEN, expected, RAW_VERIFY_LEN) != 0)) {
        return raw_fail(c, "the server's Finished is wrong");
    }
    if (status == RP_OK) {
        status = raw_add_transcript(c, p, n);
    }
    c->step = RAW_STEP12_OPEN;
    if (status == RP_OK && c->result.resumed) {
        status = queue_finished(c);
    }
    if (status == RP_OK && (!c->result.resumed || c->config.finished == RAW_FINISHED_RIGHT)) {
        raw_established(c);
    } else {
        c->result.phase = RAW_PHASE_FINISH;
    }
    return status;
}

static enum rp_status take_in_keys(struct raw_client *c, uint8_t type, const uint8_t *body,
                                   size_t n)
{
    switch (type) {
    case HANDSHAKE_CERTIFICATE_STATUS:
        return RP_OK;
    case HANDSHAKE_SERVER_KEY_EXCHANGE:
        return take_key_exchange(c, body, n);
    case HANDSHAKE_CERTIFICATE_REQUEST:
        return raw_take_request(c, body, n, false);
    case HANDSHAKE_SERVER_HELLO_DONE:
        return take_done(c, n);
    default:
        return raw_unexpected(c, type);
    }
}

static enum rp_status take_first(struct raw_client *c, uint8_t type, const uint8_t *body, size_t n)
{
    if (type == HANDSHAKE_CERTIFICATE) {
        c->step = RAW_STEP12_KEYS;
        return raw_take_certificates(c, body, n, false);
    }
    if (type == HANDSHAKE_NEW_SESSION_TICKET) {
        const enum rp_status status = begin_resumption(c);

        return status == RP_OK ? raw_take_ticket(c, body, n) : status;
    }
    return raw_unexpected(c, type);
}

enum rp_status raw_take_message12(struct raw_client *c, uint8_t type, const uint8_t *p, size_t n)
{
    const uint8_t *const body = p + HANDSHAKE_HEADER_LEN;
    const size_t body_len = n - HANDSHAKE_HEADER_LEN;
    enum rp_status status;

    if (type == HANDSHAKE_HELLO_REQUEST) {
        return RP_OK;
    }
    if (c->step == RAW_STEP12_OPEN) {
        if (c->result.renegotiation == RAW_RENEGOTIATION_ASKED && type == HANDSHAKE_SERVER_HELLO) {
            c->result.renegotiation = RAW_RENEGOTIATION_BEGUN;
        }
        return c->result.renegotiation == RAW_RENEGOTIATION_BEGUN ? RP_OK : raw_unexpected(c, type);
    }
    if (c->step == RAW_STEP12_FINISH && type == HANDSHAKE_FINISHED) {
        return take_finished(c, p, n);
    }
    status = raw_add_transcript(c, p, n);
    if (status != RP_OK) {
        return status;
    }
    if (c->step == RAW_STEP12_CERTIFICATE) {
        return take_first(c, type, body, body_len);
    }
    if (c->step == RAW_STEP12_KEYS) {
        return take_in_keys(c, type, body, body_len);
    }
    return type == HANDSHAKE_NEW_SESSION_TICKET && c->read.suite == NULL
               ? raw_take_ticket(c, body, body_len)
               : raw_unexpected(c, type);
}

/* The ticket that the server gave last or, after a resumption without one, the one it took. */
static enum rp_status session_of_ticket(const struct raw_client *c, struct raw_session **out)
{
    const struct raw_session *const before = c->result.resumed ? c->config.hello.session : NULL;
    const size_t n = c->result.n_tickets;
    struct new_session_ticket ticket = {0};
    enum rp_status status;

    if (n != 0 && c->ticket_spans[n - 1].len != 0) {
        (void)new_session_ticket_decode_12(c->tickets.bytes + c->ticket_spans[n - 1].at,
                                           c->ticket_spans[n - 1].len, &ticket);
    }
    if (ticket.ticket_len != 0 || before == NULL) {
        status = raw_session_new(ticket.ticket, ticket.ticket_len, out);
        if (status == RP_OK) {
            (*out)->lifetime_s = ticket.lifetime_s;
            (*out)->received_us = n != 0 ? c->ticket_us[n - 1] : c->now_us;
        }
        return status;
    }
    return raw_session_copy(before, out);
}

enum rp_status raw_session12(const struct raw_client *c, struct raw_session **out)
{
    const struct raw_result *const r = &c->result;
    const struct raw_session *const before = r->resumed ? c->config.hello.session : NULL;
    struct raw_session *s;
    const enum rp_status status = session_of_ticket(c, &s);

    *out = NULL;
    if (status != RP_OK) {
        return status;
    }
    s->version = RAW_TLS12;
    s->suite = r->suite;
    s->extended_master_secret = r->extended_master_secret;
    memcpy(s->secret, c->master, sizeof c->master);
    s->secret_len = sizeof c->master;
    /* What the server echoes in a resumption by ticket is our own invention. */
    s->id_len = before != NULL ? before->id_len : r->session_id_len;
    memcpy(s->id, before != NULL ? before->id : r->session_id, s->id_len);
    if (s->ticket_len == 0 && s->id_len == 0) {
        raw_session_free(&s);
        return RP_NOT_FOUND;
    }
    *out = s;
    return RP_OK;
}
