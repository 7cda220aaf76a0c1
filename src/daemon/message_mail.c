#include "message_mail.h"

#include <string.h>

#include "reader.h"
#include "writer.h"

#define CLAIM 1

_Static_assert(9 + 2 * (1 + MESSAGE_MAIL_NAME_MAX) + MESSAGE_MAIL_VALUE_MAX <= CHANNEL_MAIL_MAX,
               "the longest fits");

static void write_name(struct writer *w, const char *name)
{
    const size_t n = strnlen(name, MESSAGE_MAIL_NAME_MAX + 1);

    w->failed = w->failed || n == 0 || n > MESSAGE_MAIL_NAME_MAX;
    writer_u8(w, (uint8_t)n);
    writer_bytes(w, name, n);
}

static void write_value(struct writer *w, const uint8_t *value, size_t len)
{
    w->failed = w->failed || len > MESSAGE_MAIL_VALUE_MAX;
    writer_bytes(w, value, len);
}

static void read_name(struct reader *r, bool is_box, char out[static MESSAGE_MAIL_NAME_MAX + 1])
{
    static const char allowed[] = "/abcdefghijklmnopqrstuvwxyz0123456789._-";
    const size_t n = reader_u8(r);

    memset(out, 0, MESSAGE_MAIL_NAME_MAX + 1);
    if (n == 0 || n > MESSAGE_MAIL_NAME_MAX) {
        reader_fail(r);
        return;
    }
    reader_copy(r, (uint8_t *)out, n);
    if (strspn(out, is_box ? allowed : allowed + 1) != n) {
        reader_fail(r);
    }
}

static const uint8_t *read_value(struct reader *r, size_t *len)
{
    *len = reader_left(r);
    if (*len > MESSAGE_MAIL_VALUE_MAX) {
        reader_fail(r);
    }
    return reader_bytes(r, *len);
}

static bool read_flag(struct reader *r)
{
    const uint8_t value = reader_u8(r);

    if (value > 1) {
        reader_fail(r);
    }
    return value == 1;
}

size_t message_store_encode(bool is_up, uint8_t out[static CHANNEL_MAIL_MAX])
{
    out[0] = is_up;
    return 1;
}

bool message_store_decode(const uint8_t *p, size_t n, bool *is_up)
{
    struct reader r = reader_of(p, n);

    *is_up = read_flag(&r);
    return reader_done(&r);
}

size_t message_watch_encode(const char *box, uint8_t out[static CHANNEL_MAIL_MAX])
{
    struct writer w = writer_of(out, CHANNEL_MAIL_MAX);

    write_name(&w, box);
    return writer_len(&w);
}

bool message_watch_decode(const uint8_t *p, size_t n, char box[static MESSAGE_MAIL_NAME_MAX + 1])
{
    struct reader r = reader_of(p, n);

    read_name(&r, true, box);
    return reader_done(&r);
}

size_t message_put_encode(const char *box, const char *name, const struct message_put *m,
                          uint8_t out[static CHANNEL_MAIL_MAX])
{
    struct writer w = writer_of(out, CHANNEL_MAIL_MAX);

    writer_u8(&w, m->is_claim ? CLAIM : 0);
    writer_u64(&w, (uint64_t)m->lifetime_ms);
    write_name(&w, box);
    write_name(&w, name);
    write_value(&w, m->value, m->len);
    return writer_len(&w);
}

bool message_put_decode(const uint8_t *p, size_t n, struct message_put *out)
{
    struct reader r = reader_of(p, n);
    uint64_t lifetime_ms;

    out->is_claim = read_flag(&r);
    lifetime_ms = reader_u64(&r);
    if (lifetime_ms == 0 || lifetime_ms > INT64_MAX) {
        reader_fail(&r);
    }
    out->lifetime_ms = (int64_t)lifetime_ms;
    read_name(&r, true, out->place.box);
    read_name(&r, false, out->place.name);
    out->value = read_value(&r, &out->len);
    return reader_done(&r);
}

size_t message_list_encode(const char *box, unsigned most, uint8_t out[static CHANNEL_MAIL_MAX])
{
    struct writer w = writer_of(out, CHANNEL_MAIL_MAX);

    writer_u16(&w, most < UINT16_MAX ? (uint16_t)most : UINT16_MAX);
    write_name(&w, box);
    return writer_len(&w);
}

bool message_list_decode(const uint8_t *p, size_t n, struct message_list *out)
{
    struct reader r = reader_of(p, n);

    out->most = reader_u16(&r);
    if (out->most == 0) {
        reader_fail(&r);
    }
    read_name(&r, true, out->box);
    return reader_done(&r);
}

size_t message_erase_encode(const char *box, const char *name, uint8_t out[static CHANNEL_MAIL_MAX])
{
    struct writer w = writer_of(out, CHANNEL_MAIL_MAX);

    write_name(&w, box);
    write_name(&w, name);
    return writer_len(&w);
}

bool message_erase_decode(const uint8_t *p, size_t n, struct message_place *out)
{
    struct reader r = reader_of(p, n);

    read_name(&r, true, out->box);
    read_name(&r, false, out->name);
    return reader_done(&r);
}

size_t message_entry_encode(const char *name, const uint8_t *value, size_t len,
                            uint8_t out[static CHANNEL_MAIL_MAX])
{
    struct writer w = writer_of(out, CHANNEL_MAIL_MAX);

    write_name(&w, name);
    write_value(&w, value, len);
    return writer_len(&w);
}

bool message_entry_decode(const uint8_t *p, size_t n, struct message_entry *out)
{
    struct reader r = reader_of(p, n);

    read_name(&r, false, out->name);
    out->value = read_value(&r, &out->len);
    return reader_done(&r);
}

size_t message_listed_encode(const struct message_listed *m, uint8_t out[static CHANNEL_MAIL_MAX])
{
    struct writer w = writer_of(out, CHANNEL_MAIL_MAX);

    writer_u8(&w, m->ok);
    writer_u16(&w, m->n);
    writer_u32(&w, m->total);
    return writer_len(&w);
}

bool message_listed_decode(const uint8_t *p, size_t n, struct message_listed *out)
{
    struct reader r = reader_of(p, n);

    out->ok = read_flag(&r);
    out->n = reader_u16(&r);
    out->total = reader_u32(&r);
    return reader_done(&r);
}

size_t message_claimed_encode(const struct message_claimed *m, uint8_t out[static CHANNEL_MAIL_MAX])
{
    struct writer w = writer_of(out, CHANNEL_MAIL_MAX);

    writer_u8(&w, m->ok);
    writer_u8(&w, m->is_ours);
    return writer_len(&w);
}

bool message_claimed_decode(const uint8_t *p, size_t n, struct message_claimed *out)
{
    struct reader r = reader_of(p, n);

    out->ok = read_flag(&r);
    out->is_ours = read_flag(&r);
    return reader_done(&r) && (out->ok || !out->is_ours);
}
