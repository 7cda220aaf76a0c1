#include "server_hello.h"

#include <string.h>

#include "reader.h"
#include "tls_extension.h"

#define RANDOM_LEN 32
#define SESSION_ID_MAX 32

static bool is_retry(const uint8_t *random)
{
    /* SHA-256 of "HelloRetryRequest". */
    static const uint8_t mark[RANDOM_LEN] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11,
                                             0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
                                             0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
                                             0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

    return memcmp(random, mark, RANDOM_LEN) == 0;
}

static bool decode_share(struct server_hello *out, struct reader *r)
{
    struct reader share;

    out->group = reader_u16(r);
    if (!out->retry) {
        share = reader_vec16(r);
        out->share_len = reader_left(&share);
        out->share = reader_bytes(&share, out->share_len);
    }
    return reader_done(r) && (out->retry || out->share_len != 0);
}

static bool decode_cookie(struct server_hello *out, struct reader *r)
{
    struct reader cookie = reader_vec16(r);

    out->cookie_len = reader_left(&cookie);
    out->cookie = reader_bytes(&cookie, out->cookie_len);
    return reader_done(r) && out->cookie_len != 0;
}

static bool decode_extension(struct server_hello *out, const struct tls_extension *ext)
{
    struct reader r = reader_of(ext->body, ext->len);

    switch (ext->type) {
    case TLS_EXT_SUPPORTED_VERSIONS:
        out->version = reader_u16(&r);
        return reader_done(&r);
    case TLS_EXT_KEY_SHARE:
        return decode_share(out, &r);
    case TLS_EXT_PRE_SHARED_KEY:
        out->has_psk = true;
        out->psk_index = reader_u16(&r);
        return reader_done(&r);
    case TLS_EXT_COOKIE:
        return decode_cookie(out, &r);
    default:
        return true;
    }
}

static bool decode_extensions(struct server_hello *out)
{
    struct reader block = reader_of(out->extensions, out->extensions_len);
    struct tls_extension ext;

    if (!tls_extension_check(out->extensions, out->extensions_len, SERVER_HELLO_EXTENSIONS_MAX)) {
        return false;
    }
    while (tls_extension_next(&block, &ext)) {
        if (!decode_extension(out, &ext)) {
            return false;
        }
    }
    return true;
}

static bool decode(struct reader *r, struct server_hello *out)
{
    struct reader part;
    uint8_t compression;

    out->legacy_version = reader_u16(r);
    out->version = out->legacy_version;
    out->random = reader_bytes(r, RANDOM_LEN);
    part = reader_vec8(r);
    out->session_id_len = reader_left(&part);
    out->session_id = reader_bytes(&part, out->session_id_len);
    out->suite = reader_u16(r);
    compression = reader_u8(r);
    /* TLS 1.2 may leave the block out altogether. */
    part = reader_left(r) != 0 ? reader_vec16(r) : reader_of(NULL, 0);
    out->extensions_len = reader_left(&part);
    out->extensions = reader_bytes(&part, out->extensions_len);
    if (!reader_done(r) || compression != 0 || out->session_id_len > SESSION_ID_MAX) {
        return false;
    }
    out->retry = is_retry(out->random);
    return decode_extensions(out);
}

bool server_hello_decode(const uint8_t *body, size_t n, struct server_hello *out)
{
    struct reader r = reader_of(body, n);

    *out = (struct server_hello){0};
    if (!decode(&r, out)) {
        *out = (struct server_hello){0};
        return false;
    }
    return true;
}
