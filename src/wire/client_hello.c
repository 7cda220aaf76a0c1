#include "client_hello.h"

#include <string.h>

#include "handshake.h"
#include "tls_extension.h"

#define RANDOM_LEN 32
#define NAME_TYPE_HOST 0

static void vector(struct writer *w, const void *p, size_t n, size_t len_bytes)
{
    const size_t mark = writer_open(w, len_bytes);

    writer_bytes(w, p, n);
    writer_close(w, mark, len_bytes);
}

struct client_hello_marks client_hello_open(struct writer *w, const struct client_hello *h)
{
    static const uint8_t null_compression[] = {0};
    struct client_hello_marks marks;
    size_t suites;

    writer_u8(w, HANDSHAKE_CLIENT_HELLO);
    marks.message = writer_open(w, 3);
    writer_u16(w, h->legacy_version);
    writer_bytes(w, h->random, RANDOM_LEN);
    vector(w, h->session_id, h->session_id_len, 1);
    suites = writer_open(w, 2);
    for (size_t i = 0; i < h->n_suites; i++) {
        writer_u16(w, h->suites[i]);
    }
    writer_close(w, suites, 2);
    vector(w, null_compression, sizeof null_compression, 1);
    marks.extensions = writer_open(w, 2);
    return marks;
}

void client_hello_close(struct writer *w, const struct client_hello_marks *marks)
{
    writer_close(w, marks->extensions, 2);
    writer_close(w, marks->message, 3);
}

static size_t ext_open(struct writer *w, uint16_t type)
{
    writer_u16(w, type);
    return writer_open(w, 2);
}

void client_hello_ext(struct writer *w, uint16_t type, const uint8_t *body, size_t n)
{
    writer_u16(w, type);
    vector(w, body, n, 2);
}

void client_hello_ext_u16s(struct writer *w, uint16_t type, const uint16_t *list, size_t n,
                           size_t len_bytes)
{
    const size_t ext = ext_open(w, type);
    const size_t mark = writer_open(w, len_bytes);

    for (size_t i = 0; i < n; i++) {
        writer_u16(w, list[i]);
    }
    writer_close(w, mark, len_bytes);
    writer_close(w, ext, 2);
}

void client_hello_ext_names(struct writer *w, const char *const *names, size_t n)
{
    const size_t ext = ext_open(w, TLS_EXT_SERVER_NAME);
    const size_t list = writer_open(w, 2);

    for (size_t i = 0; i < n; i++) {
        writer_u8(w, NAME_TYPE_HOST);
        vector(w, names[i], strlen(names[i]), 2);
    }
    writer_close(w, list, 2);
    writer_close(w, ext, 2);
}

void client_hello_ext_alpn(struct writer *w, const char *const *protocols, size_t n)
{
    const size_t ext = ext_open(w, TLS_EXT_ALPN);
    const size_t list = writer_open(w, 2);

    for (size_t i = 0; i < n; i++) {
        vector(w, protocols[i], strlen(protocols[i]), 1);
    }
    writer_close(w, list, 2);
    writer_close(w, ext, 2);
}

void client_hello_ext_psk_modes(struct writer *w, const uint8_t *modes, size_t n)
{
    const size_t ext = ext_open(w, TLS_EXT_PSK_MODES);

    vector(w, modes, n, 1);
    writer_close(w, ext, 2);
}

void client_hello_ext_cookie(struct writer *w, const uint8_t *cookie, size_t n)
{
    const size_t ext = ext_open(w, TLS_EXT_COOKIE);

    vector(w, cookie, n, 2);
    writer_close(w, ext, 2);
}

void client_hello_ext_renegotiation(struct writer *w, const uint8_t *verify_data, size_t n)
{
    const size_t ext = ext_open(w, TLS_EXT_RENEGOTIATION_INFO);

    vector(w, verify_data, n, 1);
    writer_close(w, ext, 2);
}

static void zeroes(struct writer *w, size_t n)
{
    static const uint8_t some[256];

    for (; n > sizeof some && !w->failed; n -= sizeof some) {
        writer_bytes(w, some, sizeof some);
    }
    writer_bytes(w, some, n <= sizeof some ? n : 0);
}

void client_hello_ext_padding(struct writer *w, size_t n)
{
    const size_t ext = ext_open(w, TLS_EXT_PADDING);

    zeroes(w, n);
    writer_close(w, ext, 2);
}

void client_hello_ext_shares(struct writer *w, const struct client_hello_share *shares, size_t n)
{
    const size_t ext = ext_open(w, TLS_EXT_KEY_SHARE);
    const size_t list = writer_open(w, 2);

    for (size_t i = 0; i < n; i++) {
        writer_u16(w, shares[i].group);
        vector(w, shares[i].share, shares[i].len, 2);
    }
    writer_close(w, list, 2);
    writer_close(w, ext, 2);
}

void client_hello_ext_psk(struct writer *w, const struct client_hello_identity *identities,
                          size_t n_identities, const uint8_t *binder_lens, size_t n_binders)
{
    const size_t ext = ext_open(w, TLS_EXT_PRE_SHARED_KEY);
    size_t list = writer_open(w, 2);

    for (size_t i = 0; i < n_identities; i++) {
        vector(w, identities[i].identity, identities[i].len, 2);
        writer_u32(w, identities[i].obfuscated_age);
    }
    writer_close(w, list, 2);
    list = writer_open(w, 2);
    for (size_t i = 0; i < n_binders; i++) {
        writer_u8(w, binder_lens[i]);
        zeroes(w, binder_lens[i]);
    }
    writer_close(w, list, 2);
    writer_close(w, ext, 2);
}
