#include "hello_edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/tls1.h>

#include "reader.h"
#include "writer.h"

#define RECORD_HEADER 5
#define MESSAGE_HEADER 4
#define BINDER_LEN 32
#define FRAGMENT_MAX 16384

static void strip_records(struct hello_edit *out, const uint8_t *p, size_t n)
{
    struct reader r = reader_of(p, n);
    struct writer w = writer_of(out->bytes, sizeof out->bytes);

    while (reader_left(&r) != 0) {
        struct reader record;

        (void)reader_bytes(&r, RECORD_HEADER - 2);
        record = reader_vec16(&r);
        writer_bytes(&w, record.at, reader_left(&record));
    }
    assert_true(reader_done(&r));
    out->n = writer_len(&w);
}

void hello_edit_make(struct kit *kit, const struct kit_offer *offer, struct hello_edit *out)
{
    BIO *in = BIO_new(BIO_s_mem());
    BIO *sent = BIO_new(BIO_s_mem());
    SSL *client;
    char *p = NULL;
    long n;

    assert_true(in != NULL && sent != NULL);
    client = kit_client(kit, offer);
    SSL_set_bio(client, in, sent);
    assert_int_not_equal(SSL_do_handshake(client), 1);
    n = BIO_get_mem_data(sent, &p);
    assert_true(n > RECORD_HEADER + MESSAGE_HEADER);
    strip_records(out, (const uint8_t *)p, (size_t)n);
    SSL_free(client);
}

/* A reader at the extensions, behind their length. */
static struct reader extensions(const struct hello_edit *h)
{
    struct reader r = reader_of(h->bytes, h->n);
    struct reader skipped;

    (void)reader_bytes(&r, MESSAGE_HEADER + 2 + 32);
    skipped = reader_vec8(&r);  /* session ID */
    skipped = reader_vec16(&r); /* suites */
    skipped = reader_vec8(&r);  /* compression methods */
    (void)skipped;
    return reader_vec16(&r);
}

uint8_t *hello_edit_find(struct hello_edit *h, unsigned type, size_t *n)
{
    struct reader r = extensions(h);

    while (reader_left(&r) != 0) {
        const unsigned found = reader_u16(&r);
        const struct reader body = reader_vec16(&r);

        if (found == type && !body.failed) {
            *n = reader_left(&body);
            return h->bytes + (body.at - h->bytes);
        }
    }
    assert_false(r.failed);
    return NULL;
}

void hello_edit_psks(struct hello_edit *h, size_t n, const uint8_t *identity, size_t identity_len)
{
    const size_t all = (size_t)(extensions(h).at - h->bytes);
    const uint8_t binder[BINDER_LEN] = {0};
    size_t old_len = 0;
    uint8_t *old = hello_edit_find(h, TLSEXT_TYPE_psk, &old_len);
    struct writer w;
    struct writer lengths;
    size_t mark;

    assert_non_null(old);
    w = writer_of(old - 4, (size_t)(h->bytes + sizeof h->bytes - (old - 4)));
    writer_u16(&w, TLSEXT_TYPE_psk);
    writer_u16(&w, (uint16_t)(2 + n * (2 + identity_len + 4) + 2 + n * (1 + BINDER_LEN)));
    mark = writer_open(&w, 2);
    for (size_t i = 0; i < n; i++) {
        writer_u16(&w, (uint16_t)identity_len);
        writer_bytes(&w, identity, identity_len);
        writer_u32(&w, 0);
    }
    writer_close(&w, mark, 2);
    mark = writer_open(&w, 2);
    for (size_t i = 0; i < n; i++) {
        writer_u8(&w, BINDER_LEN);
        writer_bytes(&w, binder, sizeof binder);
    }
    writer_close(&w, mark, 2);
    assert_false(w.failed);
    h->n = (size_t)(old - 4 - h->bytes) + writer_len(&w);
    lengths = writer_of(h->bytes + 1, 3);
    writer_u24(&lengths, (uint32_t)(h->n - MESSAGE_HEADER));
    lengths = writer_of(h->bytes + all - 2, 2);
    writer_u16(&lengths, (uint16_t)(h->n - all));
}

static void send_records(BIO *to, const struct hello_edit *h)
{
    for (size_t at = 0; at < h->n;) {
        const size_t n = h->n - at < FRAGMENT_MAX ? h->n - at : FRAGMENT_MAX;
        uint8_t header[RECORD_HEADER];
        struct writer w = writer_of(header, sizeof header);

        writer_u8(&w, SSL3_RT_HANDSHAKE);
        writer_u16(&w, TLS1_VERSION);
        writer_u16(&w, (uint16_t)n);
        assert_int_equal(BIO_write(to, header, sizeof header), sizeof header);
        assert_int_equal(BIO_write(to, h->bytes + at, (int)n), (int)n);
        at += n;
    }
}

bool hello_edit_offer(SSL_CTX *server, const struct hello_edit *h, struct rp_ssl_info *info)
{
    SSL *ssl = SSL_new(server);
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    char *p = NULL;
    bool answered;

    assert_true(ssl != NULL && in != NULL && out != NULL);
    SSL_set_bio(ssl, in, out);
    SSL_set_accept_state(ssl);
    send_records(in, h);
    assert_int_not_equal(SSL_do_handshake(ssl), 1);
    answered = BIO_get_mem_data(out, &p) > 0 && p[0] == SSL3_RT_HANDSHAKE;
    rp_ssl_info(ssl, info);
    ERR_clear_error();
    SSL_free(ssl);
    return answered;
}
