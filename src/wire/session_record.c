#include "session_record.h"

#include <string.h>

#include "memory.h"
#include "reader.h"
#include "writer.h"

#define RECORD_VERSION 3
#define RECORD_EMS 0x01
#define RECORD_PEER 0x02
#define RECORD_FLAGS (RECORD_EMS | RECORD_PEER)
#define RECORD_PROTOCOL 0x0303

_Static_assert(SESSION_RECORD_FIXED_LEN == 1 + 1 + 2 + 4 + 4 + 2 * 8 + SESSION_CONTEXT_LEN +
                                               SESSION_HASH_LEN + SESSION_MASTER_LEN,
               "layout");

static bool in_range(const struct session_record *r)
{
    const bool peer_fits =
        r->peer == NULL ? r->peer_len == 0 : r->peer_len != 0 && r->peer_len <= SESSION_PEER_MAX;

    return peer_fits && r->meta.version == RECORD_PROTOCOL && r->meta.origin_ms >= 0 &&
           r->meta.sealed_ms >= r->meta.origin_ms;
}

size_t session_record_encode(const struct session_record *r, uint8_t *out, size_t size)
{
    struct writer w = writer_of(out, size);

    if (!in_range(r)) {
        return 0;
    }
    writer_u8(&w, RECORD_VERSION);
    writer_u8(&w, (uint8_t)((r->meta.ems ? RECORD_EMS : 0) | (r->peer != NULL ? RECORD_PEER : 0)));
    writer_u16(&w, r->cipher);
    writer_u32(&w, r->lifetime_s);
    writer_u32(&w, r->verify_result);
    writer_u64(&w, (uint64_t)r->meta.origin_ms);
    writer_u64(&w, (uint64_t)r->meta.sealed_ms);
    writer_bytes(&w, r->meta.context, sizeof r->meta.context);
    writer_bytes(&w, r->meta.binding, sizeof r->meta.binding);
    writer_bytes(&w, r->master, sizeof r->master);
    if (r->peer != NULL) {
        writer_u16(&w, (uint16_t)r->peer_len);
        writer_bytes(&w, r->peer, r->peer_len);
    }
    if (w.failed) {
        memory_wipe(out, size);
    }
    return writer_len(&w);
}

bool session_record_decode(const uint8_t *p, size_t n, struct session_record *out)
{
    struct reader r = reader_of(p, n);
    const uint8_t version = reader_u8(&r);
    const uint8_t flags = reader_u8(&r);

    memset(out, 0, sizeof *out);
    out->meta.ems = (flags & RECORD_EMS) != 0;
    out->meta.version = RECORD_PROTOCOL;
    out->cipher = reader_u16(&r);
    out->lifetime_s = reader_u32(&r);
    out->verify_result = reader_u32(&r);
    out->meta.origin_ms = (int64_t)reader_u64(&r);
    out->meta.sealed_ms = (int64_t)reader_u64(&r);
    reader_copy(&r, out->meta.context, sizeof out->meta.context);
    reader_copy(&r, out->meta.binding, sizeof out->meta.binding);
    reader_copy(&r, out->master, sizeof out->master);
    if ((flags & RECORD_PEER) != 0) {
        out->peer_len = reader_u16(&r);
        out->peer = reader_bytes(&r, out->peer_len);
    }
    if (!reader_done(&r) || version != RECORD_VERSION || (flags & ~RECORD_FLAGS) != 0 ||
        !in_range(out)) {
        memory_wipe(out, sizeof *out);
        return false;
    }
    return true;
}
