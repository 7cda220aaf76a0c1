/*
 * The input as a sealed record; as a record's contents, sealed, cached, found, opened and decoded;
 * and as a series of puts, gets and writes of a process gone wrong into a shard's memory.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cache_shard.h"
#include "cache_use.h"
#include "reader.h"
#include "session_record.h"
#include "session_seal.h"

#define N_BUCKETS 4
#define LOG_LEN CACHE_LOG_MIN

static const struct window_key key = {.keys = {.record = {1}}};

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* In blocks of their exact size, so that a sanitizer sees what leaves them. */
static struct cache_shard new_shard(void)
{
    const struct cache_shard s = {
        .head = calloc(1, CACHE_SHARD_HEAD_LEN),
        .index = calloc(N_BUCKETS, CACHE_BUCKET_LEN),
        .log = calloc(1, LOG_LEN),
        .n_buckets = N_BUCKETS,
        .log_len = LOG_LEN,
    };

    require(s.head != NULL && s.index != NULL && s.log != NULL);
    cache_shard_init(&s);
    return s;
}

static void free_shard(const struct cache_shard *s)
{
    free(s->head);
    free(s->index);
    free(s->log);
}

static void open_forged(const struct algorithms *a, const uint8_t *data, size_t n)
{
    const uint8_t id[SESSION_ID_LEN] = {1};
    uint8_t *out = malloc(n != 0 ? n : 1);
    enum rp_verdict verdict;
    size_t out_len;

    require(out != NULL);
    require(session_open(a, &key, id, data, n, &verdict, out, &out_len) == RP_OK);
    require(verdict == RP_VERDICT_FORGED || verdict == RP_VERDICT_MALFORMED);
    require(out_len == 0);
    free(out);
}

static void seal_and_decode(const struct algorithms *a, const uint8_t *data, size_t n)
{
    const uint8_t id[SESSION_ID_LEN] = {2, 3, 4, 5, 6, 7};
    const struct cache_shard s = new_shard();
    uint8_t sealed[CACHE_RECORD_MAX];
    uint8_t found[CACHE_RECORD_MAX];
    uint8_t *plain = malloc(n != 0 ? n : 1);
    struct session_record record;
    enum rp_verdict verdict;
    size_t len;

    require(plain != NULL);
    require(session_seal(a, &key, id, data, n, sealed) == RP_OK);
    cache_shard_put(&s, id, sealed, n + SESSION_SEAL_OVERHEAD);
    require(cache_shard_get(&s, id, found) == n + SESSION_SEAL_OVERHEAD);
    require(session_open(a, &key, id, found, n + SESSION_SEAL_OVERHEAD, &verdict, plain, &len) ==
            RP_OK);
    require(verdict == RP_VERDICT_ACCEPTED && len == n && memcmp(plain, data, n) == 0);
    (void)session_record_decode(plain, len, &record);
    free_shard(&s);
    free(plain);
}

static void overwrite(struct reader *r, void *memory, size_t size)
{
    const size_t at = reader_u16(r) % size;
    const size_t n = reader_u8(r) % 9;

    reader_copy(r, (uint8_t *)memory + at, n < size - at ? n : size - at);
}

static void misuse_shard(const uint8_t *data, size_t n)
{
    const size_t from = offsetof(struct cache_shard_head, changing);
    const struct cache_shard s = new_shard();
    struct reader r = reader_of(data, n);
    uint8_t record[CACHE_RECORD_MAX] = {0};
    bool spoilt = false;
    size_t found;

    while (reader_left(&r) > 0) {
        uint8_t id[SESSION_ID_LEN] = {0};
        const uint8_t action = reader_u8(&r) % 5;
        size_t len;

        spoilt = spoilt || action >= 2;
        switch (action) {
        case 0:
            memset(id, reader_u8(&r), sizeof id);
            len = 1 + reader_u16(&r) % CACHE_RECORD_MAX;
            cache_shard_put(&s, id, record, len);
            found = cache_shard_get(&s, id, record);
            /* In spoilt memory there may be another record that pretends to be of this ID. */
            require(spoilt ? found != 0 : found == len);
            break;
        case 1:
            memset(id, reader_u8(&r), sizeof id);
            require(cache_shard_get(&s, id, record) <= CACHE_RECORD_MAX);
            break;
        case 2:
            overwrite(&r, s.index, N_BUCKETS * (size_t)CACHE_BUCKET_LEN);
            break;
        case 3:
            overwrite(&r, s.log, LOG_LEN);
            break;
        default:
            overwrite(&r, (uint8_t *)s.head + from, CACHE_SHARD_HEAD_LEN - from);
            break;
        }
    }
    free_shard(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct algorithms algorithms;

    if (algorithms.sha256 == NULL) {
        require(algorithms_init(&algorithms) == RP_OK);
    }
    open_forged(&algorithms, data, size);
    if (size <= CACHE_RECORD_MAX - SESSION_SEAL_OVERHEAD) {
        seal_and_decode(&algorithms, data, size);
    }
    misuse_shard(data, size);
    return 0;
}
