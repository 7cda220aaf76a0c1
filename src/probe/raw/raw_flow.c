/* What TLS 1.2 and 1.3 have in common in a raw client's handshake: hellos, certificates, tickets.
 */
#include <string.h>

#include <openssl/x509.h>

#include "memory.h"
#include "raw_client_state.h"
#include "raw_hello_encode.h"
#include "raw_signature.h"

#include "handshake.h"
#include "new_session_ticket.h"
#include "tls_extension.h"
#include "tls_record.h"
#include "writer.h"

enum rp_status raw_transcript_hash(const struct raw_client *c, uint8_t out[static RAW_HASH_MAX])
{
    const struct raw_bytes all = {c->transcript.bytes, c->transcript.len};

    return raw_hash(c->suite->hash(), &all, 1, out);
}

const struct raw_psk *raw_psk_at(const struct raw_hello *h, size_t i)
{
    if (h->psks != NULL) {
        return i < h->n_psks ? &h->psks[i] : NULL;
    }
    return i == 0 && h->psk.identity != NULL ? &h->psk : NULL;
}

const struct raw_share *raw_share_of(const struct raw_client *c, uint16_t group)
{
    for (size_t i = 0; i < c->n_shares; i++) {
        if (c->shares[i].group == group) {
            return &c->shares[i];
        }
    }
    return NULL;
}

enum rp_status raw_queue_hello(struct raw_client *c)
{
    const bool retried = c->result.hello_retry;
    struct raw_hello_parts parts = {
        .client_random = c->client_random,
        .session_id = c->session_id,
        .session_id_len = c->session_id_len,
        .shares = c->shares,
        .n_shares = c->n_shares,
        .random = &c->random,
        .retried = retried,
        .cookie = {c->cookie.bytes, c->cookie.len},
        .retry = {c->retry.bytes, c->retry.len},
        .binders = &c->binders,
    };
    struct raw_buffer message = {0};
    enum rp_status status;

    if (retried) {
        parts.first_hello = (struct raw_bytes){c->first_hello.bytes, c->first_hello.len};
    }
    status = raw_hello_encode(&c->config.hello, &parts, &message);
    if (status == RP_OK && !retried &&
        !raw_buffer_add(&c->first_hello, message.bytes, message.len)) {
        status = RP_NO_MEMORY;
    }
    if (status == RP_OK) {
        status = raw_queue_handshake(c, message.bytes, message.len);
    }
    raw_buffer_fini(&message);
    return status;
}

enum rp_status raw_client_renegotiate(struct raw_client *c, bool insecure)
{
    struct raw_hello hello = c->config.hello;
    uint8_t client_random[RAW_RANDOM_LEN];
    struct raw_hello_parts parts = {
        .client_random = client_random,
        .random = &c->random,
        .renegotiation = true,
        .binders = &c->binders,
    };
    struct raw_buffer message = {0};
    enum rp_status status;

    if (!c->result.established || c->result.version != RAW_TLS12 || c->result.end != RAW_END_OPEN) {
        return RP_INVALID;
    }
    hello.renegotiation_info = !insecure;
    if (!insecure) {
        parts.verify_data = (struct raw_bytes){c->client_verify, sizeof c->client_verify};
    }
    status = raw_random_bytes(&c->random, client_random, sizeof client_random);
    if (status == RP_OK) {
        status = raw_hello_encode(&hello, &parts, &message);
    }
    if (status == RP_OK) {
        status = raw_queue(c, TLS_RECORD_HANDSHAKE, message.bytes, message.len);
    }
    if (status == RP_OK) {
        c->result.renegotiation = RAW_RENEGOTIATION_ASKED;
    }
    raw_buffer_fini(&message);
    return status;
}

enum rp_status raw_unexpected(struct raw_client *c, uint8_t type)
{
    return raw_fail(c, "the server sent %s (%u) where it has no place, phase %s",
                    handshake_word(type), type, raw_phase_word(c->result.phase));
}

static bool offered(const uint16_t *list, size_t n, uint16_t value)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i] == value) {
            return true;
        }
    }
    return false;
}

/* The first ClientHello is replaced by its hash: RFC 8446 section 4.4.1. */
static enum rp_status replace_transcript(struct raw_client *c, const uint8_t *p, size_t n)
{
    const struct handshake header = {HANDSHAKE_MESSAGE_HASH, raw_hash_len(c->suite->hash())};
    uint8_t header_bytes[HANDSHAKE_HEADER_LEN];
    uint8_t hash[RAW_HASH_MAX];
    enum rp_status status = raw_transcript_hash(c, hash);

    if (status != RP_OK) {
        return status;
    }
    handshake_encode(&header, header_bytes);
    raw_buffer_take(&c->transcript, c->transcript.len);
    if (!raw_buffer_add(&c->transcript, header_bytes, sizeof header_bytes) ||
        !raw_buffer_add(&c->transcript, hash, header.len) ||
        !raw_buffer_add(&c->transcript, p, n) || !raw_buffer_add(&c->retry, p, n)) {
        return RP_NO_MEMORY;
    }
    return RP_OK;
}

static enum rp_status new_share(struct raw_client *c, uint16_t group)
{
    for (size_t i = 0; i < c->n_shares; i++) {
        raw_share_fini(&c->shares[i]);
    }
    c->n_shares = 0;
    if (raw_share_init(&c->shares[0], group, &c->random) != RP_OK) {
        return raw_fail(c, "the server asks in HelloRetryRequest for group %u, which we have not",
                        group);
    }
    c->n_shares = 1;
    return RP_OK;
}

static enum rp_status take_retry(struct raw_client *c, const struct server_hello *hello,
                                 const uint8_t *p, size_t n)
{
    const struct raw_hello *const h = &c->config.hello;
    enum rp_status status;

    if (c->result.hello_retry) {
        return raw_fail(c, "the server sent a second HelloRetryRequest");
    }
    if (hello->version != RAW_TLS13 || !c->suite->tls13) {
        return raw_fail(c, "a HelloRetryRequest for a version that is not TLS 1.3");
    }
    if (hello->group != 0 &&
        (!offered(h->groups, h->n_groups, hello->group) || raw_share_of(c, hello->group) != NULL)) {
        return raw_fail(c, "a HelloRetryRequest for group %u, that we did not offer or had sent",
                        hello->group);
    }
    if (hello->group == 0 && hello->cookie_len == 0) {
        return raw_fail(c, "a HelloRetryRequest that asks for no change");
    }
    c->result.hello_retry = true;
    c->result.phase = RAW_PHASE_RETRY;
    if (h->early_data) {
        c->result.early = RAW_EARLY_REJECTED;
    }
    raw_cipher_fini(&c->write);
    status = replace_transcript(c, p, n);
    if (status == RP_OK && hello->group != 0) {
        status = new_share(c, hello->group);
    }
    if (status == RP_OK && !raw_buffer_add(&c->cookie, hello->cookie, hello->cookie_len)) {
        status = RP_NO_MEMORY;
    }
    if (status == RP_OK) {
        status = raw_queue_compat(c);
    }
    if (status == RP_OK) {
        status = raw_queue_hello(c);
    }
    return status == RP_INVALID
               ? raw_fail(c, "no ClientHello has room for the %zu bytes of the server's cookie",
                          hello->cookie_len)
               : status;
}

static enum rp_status note_hello(struct raw_client *c, const struct server_hello *hello)
{
    struct raw_result *const r = &c->result;
    struct reader block = reader_of(hello->extensions, hello->extensions_len);
    struct tls_extension ext;

    r->version = hello->version;
    r->suite = hello->suite;
    memcpy(c->server_random, hello->random, RAW_RANDOM_LEN);
    memcpy(r->session_id, hello->session_id, hello->session_id_len);
    r->session_id_len = hello->session_id_len;
    r->n_hello_exts = 0;
    while (tls_extension_next(&block, &ext) && r->n_hello_exts < RAW_SEEN_EXTS_MAX) {
        r->hello_exts[r->n_hello_exts++] = ext.type;
    }
    raw_buffer_take(&c->hello_exts, c->hello_exts.len);
    return raw_buffer_add(&c->hello_exts, hello->extensions, hello->extensions_len) ? RP_OK
                                                                                    : RP_NO_MEMORY;
}

static bool version_offered(const struct raw_hello *h, uint16_t version)
{
    return h->n_versions != 0 ? offered(h->versions, h->n_versions, version)
                              : version == h->legacy_version;
}

static enum rp_status take_server_hello(struct raw_client *c, const uint8_t *p, size_t n)
{
    const struct raw_hello *const h = &c->config.hello;
    struct server_hello hello;
    const struct raw_suite *suite;
    enum rp_status status;

    if (!server_hello_decode(p + HANDSHAKE_HEADER_LEN, n - HANDSHAKE_HEADER_LEN, &hello)) {
        return raw_fail(c, "the server sent a malformed ServerHello");
    }
    status = note_hello(c, &hello);
    if (status != RP_OK) {
        return status;
    }
    if (!version_offered(h, hello.version) ||
        (hello.version != RAW_TLS12 && hello.version != RAW_TLS13)) {
        return raw_fail(c, "the server chose version 0x%04x, which we did not offer",
                        hello.version);
    }
    suite = raw_suite_find(hello.suite);
    if (suite == NULL || !offered(h->suites, h->n_suites, hello.suite) ||
        suite->tls13 != (hello.version == RAW_TLS13)) {
        return raw_fail(c,
                        "the server chose cipher suite 0x%04x, which we did not offer for "
                        "this version",
                        hello.suite);
    }
    if (c->suite != NULL && c->suite != suite) {
        return raw_fail(c, "ServerHello has another cipher suite than HelloRetryRequest had");
    }
    c->suite = suite;
    if (hello.retry) {
        return take_retry(c, &hello, p, n);
    }
    c->result.server_hello = true;
    c->result.phase = RAW_PHASE_SERVER;
    status = raw_add_transcript(c, p, n);
    if (status != RP_OK) {
        return status;
    }
    return hello.version == RAW_TLS13 ? raw_begin13(c, &hello) : raw_begin12(c, &hello);
}

enum rp_status raw_take_message(struct raw_client *c, uint8_t type, const uint8_t *p, size_t n)
{
    if (c->step == RAW_STEP_HELLO) {
        if (type == HANDSHAKE_HELLO_REQUEST) {
            return RP_OK;
        }
        return type == HANDSHAKE_SERVER_HELLO ? take_server_hello(c, p, n)
                                              : raw_unexpected(c, type);
    }
    return c->result.version == RAW_TLS13 ? raw_take_message13(c, type, p, n)
                                          : raw_take_message12(c, type, p, n);
}

static enum rp_status take_leaf(struct raw_client *c)
{
    const uint8_t *at = c->certificates.bytes + c->spans[0].at;
    X509 *const leaf = d2i_X509(NULL, &at, (long)c->spans[0].len);

    EVP_PKEY_free(c->server_key);
    c->server_key = leaf != NULL ? X509_get_pubkey(leaf) : NULL;
    X509_free(leaf);
    if (c->server_key == NULL) {
        return raw_fail(c, "the server's certificate, or the key in it, cannot be read");
    }
    return EVP_Digest(c->certificates.bytes + c->spans[0].at, c->spans[0].len,
                      c->result.leaf_sha256, NULL, EVP_sha256(), NULL) == 1
               ? RP_OK
               : RP_CRYPTO;
}

enum rp_status raw_take_certificates(struct raw_client *c, const uint8_t *body, size_t n,
                                     bool tls13)
{
    struct raw_result *const r = &c->result;
    struct reader entries;
    const uint8_t *der;
    size_t len;
    bool whole;

    whole = handshake_certificates(body, n, tls13, &entries);
    while (whole && handshake_certificate_next(&entries, tls13, &der, &len)) {
        if (r->n_certificates == RAW_CERTIFICATES_MAX) {
            return raw_fail(c, "the server sent more than %d certificates", RAW_CERTIFICATES_MAX);
        }
        c->spans[r->n_certificates] = (struct raw_span){c->certificates.len, len};
        if (!raw_buffer_add(&c->certificates, der, len)) {
            return RP_NO_MEMORY;
        }
        r->n_certificates++;
    }
    if (!whole || entries.failed) {
        return raw_fail(c, "the server sent a malformed Certificate");
    }
    return r->n_certificates != 0 ? take_leaf(c) : raw_fail(c, "the server sent no certificate");
}

enum rp_status raw_take_ticket(struct raw_client *c, const uint8_t *body, size_t n)
{
    struct raw_result *const r = &c->result;
    const bool tls13 = r->version == RAW_TLS13;
    struct new_session_ticket ticket;

    if (tls13 ? !new_session_ticket_decode_13(body, n, &ticket)
              : !new_session_ticket_decode_12(body, n, &ticket)) {
        return raw_fail(c, "the server sent a malformed NewSessionTicket");
    }
    if (r->n_tickets == RAW_TICKETS_MAX) {
        return RP_OK;
    }
    c->ticket_spans[r->n_tickets] = (struct raw_span){c->tickets.len, n};
    c->ticket_us[r->n_tickets] = c->now_us;
    if (!raw_buffer_add(&c->tickets, body, n)) {
        return RP_NO_MEMORY;
    }
    r->n_tickets++;
    if (tls13) {
        r->n_sessions = r->n_tickets;
    }
    return RP_OK;
}

enum rp_status raw_take_request(struct raw_client *c, const uint8_t *body, size_t n, bool tls13)
{
    struct handshake_certificate_request request;

    if (!handshake_certificate_request_decode(body, n, tls13, &request)) {
        return raw_fail(c, "the server sent a malformed CertificateRequest");
    }
    c->result.certificate_asked = true;
    c->request_context_len = request.context_len;
    if (request.context_len != 0) {
        memcpy(c->request_context, request.context, request.context_len);
    }
    c->schemes_len = request.schemes_len < RAW_SCHEMES_MAX ? request.schemes_len : RAW_SCHEMES_MAX;
    if (c->schemes_len != 0) {
        memcpy(c->schemes, request.schemes, c->schemes_len);
    }
    return RP_OK;
}

enum rp_status raw_queue_certificate(struct raw_client *c, bool tls13)
{
    struct raw_buffer body = {0};
    enum rp_status status = raw_identity_write(c->config.identity, tls13, c->request_context,
                                               c->request_context_len, &body);

    if (status == RP_OK) {
        status = raw_queue_message(c, HANDSHAKE_CERTIFICATE, body.bytes, body.len);
    }
    raw_buffer_fini(&body);
    return status;
}

enum rp_status raw_queue_verify(struct raw_client *c, bool tls13, struct raw_bytes data)
{
    uint8_t signature[RAW_SIGNATURE_MAX];
    uint8_t body[RAW_SIGNATURE_MAX + 4];
    struct writer w = writer_of(body, sizeof body);
    EVP_PKEY *key;
    uint16_t scheme;
    size_t len;
    enum rp_status status;

    if (c->config.identity == NULL) {
        return RP_OK;
    }
    key = raw_identity_key(c->config.identity);
    scheme = raw_signature_choose(key, tls13, c->schemes, c->schemes_len);
    if (scheme == 0) {
        return raw_fail(c, "the server takes no signature that our client certificate could make");
    }
    status = raw_signature_make(key, scheme, data, signature, &len);
    if (status != RP_OK) {
        return status;
    }
    writer_u16(&w, scheme);
    writer_u16(&w, (uint16_t)len);
    writer_bytes(&w, signature, len);
    return raw_queue_message(c, HANDSHAKE_CERTIFICATE_VERIFY, body, writer_len(&w));
}
