#include "handshake.h"

#include "tls_extension.h"
#include "writer.h"

#define CURVE_TYPE_NAMED 3
#define CERTIFICATE_EXTENSIONS_MAX 16
#define REQUEST_EXTENSIONS_MAX 24

const char *handshake_word(uint8_t type)
{
    switch (type) {
    case HANDSHAKE_HELLO_REQUEST:
        return "HelloRequest";
    case HANDSHAKE_CLIENT_HELLO:
        return "ClientHello";
    case HANDSHAKE_SERVER_HELLO:
        return "ServerHello";
    case HANDSHAKE_NEW_SESSION_TICKET:
        return "NewSessionTicket";
    case HANDSHAKE_END_OF_EARLY_DATA:
        return "EndOfEarlyData";
    case HANDSHAKE_ENCRYPTED_EXTENSIONS:
        return "EncryptedExtensions";
    case HANDSHAKE_CERTIFICATE:
        return "Certificate";
    case HANDSHAKE_SERVER_KEY_EXCHANGE:
        return "ServerKeyExchange";
    case HANDSHAKE_CERTIFICATE_REQUEST:
        return "CertificateRequest";
    case HANDSHAKE_SERVER_HELLO_DONE:
        return "ServerHelloDone";
    case HANDSHAKE_CERTIFICATE_VERIFY:
        return "CertificateVerify";
    case HANDSHAKE_CLIENT_KEY_EXCHANGE:
        return "ClientKeyExchange";
    case HANDSHAKE_FINISHED:
        return "Finished";
    case HANDSHAKE_CERTIFICATE_STATUS:
        return "CertificateStatus";
    case HANDSHAKE_KEY_UPDATE:
        return "KeyUpdate";
    case HANDSHAKE_MESSAGE_HASH:
        return "message_hash";
    default:
        return "unknown message";
    }
}

bool handshake_decode(const uint8_t *p, size_t n, struct handshake *out)
{
    struct reader r = reader_of(p, n);

    out->type = reader_u8(&r);
    out->len = reader_u24(&r);
    if (r.failed) {
        *out = (struct handshake){0};
    }
    return !r.failed;
}

void handshake_encode(const struct handshake *h, uint8_t out[static HANDSHAKE_HEADER_LEN])
{
    struct writer w = writer_of(out, HANDSHAKE_HEADER_LEN);

    writer_u8(&w, h->type);
    writer_u24(&w, (uint32_t)h->len);
}

static struct reader vec24(struct reader *r)
{
    const size_t n = reader_u24(r);
    const uint8_t *p = reader_bytes(r, n);
    struct reader sub = reader_of(p, p != NULL ? n : 0);

    sub.failed = p == NULL;
    return sub;
}

bool handshake_extensions_decode(const uint8_t *body, size_t n, size_t max, const uint8_t **block,
                                 size_t *block_len)
{
    struct reader r = reader_of(body, n);
    struct reader list = reader_vec16(&r);
    const size_t len = reader_left(&list);
    const uint8_t *p = reader_bytes(&list, len);

    *block = NULL;
    *block_len = 0;
    if (p == NULL || !reader_done(&r) || !tls_extension_check(p, len, max)) {
        return false;
    }
    *block = p;
    *block_len = len;
    return true;
}

bool handshake_certificates(const uint8_t *body, size_t n, bool tls13, struct reader *entries)
{
    struct reader r = reader_of(body, n);
    bool context_ok = true;

    if (tls13) {
        struct reader context = reader_vec8(&r);

        context_ok = reader_done(&context);
    }
    *entries = vec24(&r);
    if (!context_ok || !reader_done(&r)) {
        reader_fail(entries);
    }
    return !entries->failed;
}

bool handshake_certificate_next(struct reader *entries, bool tls13, const uint8_t **der,
                                size_t *len)
{
    struct reader certificate;

    *der = NULL;
    *len = 0;
    if (reader_left(entries) == 0) {
        return false;
    }
    certificate = vec24(entries);
    if (tls13) {
        struct reader extensions = reader_vec16(entries);
        const size_t n = reader_left(&extensions);

        if (!tls_extension_check(reader_bytes(&extensions, n), n, CERTIFICATE_EXTENSIONS_MAX)) {
            reader_fail(entries);
        }
    }
    if (reader_left(&certificate) == 0) {
        reader_fail(entries);
    }
    if (entries->failed) {
        return false;
    }
    *len = reader_left(&certificate);
    *der = reader_bytes(&certificate, *len);
    return true;
}

static bool signature(struct reader *r, struct handshake_signature *out)
{
    struct reader bytes;

    out->scheme = reader_u16(r);
    bytes = reader_vec16(r);
    out->len = reader_left(&bytes);
    out->bytes = reader_bytes(&bytes, out->len);
    return reader_done(r);
}

bool handshake_certificate_verify_decode(const uint8_t *body, size_t n,
                                         struct handshake_signature *out)
{
    struct reader r = reader_of(body, n);

    if (!signature(&r, out)) {
        *out = (struct handshake_signature){0};
        return false;
    }
    return true;
}

bool handshake_key_exchange_decode(const uint8_t *body, size_t n,
                                   struct handshake_key_exchange *out)
{
    struct reader r = reader_of(body, n);
    const uint8_t curve_type = reader_u8(&r);
    struct reader share;

    *out = (struct handshake_key_exchange){0};
    out->group = reader_u16(&r);
    share = reader_vec8(&r);
    out->share_len = reader_left(&share);
    out->share = reader_bytes(&share, out->share_len);
    out->signed_len = n - reader_left(&r);
    if (!signature(&r, &out->signature) || curve_type != CURVE_TYPE_NAMED || out->share_len == 0) {
        *out = (struct handshake_key_exchange){0};
        return false;
    }
    return true;
}

static void request_12(struct reader *r, struct handshake_certificate_request *out)
{
    struct reader types = reader_vec8(r);
    struct reader schemes = reader_vec16(r);
    struct reader authorities = reader_vec16(r);

    (void)types;
    (void)authorities;
    out->schemes_len = reader_left(&schemes);
    out->schemes = reader_bytes(&schemes, out->schemes_len);
}

static void request_13(struct reader *r, struct handshake_certificate_request *out)
{
    struct reader context = reader_vec8(r);
    struct reader extensions = reader_vec16(r);
    const size_t n = reader_left(&extensions);
    const uint8_t *block = reader_bytes(&extensions, n);
    struct tls_extension ext;

    out->context_len = reader_left(&context);
    out->context = reader_bytes(&context, out->context_len);
    if (block == NULL || !tls_extension_check(block, n, REQUEST_EXTENSIONS_MAX)) {
        reader_fail(r);
    } else if (tls_extension_find(block, n, TLS_EXT_SIGNATURE_ALGORITHMS, &ext)) {
        struct reader body = reader_of(ext.body, ext.len);
        struct reader schemes = reader_vec16(&body);

        out->schemes_len = reader_left(&schemes);
        out->schemes = reader_bytes(&schemes, out->schemes_len);
        if (!reader_done(&body)) {
            reader_fail(r);
        }
    }
}

bool handshake_certificate_request_decode(const uint8_t *body, size_t n, bool tls13,
                                          struct handshake_certificate_request *out)
{
    struct reader r = reader_of(body, n);

    *out = (struct handshake_certificate_request){0};
    if (tls13) {
        request_13(&r, out);
    } else {
        request_12(&r, out);
    }
    if (!reader_done(&r) || out->schemes_len % 2 != 0) {
        *out = (struct handshake_certificate_request){0};
        return false;
    }
    return true;
}
