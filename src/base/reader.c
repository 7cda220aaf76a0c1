#include "reader.h"

#include <endian.h>
#include <string.h>

struct reader reader_of(const void *p, size_t n)
{
    static const uint8_t nothing[1];
    const uint8_t *at = n != 0 ? p : nothing;
    const struct reader r = {at, at + n, false};

    return r;
}

uint8_t reader_u8(struct reader *r)
{
    const uint8_t *p = reader_bytes(r, 1);

    return p != NULL ? p[0] : 0;
}

uint16_t reader_u16(struct reader *r)
{
    const uint8_t *p = reader_bytes(r, 2);

    return p != NULL ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

uint32_t reader_u24(struct reader *r)
{
    const uint8_t *p = reader_bytes(r, 3);

    return p != NULL ? (uint32_t)(p[0] << 16 | p[1] << 8 | p[2]) : 0;
}

uint32_t reader_u32(struct reader *r)
{
    uint32_t value = 0;

    reader_copy(r, (uint8_t *)&value, sizeof value);
    return be32toh(value);
}

uint64_t reader_u64(struct reader *r)
{
    uint64_t value = 0;

    reader_copy(r, (uint8_t *)&value, sizeof value);
    return be64toh(value);
}

const uint8_t *reader_bytes(struct reader *r, size_t n)
{
    const uint8_t *p = r->at;

    if (r->failed || n > (size_t)(r->end - r->at)) {
        reader_fail(r);
        return NULL;
    }
    r->at += n;
    return p;
}

void reader_copy(struct reader *r, uint8_t *out, size_t n)
{
    const uint8_t *p = reader_bytes(r, n);

    if (p != NULL) {
        memcpy(out, p, n);
    } else {
        memset(out, 0, n);
    }
}

/* A reader over the next n bytes; a failed one on failure. */
static struct reader sub_reader(struct reader *r, size_t n)
{
    const uint8_t *p = reader_bytes(r, n);
    struct reader sub = reader_of(p, p != NULL ? n : 0);

    sub.failed = p == NULL;
    return sub;
}

struct reader reader_vec8(struct reader *r)
{
    return sub_reader(r, reader_u8(r));
}

struct reader reader_vec16(struct reader *r)
{
    return sub_reader(r, reader_u16(r));
}

size_t reader_left(const struct reader *r)
{
    return r->failed ? 0 : (size_t)(r->end - r->at);
}

void reader_fail(struct reader *r)
{
    r->failed = true;
    r->at = r->end;
}

bool reader_done(const struct reader *r)
{
    return !r->failed && r->at == r->end;
}
