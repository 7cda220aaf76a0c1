#include "proxy_protocol.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "number.h"
#include "reader.h"
#include "text.h"
#include "writer.h"

#define V1_PREFIX "PROXY "
#define V1_PREFIX_LEN (sizeof V1_PREFIX - 1)

#define V2_HEAD_LEN 16
#define V2_LOCAL 0x20
#define V2_PROXY 0x21
#define V2_TCP4 0x11
#define V2_TCP6 0x21
#define V2_TCP4_LEN 12
#define V2_TCP6_LEN 36

enum tlv_type {
    TLV_ALPN = 0x01,
    TLV_AUTHORITY = 0x02,
    TLV_SSL = 0x20,
    TLV_SSL_VERSION = 0x21,
    TLV_SSL_CN = 0x22,
    TLV_SSL_CIPHER = 0x23,
    TLV_SSL_SIG_ALG = 0x24,
    TLV_SSL_KEY_ALG = 0x25,
    TLV_RESUMED = 0xe4,
};

#define CLIENT_SSL 0x01
#define CLIENT_CERT_CONN 0x02
#define CLIENT_CERT_SESS 0x04

static const uint8_t signature[] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                    0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

_Static_assert(V2_HEAD_LEN + V2_TCP6_LEN <= PROXY_V1_MAX, "a decoder has room for either head");

/* Writing. */

static size_t address_len(enum proxy_family family)
{
    return family == PROXY_TCP6 ? 16 : 4;
}

size_t proxy_encode_v1(const struct proxy_addresses *a, uint8_t out[static PROXY_V1_MAX])
{
    const int family = a->family == PROXY_TCP6 ? AF_INET6 : AF_INET;
    char source[INET6_ADDRSTRLEN] = "";
    char destination[INET6_ADDRSTRLEN] = "";
    char line[PROXY_V1_MAX + 1];
    struct text t = text_of(line, sizeof line);

    if (a->family == PROXY_UNKNOWN) {
        text_add(&t, V1_PREFIX "UNKNOWN\r\n");
    } else {
        (void)inet_ntop(family, a->source, source, sizeof source);
        (void)inet_ntop(family, a->destination, destination, sizeof destination);
        text_addf(&t, V1_PREFIX "%s %s %s %u %u\r\n", family == AF_INET6 ? "TCP6" : "TCP4", source,
                  destination, (unsigned)a->source_port, (unsigned)a->destination_port);
    }
    memcpy(out, line, t.len);
    return t.len;
}

static void write_addresses(struct writer *w, const struct proxy_addresses *a)
{
    const size_t n = address_len(a->family);

    if (a->family != PROXY_UNKNOWN) {
        writer_bytes(w, a->source, n);
        writer_bytes(w, a->destination, n);
        writer_u16(w, a->source_port);
        writer_u16(w, a->destination_port);
    }
}

static void write_tlv(struct writer *w, enum tlv_type type, const void *p, size_t n)
{
    if (p != NULL && n <= PROXY_TEXT_MAX) {
        writer_u8(w, (uint8_t)type);
        writer_u16(w, (uint16_t)n);
        writer_bytes(w, p, n);
    }
}

static void write_text(struct writer *w, enum tlv_type type, const char *s)
{
    write_tlv(w, type, s, s != NULL ? strlen(s) : 0);
}

static void write_ssl(struct writer *w, const struct proxy_facts *facts)
{
    size_t mark;

    writer_u8(w, TLV_SSL);
    mark = writer_open(w, 2);
    writer_u8(w, (uint8_t)(CLIENT_SSL | (facts->presented ? CLIENT_CERT_CONN : 0) |
                           (facts->has_certificate ? CLIENT_CERT_SESS : 0)));
    writer_u32(w, facts->verify);
    write_text(w, TLV_SSL_VERSION, facts->version);
    write_text(w, TLV_SSL_CN, facts->common_name);
    write_text(w, TLV_SSL_CIPHER, facts->cipher);
    write_text(w, TLV_SSL_SIG_ALG, facts->sig_alg);
    write_text(w, TLV_SSL_KEY_ALG, facts->key_alg);
    writer_close(w, mark, 2);
}

static uint8_t v2_family(enum proxy_family family)
{
    switch (family) {
    case PROXY_TCP4:
        return V2_TCP4;
    case PROXY_TCP6:
        return V2_TCP6;
    case PROXY_UNKNOWN:
        break;
    }
    return 0;
}

size_t proxy_encode_v2(const struct proxy_addresses *a, const struct proxy_facts *facts,
                       uint8_t out[static PROXY_V2_MAX])
{
    const uint8_t resumed[] = {facts->resumed, facts->mechanism};
    struct writer w = writer_of(out, PROXY_V2_MAX);
    size_t mark;

    writer_bytes(&w, signature, sizeof signature);
    writer_u8(&w, a->family == PROXY_UNKNOWN ? V2_LOCAL : V2_PROXY);
    writer_u8(&w, v2_family(a->family));
    mark = writer_open(&w, 2);
    write_addresses(&w, a);
    write_tlv(&w, TLV_ALPN, facts->alpn, facts->alpn_len);
    write_text(&w, TLV_AUTHORITY, facts->authority);
    write_ssl(&w, facts);
    write_tlv(&w, TLV_RESUMED, resumed, sizeof resumed);
    writer_close(&w, mark, 2);
    return writer_len(&w);
}

/* Reading. */

static enum proxy_progress refuse(struct proxy_decoder *d, const char *why)
{
    d->addresses = (struct proxy_addresses){.family = PROXY_UNKNOWN};
    d->why = why;
    return PROXY_REFUSED;
}

/* The text up to the next space, or all that is left. */
static const char *next_field(char **rest)
{
    char *const field = *rest;
    char *const space = strchr(field, ' ');

    if (space != NULL) {
        *space = '\0';
        *rest = space + 1;
    } else {
        *rest = field + strlen(field);
    }
    return field;
}

static bool parse_port(const char *s, uint16_t *out)
{
    uint64_t port;

    if ((s[0] == '0' && s[1] != '\0') || !number_parse(s, UINT16_MAX, &port)) {
        return false;
    }
    *out = (uint16_t)port;
    return true;
}

static bool parse_v1(char *line, struct proxy_addresses *out)
{
    const char *const family = next_field(&line);
    const char *ports[2];
    int af;

    if (strcmp(family, "UNKNOWN") == 0) {
        return true;
    }
    if (strcmp(family, "TCP4") != 0 && strcmp(family, "TCP6") != 0) {
        return false;
    }
    out->family = family[3] == '6' ? PROXY_TCP6 : PROXY_TCP4;
    af = out->family == PROXY_TCP6 ? AF_INET6 : AF_INET;
    if (inet_pton(af, next_field(&line), out->source) != 1 ||
        inet_pton(af, next_field(&line), out->destination) != 1) {
        return false;
    }
    ports[0] = next_field(&line);
    ports[1] = line; /* whatever stands behind is part of it, and makes it wrong */
    return parse_port(ports[0], &out->source_port) && parse_port(ports[1], &out->destination_port);
}

static enum proxy_progress v1_byte(struct proxy_decoder *d, uint8_t byte)
{
    char line[PROXY_V1_MAX];

    if (d->n <= V1_PREFIX_LEN) {
        return byte == (uint8_t)V1_PREFIX[d->n - 1] ? PROXY_MORE
                                                    : refuse(d, "no PROXY protocol header");
    }
    if (byte == '\0') {
        return refuse(d, "malformed header of version 1");
    }
    if (byte != '\n') {
        return d->n < PROXY_V1_MAX ? PROXY_MORE : refuse(d, "header of version 1 without an end");
    }
    if (d->head[d->n - 2] != '\r') {
        return refuse(d, "malformed header of version 1");
    }
    memcpy(line, d->head + V1_PREFIX_LEN, d->n - V1_PREFIX_LEN);
    line[d->n - V1_PREFIX_LEN - 2] = '\0';
    return parse_v1(line, &d->addresses) ? PROXY_DONE : refuse(d, "malformed header of version 1");
}

/* How many bytes of addresses we take. */
static size_t v2_addresses_len(uint8_t command, uint8_t family)
{
    if (command != V2_PROXY) {
        return 0;
    }
    return family == V2_TCP4 ? V2_TCP4_LEN : family == V2_TCP6 ? V2_TCP6_LEN : 0;
}

static enum proxy_progress v2_done(struct proxy_decoder *d)
{
    struct proxy_addresses *a = &d->addresses;
    struct reader r = reader_of(d->head, d->n);
    uint8_t command;
    uint8_t family;
    uint16_t len;
    size_t n;

    (void)reader_bytes(&r, sizeof signature);
    command = reader_u8(&r);
    family = reader_u8(&r);
    len = reader_u16(&r);
    n = v2_addresses_len(command, family);
    if (command != V2_LOCAL && command != V2_PROXY) {
        return refuse(d, "header of version 2 with an unknown command");
    }
    if (command == V2_PROXY && ((family >> 4) > 3 || (family & 15) > 2)) {
        return refuse(d, "header of version 2 with an unknown family");
    }
    if (len < n) {
        return refuse(d, "header of version 2 with no room for its addresses");
    }
    if (d->n < V2_HEAD_LEN + n) {
        return PROXY_MORE;
    }
    if (n != 0) {
        a->family = family == V2_TCP6 ? PROXY_TCP6 : PROXY_TCP4;
        reader_copy(&r, a->source, address_len(a->family));
        reader_copy(&r, a->destination, address_len(a->family));
        a->source_port = reader_u16(&r);
        a->destination_port = reader_u16(&r);
    }
    d->n_skip = (uint32_t)(len - n);
    return d->n_skip != 0 ? PROXY_MORE : PROXY_DONE;
}

static enum proxy_progress v2_byte(struct proxy_decoder *d, uint8_t byte)
{
    if (d->n <= sizeof signature && byte != signature[d->n - 1]) {
        return refuse(d, "no PROXY protocol header");
    }
    return d->n < V2_HEAD_LEN ? PROXY_MORE : v2_done(d);
}

static enum proxy_progress head_byte(struct proxy_decoder *d, uint8_t byte)
{
    d->head[d->n++] = byte;
    if (d->head[0] == (uint8_t)V1_PREFIX[0]) {
        return v1_byte(d, byte);
    }
    return v2_byte(d, byte);
}

static enum proxy_progress skip(struct proxy_decoder *d, size_t n, size_t *taken)
{
    const size_t some = d->n_skip < n ? d->n_skip : n;

    d->n_skip -= (uint32_t)some;
    *taken += some;
    return d->n_skip != 0 ? PROXY_MORE : PROXY_DONE;
}

enum proxy_progress proxy_decode(struct proxy_decoder *d, const uint8_t *p, size_t n, size_t *taken)
{
    enum proxy_progress progress = PROXY_MORE;

    *taken = 0;
    while (progress == PROXY_MORE && *taken < n) {
        if (d->n_skip != 0) {
            progress = skip(d, n - *taken, taken);
        } else {
            progress = head_byte(d, p[(*taken)++]);
        }
    }
    return progress;
}
