#include "session_der.h"

#include "memory.h"
#include "writer.h"

#define TAG_INTEGER 0x02
#define TAG_OCTETS 0x04
#define TAG_SEQUENCE 0x30
#define TAG_CONTEXT 0xa0

#define STRUCTURE_VERSION 1
#define FLAG_EXTENDED_MASTER 1 /* SSL_SESS_FLAG_EXTMS */
#define ID_MAX 32
#define PROTOCOL 0x0303

#define MAX_FIELDS 11

struct field {
    uint8_t outer; /* explicit tag around it; 0: none */
    uint8_t tag;   /* 0: p is a whole element already */
    const uint8_t *p;
    size_t n;
    uint8_t digits[8]; /* of an integer; p points here */
};

struct fields {
    struct field of[MAX_FIELDS];
    size_t n;
};

static void add_bytes(struct fields *f, uint8_t outer, uint8_t tag, const uint8_t *p, size_t n)
{
    f->of[f->n++] = (struct field){.outer = outer, .tag = tag, .p = p, .n = n};
}

/* Two's complement in as few bytes as will do: a zero byte leads where the top bit would be set. */
static void add_integer(struct fields *f, uint8_t outer, int64_t value)
{
    struct field *field = &f->of[f->n++];
    size_t n = 1;

    while (n < 8 && value >> (8 * n - 1) != 0) {
        n++;
    }
    *field = (struct field){.outer = outer, .tag = TAG_INTEGER, .p = field->digits, .n = n};
    for (size_t i = 0; i < n; i++) {
        field->digits[n - 1 - i] = (uint8_t)(value >> (8 * i));
    }
}

/* A tag, a length and n bytes of content. */
static size_t element_len(size_t n)
{
    return n + (n < 0x80 ? 2 : n <= 0xff ? 3 : 4);
}

static void write_header(struct writer *w, uint8_t tag, size_t n)
{
    writer_u8(w, tag);
    if (n < 0x80) {
        writer_u8(w, (uint8_t)n);
    } else if (n <= 0xff) {
        writer_u8(w, 0x81);
        writer_u8(w, (uint8_t)n);
    } else {
        writer_u8(w, 0x82);
        writer_u16(w, (uint16_t)n);
    }
}

static size_t inner_len(const struct field *f)
{
    return f->tag != 0 ? element_len(f->n) : f->n;
}

static size_t outer_len(const struct field *f)
{
    return f->outer != 0 ? element_len(inner_len(f)) : inner_len(f);
}

static void write_field(struct writer *w, const struct field *f)
{
    if (f->outer != 0) {
        write_header(w, f->outer, inner_len(f));
    }
    if (f->tag != 0) {
        write_header(w, f->tag, f->n);
    }
    writer_bytes(w, f->p, f->n);
}

static bool in_range(const struct session_record *r, const struct session_der *d)
{
    return r->meta.version == PROTOCOL && r->lifetime_s != 0 && r->verify_result <= INT32_MAX &&
           r->peer_len <= SESSION_PEER_MAX && d->time_s > 0 && d->session_id_len <= ID_MAX &&
           d->id_context_len <= ID_MAX;
}

size_t session_der_encode(const struct session_record *r, const struct session_der *d, uint8_t *out,
                          size_t size)
{
    const uint8_t cipher[2] = {(uint8_t)(r->cipher >> 8), (uint8_t)r->cipher};
    struct fields f = {.n = 0};
    struct writer w = writer_of(out, size);
    size_t len = 0;

    if (!in_range(r, d)) {
        return 0;
    }
    add_integer(&f, 0, STRUCTURE_VERSION);
    add_integer(&f, 0, r->meta.version);
    add_bytes(&f, 0, TAG_OCTETS, cipher, sizeof cipher);
    add_bytes(&f, 0, TAG_OCTETS, d->session_id, d->session_id_len);
    add_bytes(&f, 0, TAG_OCTETS, r->master, sizeof r->master);
    add_integer(&f, TAG_CONTEXT | 1, d->time_s);
    add_integer(&f, TAG_CONTEXT | 2, r->lifetime_s);
    if (r->peer != NULL) {
        add_bytes(&f, TAG_CONTEXT | 3, 0, r->peer, r->peer_len);
    }
    add_bytes(&f, TAG_CONTEXT | 4, TAG_OCTETS, d->id_context, d->id_context_len);
    if (r->verify_result != 0) {
        add_integer(&f, TAG_CONTEXT | 5, r->verify_result);
    }
    if (r->meta.ems) {
        add_integer(&f, TAG_CONTEXT | 13, FLAG_EXTENDED_MASTER);
    }
    for (size_t i = 0; i < f.n; i++) {
        len += outer_len(&f.of[i]);
    }
    write_header(&w, TAG_SEQUENCE, len);
    for (size_t i = 0; i < f.n; i++) {
        write_field(&w, &f.of[i]);
    }
    if (w.failed) {
        memory_wipe(out, size);
    }
    return writer_len(&w);
}
