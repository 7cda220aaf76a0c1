#include "session_asn1.h"

#include "reader.h"

#define TAG_INTEGER 0x02
#define TAG_OCTETS 0x04
#define TAG_BOOLEAN 0x01
#define TAG_SEQUENCE 0x30
#define TAG_CONTEXT 0xa0 /* constructed */
#define TAG_KEY_ARG 0x80 /* [0] IMPLICIT OCTET STRING: SSL 2.0, still skipped */

#define BORING_SHA256 13 /* [13] peerSHA256 OCTET STRING, where OpenSSL has INTEGER flags */
#define BORING_EMS 17    /* [17] extendedMasterSecret BOOLEAN */

#define ID_MAX 32
#define LEN_MIN 48 /* no session is shorter: its secret alone is 32 bytes or more */

struct element {
    uint8_t tag;
    struct reader content;
    const uint8_t *start;
    size_t len; /* with the header */
};

/* DER: definite lengths, in as few bytes as will do, and no tag of several bytes. */
static struct element next(struct reader *r)
{
    struct element e = {.start = r->at};
    size_t n;

    e.tag = reader_u8(r);
    n = reader_u8(r);
    if (n == 0x81) {
        n = reader_u8(r);
        if (n < 0x80) {
            reader_fail(r);
        }
    } else if (n == 0x82) {
        n = reader_u16(r);
        if (n < 0x100) {
            reader_fail(r);
        }
    } else if (n >= 0x80) {
        reader_fail(r);
    }
    e.content = reader_of(reader_bytes(r, n), r->failed ? 0 : n);
    e.content.failed = r->failed;
    e.len = r->failed ? 0 : (size_t)(r->at - e.start);
    return e;
}

static struct element expect(struct reader *r, uint8_t tag)
{
    struct element e = next(r);

    if (e.tag != tag) {
        reader_fail(r);
        e.content.failed = true;
    }
    return e;
}

/* Not negative and at most 8 bytes, with one zero before where the top bit is set. */
static bool take_number(struct reader content, uint64_t *out)
{
    size_t n = reader_left(&content);

    *out = 0;
    if (n == 0 || n > 9 || content.at[0] >= 0x80 || (n == 9 && content.at[0] != 0)) {
        return false;
    }
    while (n-- > 0) {
        *out = *out << 8 | reader_u8(&content);
    }
    return true;
}

static uint64_t expect_number(struct reader *r)
{
    const struct element e = expect(r, TAG_INTEGER);
    uint64_t value = 0;

    if (e.content.failed || !take_number(e.content, &value)) {
        reader_fail(r);
    }
    return value;
}

static bool is_version(uint64_t v)
{
    return (v >= 0x0300 && v <= 0x0304) || v == 0xfeff || v == 0xfefd;
}

static void take_field(struct reader *r, struct session_asn1 *out)
{
    struct element outer = next(r);
    const unsigned i = outer.tag & 0x1fU;
    struct element inner;

    if (outer.tag == TAG_KEY_ARG) {
        return;
    }
    if ((outer.tag & 0xe0) != TAG_CONTEXT || i >= SESSION_ASN1_TAGS || out->fields[i].p != NULL) {
        reader_fail(r);
        return;
    }
    inner = next(&outer.content);
    if (!reader_done(&outer.content)) {
        reader_fail(r);
        return;
    }
    out->fields[i] =
        (struct session_asn1_field){inner.content.at, reader_left(&inner.content), inner.tag};
    if (inner.tag == TAG_SEQUENCE) {
        out->fields[i].p = inner.start;
        out->fields[i].n = inner.len;
    }
}

static void take_head(struct reader *r, struct session_asn1 *out)
{
    const bool first = expect_number(r) == 1;
    const uint64_t version = expect_number(r);
    struct element cipher = expect(r, TAG_OCTETS);
    struct element id = expect(r, TAG_OCTETS);
    const struct element master = expect(r, TAG_OCTETS);

    out->version = (uint16_t)version;
    out->cipher = reader_u16(&cipher.content);
    out->session_id = id.content.at;
    out->session_id_len = reader_left(&id.content);
    out->master = master.content.at;
    out->master_len = reader_left(&master.content);
    if (!first || !is_version(version) || !reader_done(&cipher.content) ||
        out->session_id_len > ID_MAX || out->master_len > SESSION_ASN1_MASTER_MAX) {
        reader_fail(r);
    }
}

bool session_asn1_decode(const uint8_t *p, size_t n, struct session_asn1 *out)
{
    struct reader whole = reader_of(p, n);
    struct element session = expect(&whole, TAG_SEQUENCE);
    struct reader *r = &session.content;

    *out = (struct session_asn1){0};
    if (!reader_done(&whole)) {
        return false;
    }
    take_head(r, out);
    while (reader_left(r) != 0) {
        take_field(r, out);
    }
    if (!reader_done(r)) {
        *out = (struct session_asn1){0};
        return false;
    }
    out->boring = out->fields[BORING_SHA256].type == TAG_OCTETS ||
                  out->fields[BORING_EMS].type == TAG_BOOLEAN;
    return true;
}

size_t session_asn1_len(const uint8_t start[static 16])
{
    struct reader r = reader_of(start, 16);
    size_t n = 0;
    uint32_t version;
    uint8_t id_len;

    if (reader_u8(&r) != TAG_SEQUENCE) {
        return 0;
    }
    n = reader_u8(&r);
    if (n == 0x81) {
        n = 3 + (size_t)reader_u8(&r);
    } else if (n == 0x82) {
        n = 4 + (size_t)reader_u16(&r);
    } else if (n < LEN_MIN || n > 0x7f) {
        return 0;
    } else {
        n += 2;
    }
    if (reader_u24(&r) != 0x020101) {
        return 0;
    }
    version = reader_u16(&r);
    if (version == 0x0202) {
        version = reader_u16(&r);
    } else {
        return 0; /* DTLS, whose version takes three bytes, is not looked for */
    }
    if (!is_version(version) || reader_u16(&r) != 0x0402) {
        return 0;
    }
    (void)reader_u16(&r); /* cipher */
    if (reader_left(&r) == 0) {
        return n;
    }
    if (reader_u8(&r) != TAG_OCTETS) {
        return 0;
    }
    id_len = reader_left(&r) != 0 ? reader_u8(&r) : 0;
    return id_len <= ID_MAX ? n : 0;
}

bool session_asn1_number(const struct session_asn1 *s, enum session_asn1_tag tag, uint64_t *out)
{
    const struct session_asn1_field *f = &s->fields[tag];

    *out = 0;
    return f->p != NULL && f->type == TAG_INTEGER && take_number(reader_of(f->p, f->n), out);
}

bool session_asn1_octets(const struct session_asn1 *s, enum session_asn1_tag tag, const uint8_t **p,
                         size_t *n)
{
    const struct session_asn1_field *f = &s->fields[tag];
    const bool present = f->p != NULL && f->type == TAG_OCTETS;

    *p = present ? f->p : NULL;
    *n = present ? f->n : 0;
    return present;
}

bool session_asn1_ems(const struct session_asn1 *s)
{
    uint64_t flags;

    if (s->boring) {
        const struct session_asn1_field *f = &s->fields[BORING_EMS];

        return f->type == TAG_BOOLEAN && f->n == 1 && f->p[0] != 0;
    }
    return session_asn1_number(s, SESSION_ASN1_FLAGS, &flags) &&
           (flags & SESSION_ASN1_FLAG_EMS) != 0;
}
