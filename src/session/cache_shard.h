/*
 * One shard of the session cache: a circular log of records and an index over it
 * (docs/formats/cache.md). The caller holds the shard's mutex throughout.
 *
 * Whatever bytes the shared memory holds, nothing is read or written outside the shard.
 */
#ifndef CACHE_SHARD_H
#define CACHE_SHARD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session_id.h"

#define CACHE_SHARD_HEAD_LEN 128
#define CACHE_BUCKET_ENTRIES 8
#define CACHE_BUCKET_LEN 64
#define CACHE_LOG_MIN 40960 /* two of the largest records and a gap */

#define CACHE_RECORD_HEAD_LEN 24 /* word 4, random part of the session ID 20 */
#define CACHE_RECORD_ID_LEN 20
#define CACHE_RECORD_ID_AT 4 /* where that part lies in a session ID */

/* A position / 8 has 48 bits. */
#define CACHE_POSITION_END (UINT64_C(1) << 51)

struct cache_counts {
    uint64_t n_records;
    uint64_t n_bytes;
    uint64_t n_stored;
    uint64_t n_hits;
    uint64_t n_misses;
    uint64_t n_evicted;
    uint64_t n_emptied;
};

/* In shared memory. */
struct cache_shard_head {
    pthread_mutex_t mutex;
    _Atomic uint32_t changing; /* a mutation has begun and not ended */
    uint32_t reserved;
    _Atomic uint64_t head; /* position of the next record */
    _Atomic uint64_t tail; /* and of the oldest */
    struct cache_counts counts;
};
_Static_assert(sizeof(struct cache_shard_head) <= CACHE_SHARD_HEAD_LEN, "fits its place");
_Static_assert(sizeof(struct cache_counts) == 56, "no padding");
_Static_assert(sizeof(_Atomic uint64_t) == 8, "plain in shared memory");

/* A process's view of a shard; the lengths are its own and never come from shared memory. */
struct cache_shard {
    struct cache_shard_head *head;
    uint64_t *index; /* n_buckets * CACHE_BUCKET_ENTRIES */
    uint8_t *log;
    uint64_t n_buckets; /* at least 1, less than 2^32 */
    uint64_t log_len;   /* a multiple of 8, at least CACHE_LOG_MIN */
};

/* Sets positions for zeroed memory; the mutex is the caller's. */
void cache_shard_init(const struct cache_shard *s);

/* After a crash: drops every record, counts it, and leaves the shard whole. */
void cache_shard_empty(const struct cache_shard *s);

/* n is 1 to CACHE_RECORD_MAX. */
void cache_shard_put(const struct cache_shard *s, const uint8_t id[static SESSION_ID_LEN],
                     const uint8_t *sealed, size_t n);

/* 0: not there. */
size_t cache_shard_get(const struct cache_shard *s, const uint8_t id[static SESSION_ID_LEN],
                       uint8_t *out);

/* Which shard an ID belongs to, of a power of two. */
size_t cache_shard_of(const uint8_t id[static SESSION_ID_LEN], size_t n_shards);

#endif
