/*
 * Writes a ClientHello (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2), piece by piece, right or
 * wrong: no value is judged, nothing is sorted, what is written twice is there twice. A writer that
 * failed says that it did not fit.
 */
#ifndef CLIENT_HELLO_H
#define CLIENT_HELLO_H

#include <stddef.h>
#include <stdint.h>

#include "writer.h"

struct client_hello {
    uint16_t legacy_version;
    const uint8_t *random; /* 32 bytes */
    const uint8_t *session_id;
    size_t session_id_len; /* at most 255 */
    const uint16_t *suites;
    size_t n_suites;
};

/* Where the lengths are that are still open. */
struct client_hello_marks {
    size_t message;
    size_t extensions;
};

/* The handshake header and everything before the extensions; compression is null alone. */
struct client_hello_marks client_hello_open(struct writer *w, const struct client_hello *h);
void client_hello_close(struct writer *w, const struct client_hello_marks *marks);

/* An extension with a body as it is. */
void client_hello_ext(struct writer *w, uint16_t type, const uint8_t *body, size_t n);

/* An extension that is a list of 16-bit numbers, the list's length before it in len_bytes. */
void client_hello_ext_u16s(struct writer *w, uint16_t type, const uint16_t *list, size_t n,
                           size_t len_bytes);

/* server_name: all names in one list. */
void client_hello_ext_names(struct writer *w, const char *const *names, size_t n);

void client_hello_ext_alpn(struct writer *w, const char *const *protocols, size_t n);
void client_hello_ext_psk_modes(struct writer *w, const uint8_t *modes, size_t n);
void client_hello_ext_cookie(struct writer *w, const uint8_t *cookie, size_t n);

/* renegotiation_info with our verify_data; empty in a first handshake. */
void client_hello_ext_renegotiation(struct writer *w, const uint8_t *verify_data, size_t n);

/* padding: n zeroes. */
void client_hello_ext_padding(struct writer *w, size_t n);

struct client_hello_share {
    uint16_t group;
    const uint8_t *share;
    size_t len;
};

void client_hello_ext_shares(struct writer *w, const struct client_hello_share *shares, size_t n);

struct client_hello_identity {
    const uint8_t *identity;
    size_t len;
    uint32_t obfuscated_age;
};

/* pre_shared_key: binders of these lengths, all zeroes, to be filled in later. They are the last
 * bytes of the message if this is its last extension. */
void client_hello_ext_psk(struct writer *w, const struct client_hello_identity *identities,
                          size_t n_identities, const uint8_t *binder_lens, size_t n_binders);

#endif
