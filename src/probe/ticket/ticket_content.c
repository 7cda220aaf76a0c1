#include "ticket_content.h"

#include <openssl/ssl.h>

#include "reader.h"

#define YEAR_2009_S 1230768000
#define YEAR_2100_S 4102444800
#define GO_TYPE_SERVER 1

static bool is_go_cipher(uint16_t cipher)
{
    const unsigned high = cipher >> 8;

    return (high == 0x13 && (cipher & 0xff) >= 1 && (cipher & 0xff) <= 3) ||
           (high == 0xc0 && (cipher & 0xff) >= 0x07 && (cipher & 0xff) <= 0x30) ||
           cipher == 0xcca8 || cipher == 0xcca9 || cipher == 0x0005 || cipher == 0x000a ||
           cipher == 0x002f || cipher == 0x0035 || cipher == 0x003c || cipher == 0x009c ||
           cipher == 0x009d;
}

static bool take_go(const uint8_t *p, size_t n, bool has_type, struct go_state *out)
{
    struct reader r = reader_of(p, n);
    uint64_t created;

    out->version = reader_u16(&r);
    if (has_type && reader_u8(&r) > GO_TYPE_SERVER) {
        return false;
    }
    out->cipher = reader_u16(&r);
    created = reader_u64(&r);
    out->created_s = (int64_t)created;
    return !r.failed && out->version >= 0x0301 && out->version <= 0x0304 &&
           is_go_cipher(out->cipher) && created >= YEAR_2009_S && created < YEAR_2100_S;
}

bool go_state_detect(const uint8_t *p, size_t n, struct go_state *out)
{
    if (take_go(p, n, true, out) || take_go(p, n, false, out)) {
        return true;
    }
    *out = (struct go_state){0};
    return false;
}

void ticket_content_add_version(struct text *t, uint16_t version)
{
    switch (version) {
    case 0x0300:
        text_add(t, "SSL 3.0");
        break;
    case 0x0301:
    case 0x0302:
    case 0x0303:
    case 0x0304:
        text_addf(t, "TLS 1.%u", version - 0x0301U);
        break;
    case 0xfeff:
        text_add(t, "DTLS 1.0");
        break;
    case 0xfefd:
        text_add(t, "DTLS 1.2");
        break;
    default:
        text_addf(t, "version 0x%04x", version);
        break;
    }
}

/* libssl knows names only by way of a connection. */
static const char *cipher_name(uint16_t cipher)
{
    const uint8_t wire[2] = {(uint8_t)(cipher >> 8), (uint8_t)cipher};
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    SSL *ssl = ctx != NULL ? SSL_new(ctx) : NULL;
    const SSL_CIPHER *found = ssl != NULL ? SSL_CIPHER_find(ssl, wire) : NULL;
    const char *name = found != NULL ? SSL_CIPHER_standard_name(found) : NULL;

    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return name; /* of a table of libssl's */
}

void ticket_content_add_cipher(struct text *t, uint16_t cipher)
{
    const char *name = cipher_name(cipher);

    if (name != NULL) {
        text_add(t, name);
    } else {
        text_addf(t, "0x%04x", cipher);
    }
}

void ticket_content_describe(struct text *t, const struct session_asn1 *session)
{
    const uint8_t *name;
    size_t n;

    text_add(t, "a ");
    ticket_content_add_version(t, session->version);
    text_add(t, " session, cipher ");
    ticket_content_add_cipher(t, session->cipher);
    if (session_asn1_octets(session, SESSION_ASN1_HOSTNAME, &name, &n) && n != 0) {
        text_add(t, ", for ");
        ticket_content_add_safely(t, name, n);
    }
}

void ticket_content_add_safely(struct text *t, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] >= ' ' && p[i] <= '~' && p[i] != '\\') {
            text_add_char(t, (char)p[i]);
        } else {
            text_addf(t, "\\x%02x", p[i]);
        }
    }
}
