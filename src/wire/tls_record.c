#include "tls_record.h"

#include "reader.h"
#include "writer.h"

#define VERSION_MAJOR 3

enum tls_record_verdict tls_record_decode(const uint8_t *p, size_t n, size_t max,
                                          struct tls_record *out)
{
    struct reader r = reader_of(p, n);

    *out = (struct tls_record){0};
    out->type = reader_u8(&r);
    if (n >= 1 &&
        (out->type < TLS_RECORD_CHANGE_CIPHER_SPEC || out->type > TLS_RECORD_APPLICATION_DATA)) {
        return TLS_RECORD_NOT_TLS;
    }
    if (n >= 2 && p[1] != VERSION_MAJOR) {
        return TLS_RECORD_NOT_TLS;
    }
    out->version = reader_u16(&r);
    out->len = reader_u16(&r);
    if (n < TLS_RECORD_HEADER_LEN) {
        return TLS_RECORD_PART;
    }
    if (out->len > max) {
        return TLS_RECORD_TOO_LONG;
    }
    return reader_left(&r) >= out->len ? TLS_RECORD_WHOLE : TLS_RECORD_PART;
}

void tls_record_encode(const struct tls_record *r, uint8_t out[static TLS_RECORD_HEADER_LEN])
{
    struct writer w = writer_of(out, TLS_RECORD_HEADER_LEN);

    writer_u8(&w, r->type);
    writer_u16(&w, r->version);
    writer_u16(&w, r->len);
}
