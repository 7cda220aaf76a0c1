#include "cache_shard.h"

#include <string.h>

#include "cache_use.h"

/* The word in front of a record: state in the upper half, number of sealed bytes in the lower. */
#define STATE_LIVE UINT32_C(0x4c490000)
#define STATE_DEAD UINT32_C(0x44450000)
#define STATE_GAP UINT32_C(0x47410000)
#define STATE_MASK UINT32_C(0xffff0000)

#define ENTRY_POSITION ((UINT64_C(1) << 48) - 1)
#define CACHE_LINE 64
#define USUAL_SIZE 152 /* of a record without a client certificate */
#define PLACE_ENTRIES (2 * CACHE_BUCKET_ENTRIES)

_Static_assert(CACHE_RECORD_MAX <= 0xffff, "a length is half a word");
_Static_assert(CACHE_LOG_MIN >= 2 * (CACHE_RECORD_MAX + CACHE_RECORD_HEAD_LEN + 8),
               "a record and the gap before it fit");

/* What is kept of a session ID and where its entry may be. */
struct place {
    const uint8_t *id; /* CACHE_RECORD_ID_LEN */
    uint64_t tag;      /* in the upper 16 bits */
    uint64_t *bucket[2];
};

/* A record that was checked to lie within the log. */
struct record {
    uint64_t size; /* with word and padding; of a gap, up to the end of the lap */
    uint8_t *at;
    uint32_t state;
    size_t n; /* sealed bytes; 0 of a gap */
};

/*
 * The positions that the log holds. Read from shared memory once in each operation, checked, and
 * from then on this copy is what counts.
 */
struct span {
    uint64_t tail;
    uint64_t head;
};

static uint64_t record_size(size_t n)
{
    return (CACHE_RECORD_HEAD_LEN + (uint64_t)n + 7) & ~UINT64_C(7);
}

/*
 * Shared memory may change under a check. What decides about bounds is therefore read exactly
 * once, through these.
 */
static uint32_t load32(const uint8_t *p)
{
    return *(const volatile uint32_t *)(const volatile void *)p;
}

static uint64_t load64(const uint64_t *p)
{
    return *(const volatile uint64_t *)p;
}

static void store32(uint8_t *p, uint32_t value)
{
    *(volatile uint32_t *)(volatile void *)p = value;
}

static void begin(const struct cache_shard *s)
{
    atomic_store_explicit(&s->head->changing, 1, memory_order_relaxed);
    /* A killed process leaves what came before the kill in program order: only the compiler must
     * be kept from moving stores. */
    atomic_signal_fence(memory_order_seq_cst);
}

static void end(const struct cache_shard *s)
{
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&s->head->changing, 0, memory_order_relaxed);
}

static struct span load_span(const struct cache_shard *s)
{
    return (struct span){
        .tail = atomic_load_explicit(&s->head->tail, memory_order_relaxed),
        .head = atomic_load_explicit(&s->head->head, memory_order_relaxed),
    };
}

/* The tail first: killed in between while it overtakes the head, the shard is found unsound. */
static void store_span(const struct cache_shard *s, struct span log)
{
    atomic_store_explicit(&s->head->tail, log.tail, memory_order_relaxed);
    atomic_store_explicit(&s->head->head, log.head, memory_order_relaxed);
}

static bool sound(const struct cache_shard *s, struct span log)
{
    return log.tail >= s->log_len && log.tail <= log.head && log.head - log.tail <= s->log_len &&
           log.head < CACHE_POSITION_END && log.tail % 8 == 0 && log.head % 8 == 0;
}

static bool holds(struct span log, uint64_t position)
{
    return position >= log.tail && position < log.head;
}

/* Gives all records up and starts on an empty index. */
static struct span restart(const struct cache_shard *s)
{
    const struct span log = {.tail = s->log_len, .head = s->log_len};

    memset(s->index, 0, s->n_buckets * CACHE_BUCKET_LEN);
    store_span(s, log);
    s->head->counts.n_records = 0;
    s->head->counts.n_bytes = 0;
    return log;
}

/*
 * The same at the cost of a few stores: the log goes on beyond every position that an entry may
 * hold. Falls back on starting anew where positions do not add up or come to their end.
 */
static struct span drop_all(const struct cache_shard *s, struct span log)
{
    const uint64_t beyond = (log.head / s->log_len + 2) * s->log_len;

    s->head->counts.n_emptied++;
    if (!sound(s, log) || beyond >= CACHE_POSITION_END) {
        return restart(s);
    }
    log = (struct span){.tail = beyond, .head = beyond};
    store_span(s, log);
    s->head->counts.n_records = 0;
    s->head->counts.n_bytes = 0;
    return log;
}

/* The record at a position that the log holds; false if there is none. */
static bool record_at(const struct cache_shard *s, struct span log, uint64_t position,
                      struct record *out)
{
    const uint64_t offset = position % s->log_len;
    const uint64_t left = s->log_len - offset;
    uint32_t word;

    out->at = s->log + offset;
    word = load32(out->at);
    out->state = word & STATE_MASK;
    out->n = word & ~STATE_MASK;
    out->size = out->state == STATE_GAP ? left : record_size(out->n);
    if (out->size > left || out->size > log.head - position) {
        return false;
    }
    if (out->state == STATE_GAP) {
        return out->n == 0;
    }
    return (out->state == STATE_LIVE || out->state == STATE_DEAD) && out->n > 0 &&
           out->n <= CACHE_RECORD_MAX;
}

static struct place place_of(const struct cache_shard *s, const uint8_t *session_id)
{
    struct place p = {.id = session_id + CACHE_RECORD_ID_AT};
    uint64_t h;
    uint64_t g;

    memcpy(&h, p.id, sizeof h);
    memcpy(&g, p.id + sizeof h, sizeof g);
    p.bucket[0] = s->index + (((h >> 32) * s->n_buckets) >> 32) * CACHE_BUCKET_ENTRIES;
    p.bucket[1] = s->index + (((g & UINT32_MAX) * s->n_buckets) >> 32) * CACHE_BUCKET_ENTRIES;
    p.tag = g & ~ENTRY_POSITION;
    __builtin_prefetch(p.bucket[0]);
    __builtin_prefetch(p.bucket[1]);
    return p;
}

static uint64_t *entry_at(const struct place *p, unsigned i)
{
    return &p->bucket[i / CACHE_BUCKET_ENTRIES][i % CACHE_BUCKET_ENTRIES];
}

/*
 * Asks for all the cache lines of a record without a client certificate before the first has come,
 * which saves a fifth of a look-up where the log is larger than the caches. Nothing is read by
 * that, so lines beyond the log do no harm.
 */
static void expect(const uint8_t *record)
{
    const uintptr_t first = (uintptr_t)record;

    for (size_t at = 0; at < USUAL_SIZE; at += CACHE_LINE) {
        __builtin_prefetch((const void *)(first + at));
    }
    __builtin_prefetch((const void *)(first + USUAL_SIZE - 1));
}

/* Finds the live record of an ID, and its entry. */
static uint64_t *find(const struct cache_shard *s, struct span log, const struct place *p,
                      struct record *out)
{
    for (unsigned i = 0; i < PLACE_ENTRIES; i++) {
        uint64_t *const entry = entry_at(p, i);
        const uint64_t value = load64(entry);
        const uint64_t position = (value & ENTRY_POSITION) * 8;

        if ((value & ~ENTRY_POSITION) != p->tag || !holds(log, position)) {
            continue;
        }
        expect(s->log + position % s->log_len);
        if (record_at(s, log, position, out) && out->state == STATE_LIVE &&
            memcmp(out->at + 4, p->id, CACHE_RECORD_ID_LEN) == 0) {
            return entry;
        }
    }
    return NULL;
}

static void kill_record(const struct cache_shard *s, const struct record *r)
{
    struct cache_counts *counts = &s->head->counts;

    store32(r->at, STATE_DEAD | (uint32_t)r->n);
    counts->n_records--;
    counts->n_bytes -= r->size;
}

/* An empty or stale entry, in the bucket that has more of them; NULL: there is none. */
static uint64_t *free_entry(struct span log, const struct place *p)
{
    uint64_t *found[2] = {NULL, NULL};
    unsigned n[2] = {0, 0};

    for (unsigned i = 0; i < PLACE_ENTRIES; i++) {
        uint64_t *const entry = entry_at(p, i);

        if (!holds(log, (load64(entry) & ENTRY_POSITION) * 8)) {
            found[i / CACHE_BUCKET_ENTRIES] = entry;
            n[i / CACHE_BUCKET_ENTRIES]++;
        }
    }
    return n[1] > n[0] ? found[1] : found[0];
}

/* The entry of the oldest record of both buckets, which is given up for it. */
static uint64_t *oldest_entry(const struct cache_shard *s, struct span log, const struct place *p)
{
    uint64_t *oldest = entry_at(p, 0);
    uint64_t least = UINT64_MAX;
    struct record r;

    for (unsigned i = 0; i < PLACE_ENTRIES; i++) {
        uint64_t *const entry = entry_at(p, i);
        const uint64_t position = (load64(entry) & ENTRY_POSITION) * 8;

        if (position < least) {
            least = position;
            oldest = entry;
        }
    }
    if (holds(log, least) && record_at(s, log, least, &r) && r.state == STATE_LIVE) {
        kill_record(s, &r);
        s->head->counts.n_evicted++;
    }
    return oldest;
}

/* Pops records until the log begins at `least` or later. False: the log does not add up. */
static bool pop_until(const struct cache_shard *s, struct span *log, uint64_t least)
{
    struct cache_counts *counts = &s->head->counts;
    struct record r;

    while (log->tail < least && log->tail < log->head) {
        if (!record_at(s, *log, log->tail, &r)) {
            return false;
        }
        if (r.state == STATE_LIVE) {
            counts->n_records--;
            counts->n_bytes -= r.size;
            counts->n_evicted++;
        }
        log->tail += r.size;
    }
    return true;
}

/*
 * Makes room for size bytes in one piece at the head of the log, with a gap before it if need be.
 * False: the log does not add up.
 */
static bool make_room(const struct cache_shard *s, struct span *log, uint64_t size)
{
    const uint64_t left = s->log_len - log->head % s->log_len;
    const uint64_t gap = left < size ? left : 0;

    if (!pop_until(s, log, log->head + gap + size - s->log_len)) {
        return false;
    }
    if (gap != 0) {
        store32(s->log + log->head % s->log_len, STATE_GAP);
        log->tail = log->tail == log->head ? log->head + gap : log->tail;
        log->head += gap;
    }
    return true;
}

/* There is room. */
static void append(const struct cache_shard *s, struct span *log, const struct place *p,
                   const uint8_t *sealed, size_t n)
{
    const uint64_t size = record_size(n);
    uint8_t *const at = s->log + log->head % s->log_len;
    uint64_t *entry;
    struct record old;

    entry = find(s, *log, p, &old);
    if (entry != NULL) {
        kill_record(s, &old);
    } else {
        entry = free_entry(*log, p);
    }
    if (entry == NULL) {
        entry = oldest_entry(s, *log, p);
    }
    store32(at, STATE_LIVE | (uint32_t)n);
    memcpy(at + 4, p->id, CACHE_RECORD_ID_LEN);
    memcpy(at + CACHE_RECORD_HEAD_LEN, sealed, n);
    memset(at + CACHE_RECORD_HEAD_LEN + n, 0, size - CACHE_RECORD_HEAD_LEN - n);
    *entry = p->tag | log->head / 8;
    log->head += size;
    s->head->counts.n_records++;
    s->head->counts.n_bytes += size;
    s->head->counts.n_stored++;
}

void cache_shard_init(const struct cache_shard *s)
{
    store_span(s, (struct span){.tail = s->log_len, .head = s->log_len});
}

void cache_shard_empty(const struct cache_shard *s)
{
    begin(s);
    (void)drop_all(s, load_span(s));
    end(s);
}

void cache_shard_put(const struct cache_shard *s, const uint8_t id[static SESSION_ID_LEN],
                     const uint8_t *sealed, size_t n)
{
    const struct place p = place_of(s, id);
    const uint64_t size = record_size(n);
    struct span log = load_span(s);

    begin(s);
    if (!sound(s, log)) {
        log = drop_all(s, log);
    } else if (log.head + s->log_len + size >= CACHE_POSITION_END) {
        s->head->counts.n_evicted += s->head->counts.n_records;
        log = restart(s);
    }
    if (!make_room(s, &log, size)) {
        log = drop_all(s, log);
    }
    append(s, &log, &p, sealed, n);
    store_span(s, log);
    end(s);
}

size_t cache_shard_get(const struct cache_shard *s, const uint8_t id[static SESSION_ID_LEN],
                       uint8_t *out)
{
    const struct place p = place_of(s, id);
    const struct span log = load_span(s);
    struct record r;

    if (!sound(s, log)) {
        cache_shard_empty(s);
    } else if (find(s, log, &p, &r) != NULL) {
        memcpy(out, r.at + CACHE_RECORD_HEAD_LEN, r.n);
        s->head->counts.n_hits++;
        return r.n;
    }
    s->head->counts.n_misses++;
    return 0;
}

size_t cache_shard_of(const uint8_t id[static SESSION_ID_LEN], size_t n_shards)
{
    uint64_t h;

    memcpy(&h, id + CACHE_RECORD_ID_AT, sizeof h);
    return (size_t)(h & (n_shards - 1));
}
