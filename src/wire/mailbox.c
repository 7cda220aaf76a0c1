#include "mailbox.h"

#include <string.h>

#include "memory.h"
#include "reader.h"
#include "writer.h"

#define HELD_UNUSED 7
#define HEALTH_KNOWN (MAILBOX_HEALTH_REPLACED | MAILBOX_HEALTH_RELOAD | MAILBOX_HEALTH_SECRETS)
#define FLAG_HELD 0x01
#define FLAG_SEALS 0x02

static const struct mailbox_id no_id;

static struct mailbox_id read_id(struct reader *r)
{
    struct mailbox_id id;

    reader_copy(r, id.bytes, sizeof id.bytes);
    return id;
}

static void write_id(struct writer *w, const struct mailbox_id *id)
{
    writer_bytes(w, id->bytes, sizeof id->bytes);
}

/* Anything but 0 and 1 fails the reader. */
static bool read_bool(struct reader *r)
{
    const uint8_t value = reader_u8(r);

    if (value > 1) {
        reader_fail(r);
    }
    return value == 1;
}

static bool is_span(int64_t ms, int64_t least)
{
    return ms >= least && ms <= MAILBOX_SPAN_MAX;
}

static bool is_ring_time(int64_t ms)
{
    return ms >= -MAILBOX_RING_TIME_MAX && ms <= MAILBOX_RING_TIME_MAX;
}

bool mailbox_id_equal(const struct mailbox_id *a, const struct mailbox_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

void mailbox_header_encode(const struct mailbox_header *h, uint8_t out[static MAILBOX_HEADER_LEN])
{
    struct writer w = writer_of(out, MAILBOX_HEADER_LEN);

    writer_u8(&w, MAILBOX_VERSION);
    writer_u8(&w, (uint8_t)h->type);
    write_id(&w, &h->from);
    write_id(&w, &h->to);
    write_id(&w, &h->nonce);
}

bool mailbox_header_decode(const uint8_t *p, size_t n, struct mailbox_header *out)
{
    struct reader r = reader_of(p, n);
    const uint8_t version = reader_u8(&r);
    const uint8_t type = reader_u8(&r);
    const struct mailbox_id from = read_id(&r);
    const struct mailbox_id to = read_id(&r);
    const struct mailbox_id nonce = read_id(&r);

    *out = (struct mailbox_header){0};
    if (r.failed || version != MAILBOX_VERSION || type < MAILBOX_PRESENCE ||
        type > MAILBOX_TIME_ANSWER ||
        (type == MAILBOX_PRESENCE && !mailbox_id_equal(&to, &no_id))) {
        return false;
    }
    *out = (struct mailbox_header){(enum mailbox_type)type, from, to, nonce};
    return true;
}

static bool is_text(const char *s, size_t least)
{
    const size_t n = strnlen(s, MAILBOX_TEXT_MAX + 1);

    for (size_t i = 0; i < n; i++) {
        if (s[i] <= ' ' || s[i] > '~') {
            return false;
        }
    }
    return n >= least && n <= MAILBOX_TEXT_MAX;
}

static void write_text(struct writer *w, const char *s)
{
    const size_t mark = writer_open(w, 1);

    writer_bytes(w, s, strlen(s));
    writer_close(w, mark, 1);
}

/* Whether it is good text is judged with the rest; a NUL inside would hide what follows it. */
static void read_text(struct reader *r, char out[static MAILBOX_TEXT_MAX + 1])
{
    struct reader text = reader_vec8(r);
    const size_t n = reader_left(&text);

    if (n > MAILBOX_TEXT_MAX) {
        reader_fail(r);
        return;
    }
    reader_copy(&text, (uint8_t *)out, n);
    if (strnlen(out, n) != n) {
        reader_fail(r);
    }
}

static bool held_is_sound(const struct mailbox_presence *m)
{
    unsigned n_seals = 0;

    if (m->n_held > MAILBOX_HELD_MAX) {
        return false;
    }
    for (unsigned i = 0; i < m->n_held; i++) {
        n_seals += m->held[i].seals ? 1 : 0;
        if (m->held[i].epoch > MAILBOX_EPOCH_MAX || !is_ring_time(m->held[i].ring_ms)) {
            return false;
        }
        for (unsigned j = 0; j < i; j++) {
            if (mailbox_id_equal(&m->held[i].ring, &m->held[j].ring)) {
                return false;
            }
        }
    }
    return n_seals <= 1;
}

static bool presence_is_sound(const struct mailbox_presence *m)
{
    return (m->health & ~HEALTH_KNOWN) == 0 && is_span(m->rotate_ms, 1) &&
           is_span(m->accept_ms, 0) && is_span(m->reseed_ms, 0) && held_is_sound(m) &&
           is_text(m->name, 1) && is_text(m->address, 0) && is_text(m->version, 1);
}

size_t mailbox_presence_encode(const struct mailbox_presence *m,
                               uint8_t out[static MAILBOX_PRESENCE_MAX])
{
    static const uint8_t unused[HELD_UNUSED];
    struct writer w = writer_of(out, MAILBOX_PRESENCE_MAX);

    if (!presence_is_sound(m)) {
        return 0;
    }
    writer_u64(&w, m->seq);
    write_id(&w, &m->invite);
    writer_u8(&w, m->is_member ? 1 : 0);
    writer_u8(&w, m->health);
    writer_u64(&w, (uint64_t)m->rotate_ms);
    writer_u64(&w, (uint64_t)m->accept_ms);
    writer_u64(&w, (uint64_t)m->reseed_ms);
    writer_u32(&w, m->uncertainty_ms);
    writer_u8(&w, (uint8_t)m->n_held);
    for (unsigned i = 0; i < m->n_held; i++) {
        write_id(&w, &m->held[i].ring);
        writer_u64(&w, (uint64_t)m->held[i].ring_ms);
        writer_u64(&w, m->held[i].epoch);
        writer_u8(&w, m->held[i].seals ? 1 : 0);
        writer_bytes(&w, unused, sizeof unused);
    }
    write_text(&w, m->name);
    write_text(&w, m->address);
    write_text(&w, m->version);
    return writer_len(&w);
}

static struct mailbox_held read_held(struct reader *r)
{
    struct mailbox_held held = {0};

    held.ring = read_id(r);
    held.ring_ms = (int64_t)reader_u64(r);
    held.epoch = reader_u64(r);
    held.seals = read_bool(r);
    for (unsigned i = 0; i < HELD_UNUSED; i++) {
        if (reader_u8(r) != 0) {
            reader_fail(r);
        }
    }
    return held;
}

bool mailbox_presence_decode(const uint8_t *p, size_t n, struct mailbox_presence *out)
{
    struct reader r = reader_of(p, n);

    memset(out, 0, sizeof *out);
    out->seq = reader_u64(&r);
    out->invite = read_id(&r);
    out->is_member = read_bool(&r);
    out->health = reader_u8(&r);
    out->rotate_ms = (int64_t)reader_u64(&r);
    out->accept_ms = (int64_t)reader_u64(&r);
    out->reseed_ms = (int64_t)reader_u64(&r);
    out->uncertainty_ms = reader_u32(&r);
    out->n_held = reader_u8(&r);
    for (unsigned i = 0; i < out->n_held && i < MAILBOX_HELD_MAX; i++) {
        out->held[i] = read_held(&r);
    }
    read_text(&r, out->name);
    read_text(&r, out->address);
    read_text(&r, out->version);
    if (!reader_done(&r) || !presence_is_sound(out)) {
        memset(out, 0, sizeof *out);
        return false;
    }
    return true;
}

void mailbox_time_encode(const struct mailbox_time *m, uint8_t out[static MAILBOX_TIME_ANSWER_LEN])
{
    struct writer w = writer_of(out, MAILBOX_TIME_ANSWER_LEN);

    write_id(&w, &m->question);
    write_id(&w, &m->ring);
    writer_u64(&w, (uint64_t)m->ring_ms);
}

bool mailbox_time_decode(const uint8_t *p, size_t n, struct mailbox_time *out)
{
    struct reader r = reader_of(p, n);

    memset(out, 0, sizeof *out);
    out->question = read_id(&r);
    out->ring = read_id(&r);
    out->ring_ms = (int64_t)reader_u64(&r);
    if (!reader_done(&r) || !is_ring_time(out->ring_ms)) {
        memset(out, 0, sizeof *out);
        return false;
    }
    return true;
}

/* The roots end with that of the epoch after the ring's, where the chain is there to go on from it,
 * and not later where it is not. */
static bool ring_is_sound(const struct mailbox_ring *ring)
{
    const uint64_t end = ring->first + ring->n_roots;

    return ring->epoch <= MAILBOX_EPOCH_MAX && ring->first <= MAILBOX_EPOCH_MAX &&
           is_ring_time(ring->ring_ms) && ring->n_roots <= MAILBOX_ROOTS_MAX &&
           (ring->held || !ring->seals) && end <= ring->epoch + 2 &&
           (!ring->held || ring->n_roots == 0 || end == ring->epoch + 2);
}

static bool rings_are_sound(const struct mailbox_rings *m)
{
    unsigned n_seals = 0;
    unsigned n_held = 0;

    if (m->n < 1 || m->n > MAILBOX_RINGS_MAX || !is_span(m->rotate_ms, 1) ||
        !is_span(m->accept_ms, 0)) {
        return false;
    }
    for (unsigned i = 0; i < m->n; i++) {
        n_seals += m->rings[i].seals ? 1 : 0;
        n_held += m->rings[i].held ? 1 : 0;
        if (!ring_is_sound(&m->rings[i])) {
            return false;
        }
        for (unsigned j = 0; j < i; j++) {
            if (mailbox_id_equal(&m->rings[i].id, &m->rings[j].id)) {
                return false;
            }
        }
    }
    return n_seals == 1 && n_held <= MAILBOX_HELD_MAX;
}

static void write_ring(struct writer *w, const struct mailbox_ring *ring)
{
    write_id(w, &ring->id);
    writer_u8(w, (uint8_t)((ring->held ? FLAG_HELD : 0) | (ring->seals ? FLAG_SEALS : 0)));
    writer_u64(w, (uint64_t)ring->ring_ms);
    writer_u64(w, ring->epoch);
    if (ring->held) {
        writer_bytes(w, ring->chain, sizeof ring->chain);
    }
    writer_u64(w, ring->first);
    writer_u16(w, (uint16_t)ring->n_roots);
    writer_bytes(w, ring->roots, (size_t)ring->n_roots * MAILBOX_KEY_LEN);
}

size_t mailbox_rings_encode(const struct mailbox_rings *m, uint8_t *out, size_t room)
{
    struct writer w = writer_of(out, room);

    if (!rings_are_sound(m)) {
        return 0;
    }
    writer_u64(&w, (uint64_t)m->rotate_ms);
    writer_u64(&w, (uint64_t)m->accept_ms);
    writer_u8(&w, (uint8_t)m->n);
    for (unsigned i = 0; i < m->n; i++) {
        write_ring(&w, &m->rings[i]);
    }
    if (w.failed && room != 0) {
        memory_wipe(out, room);
    }
    return writer_len(&w);
}

static void read_ring(struct reader *r, struct mailbox_ring *out)
{
    uint8_t flags;

    out->id = read_id(r);
    flags = reader_u8(r);
    if ((flags & ~(FLAG_HELD | FLAG_SEALS)) != 0) {
        reader_fail(r);
    }
    out->held = (flags & FLAG_HELD) != 0;
    out->seals = (flags & FLAG_SEALS) != 0;
    out->ring_ms = (int64_t)reader_u64(r);
    out->epoch = reader_u64(r);
    if (out->held) {
        reader_copy(r, out->chain, sizeof out->chain);
    }
    out->first = reader_u64(r);
    out->n_roots = reader_u16(r);
    if (out->n_roots != 0) {
        out->roots = reader_bytes(r, (size_t)out->n_roots * MAILBOX_KEY_LEN);
    }
}

bool mailbox_rings_decode(const uint8_t *p, size_t n, struct mailbox_rings *out)
{
    struct reader r = reader_of(p, n);

    memset(out, 0, sizeof *out);
    out->rotate_ms = (int64_t)reader_u64(&r);
    out->accept_ms = (int64_t)reader_u64(&r);
    out->n = reader_u8(&r);
    for (unsigned i = 0; i < out->n && i < MAILBOX_RINGS_MAX; i++) {
        read_ring(&r, &out->rings[i]);
    }
    if (!reader_done(&r) || !rings_are_sound(out)) {
        memory_wipe(out, sizeof *out);
        return false;
    }
    return true;
}
