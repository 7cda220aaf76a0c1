#include "new_session_ticket.h"

#include <string.h>

#include "reader.h"
#include "writer.h"

#define TLS12 0x0303
#define TLS13 0x0304

static bool next_extension(struct reader *r, struct new_session_ticket_extension *out)
{
    struct reader body;

    out->type = reader_u16(r);
    body = reader_vec16(r);
    out->body = body.at;
    out->len = reader_left(&body);
    return !r->failed;
}

/* A bit for each type: a hostile message has 16,384 extensions, and comparing each with those
 * before it would take long. */
struct seen {
    uint8_t bits[(UINT16_MAX + 1) / 8];
};

/* Whether the type was there before. */
static bool note(struct seen *seen, uint16_t type)
{
    const uint8_t bit = (uint8_t)(1U << type % 8);
    const bool before = (seen->bits[type / 8] & bit) != 0;

    seen->bits[type / 8] |= bit;
    return before;
}

static bool take_extensions(struct reader *r, struct new_session_ticket *out)
{
    const uint8_t *start = r->at;
    struct new_session_ticket_extension e;
    struct seen seen = {0};

    out->extensions = start;
    out->extensions_len = reader_left(r);
    while (reader_left(r) != 0) {
        if (!next_extension(r, &e)) {
            return false;
        }
        if (note(&seen, e.type)) {
            out->has_duplicate = true;
        }
        out->n_extensions++;
        if (e.type == NEW_SESSION_TICKET_EARLY_DATA) {
            struct reader body = reader_of(e.body, e.len);

            out->has_early_data = true;
            out->max_early_data = reader_u32(&body);
            if (!reader_done(&body)) {
                return false;
            }
        }
    }
    return !r->failed;
}

static bool give(bool good, struct new_session_ticket *out)
{
    if (!good) {
        *out = (struct new_session_ticket){0};
    }
    return good;
}

bool new_session_ticket_decode_12(const uint8_t *body, size_t n, struct new_session_ticket *out)
{
    struct reader r = reader_of(body, n);
    struct reader ticket;

    *out = (struct new_session_ticket){.version = TLS12};
    out->lifetime_s = reader_u32(&r);
    ticket = reader_vec16(&r);
    out->ticket = ticket.at;
    out->ticket_len = reader_left(&ticket);
    return give(reader_done(&r), out);
}

bool new_session_ticket_decode_13(const uint8_t *body, size_t n, struct new_session_ticket *out)
{
    struct reader r = reader_of(body, n);
    struct reader part;

    *out = (struct new_session_ticket){.version = TLS13};
    out->lifetime_s = reader_u32(&r);
    out->age_add = reader_u32(&r);
    part = reader_vec8(&r);
    out->nonce = part.at;
    out->nonce_len = reader_left(&part);
    part = reader_vec16(&r);
    out->ticket = part.at;
    out->ticket_len = reader_left(&part);
    part = reader_vec16(&r);
    return give(reader_done(&r) && out->ticket_len != 0 && take_extensions(&part, out), out);
}

static bool decode_body(const uint8_t *body, size_t n, struct new_session_ticket *out)
{
    return new_session_ticket_decode_13(body, n, out) || new_session_ticket_decode_12(body, n, out);
}

bool new_session_ticket_detect(const uint8_t *p, size_t n, struct new_session_ticket *out)
{
    struct reader r = reader_of(p, n);

    if (reader_u8(&r) == NEW_SESSION_TICKET_TYPE && reader_u24(&r) == reader_left(&r) &&
        !r.failed && decode_body(r.at, reader_left(&r), out)) {
        return true;
    }
    return decode_body(p, n, out);
}

bool new_session_ticket_extension(const struct new_session_ticket *t, size_t i,
                                  struct new_session_ticket_extension *out)
{
    struct reader r = reader_of(t->extensions, t->extensions_len);

    for (size_t at = 0; reader_left(&r) != 0 && next_extension(&r, out); at++) {
        if (at == i) {
            return true;
        }
    }
    *out = (struct new_session_ticket_extension){0};
    return false;
}

size_t new_session_ticket_encode(const struct new_session_ticket *t, uint8_t *out, size_t size)
{
    struct writer w = writer_of(out, size);

    if (t->ticket_len > UINT16_MAX || (t->version != TLS12 && t->version != TLS13)) {
        return 0;
    }
    writer_u32(&w, t->lifetime_s);
    if (t->version == TLS13) {
        if (t->nonce_len > UINT8_MAX || t->extensions_len > UINT16_MAX || t->ticket_len == 0) {
            return 0;
        }
        writer_u32(&w, t->age_add);
        writer_u8(&w, (uint8_t)t->nonce_len);
        writer_bytes(&w, t->nonce, t->nonce_len);
    }
    writer_u16(&w, (uint16_t)t->ticket_len);
    writer_bytes(&w, t->ticket, t->ticket_len);
    if (t->version == TLS13) {
        writer_u16(&w, (uint16_t)t->extensions_len);
        writer_bytes(&w, t->extensions, t->extensions_len);
    }
    return writer_len(&w);
}
