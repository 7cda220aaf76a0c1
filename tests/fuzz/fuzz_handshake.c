/* The first byte chooses a message, the rest is its body; what is decoded lies within it. */
#include <stdlib.h>

#include "handshake.h"
#include "tls_extension.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(const uint8_t *data, size_t size, const uint8_t *p, size_t n)
{
    if (n != 0 && (p < data || n > size || p > data + size - n)) {
        abort();
    }
}

static void certificates(const uint8_t *data, size_t size, bool tls13)
{
    struct reader entries;
    const uint8_t *der;
    size_t len;

    if (handshake_certificates(data, size, tls13, &entries)) {
        while (handshake_certificate_next(&entries, tls13, &der, &len)) {
            within(data, size, der, len);
            if (len == 0) {
                abort();
            }
        }
    }
}

static void extensions(const uint8_t *data, size_t size)
{
    const uint8_t *block;
    size_t len;
    struct reader r;
    struct tls_extension ext;
    struct tls_extension found;

    if (handshake_extensions_decode(data, size, 24, &block, &len)) {
        r = reader_of(block, len);
        while (tls_extension_next(&r, &ext)) {
            within(data, size, ext.body, ext.len);
            if (!tls_extension_find(block, len, ext.type, &found) || found.len != ext.len) {
                abort();
            }
        }
        if (!reader_done(&r)) {
            abort();
        }
    }
}

static void key_exchange(const uint8_t *data, size_t size)
{
    struct handshake_key_exchange e;

    if (handshake_key_exchange_decode(data, size, &e)) {
        within(data, size, e.share, e.share_len);
        within(data, size, e.signature.bytes, e.signature.len);
        within(data, size, data, e.signed_len);
    }
}

static void request(const uint8_t *data, size_t size, bool tls13)
{
    struct handshake_certificate_request r;

    if (handshake_certificate_request_decode(data, size, tls13, &r)) {
        within(data, size, r.context, r.context_len);
        within(data, size, r.schemes, r.schemes_len);
        if (r.context_len > 255 || r.schemes_len % 2 != 0) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct handshake_signature signature;

    if (size == 0) {
        return 0;
    }
    switch (data[0] % 7) {
    case 0:
        certificates(data + 1, size - 1, false);
        break;
    case 1:
        certificates(data + 1, size - 1, true);
        break;
    case 2:
        extensions(data + 1, size - 1);
        break;
    case 3:
        key_exchange(data + 1, size - 1);
        break;
    case 4:
        request(data + 1, size - 1, false);
        break;
    case 5:
        request(data + 1, size - 1, true);
        break;
    default:
        if (handshake_certificate_verify_decode(data + 1, size - 1, &signature)) {
            within(data, size, signature.bytes, signature.len);
        }
    }
    return 0;
}
