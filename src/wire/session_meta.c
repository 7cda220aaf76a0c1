#include "session_meta.h"

#include <string.h>

#include "reader.h"
#include "writer.h"

#define META_VERSION 3
#define META_EMS 0x01

_Static_assert(SESSION_META_LEN == 1 + 1 + 2 + 2 * 8 + SESSION_HASH_LEN, "layout");

void session_meta_encode(const struct session_meta *m, uint8_t out[static SESSION_META_LEN])
{
    struct writer w = writer_of(out, SESSION_META_LEN);

    writer_u8(&w, META_VERSION);
    writer_u8(&w, m->ems ? META_EMS : 0);
    writer_u16(&w, m->version);
    writer_u64(&w, (uint64_t)m->origin_ms);
    writer_u64(&w, (uint64_t)m->sealed_ms);
    writer_bytes(&w, m->binding, sizeof m->binding);
}

static bool in_range(const struct session_meta *m)
{
    return (m->version == 0x0303 || (m->version == 0x0304 && m->ems)) && m->origin_ms >= 0 &&
           m->sealed_ms >= m->origin_ms;
}

bool session_meta_decode(const uint8_t *p, size_t n, struct session_meta *out)
{
    struct reader r = reader_of(p, n);
    const uint8_t version = reader_u8(&r);
    const uint8_t flags = reader_u8(&r);

    memset(out, 0, sizeof *out);
    out->ems = (flags & META_EMS) != 0;
    out->version = reader_u16(&r);
    out->origin_ms = (int64_t)reader_u64(&r);
    out->sealed_ms = (int64_t)reader_u64(&r);
    reader_copy(&r, out->binding, sizeof out->binding);
    if (!reader_done(&r) || version != META_VERSION || (flags & ~META_EMS) != 0 || !in_range(out)) {
        memset(out, 0, sizeof *out);
        return false;
    }
    return true;
}
