/*
 * The session cache: TLS 1.2 sessions by session ID, in memory that all processes forked after
 * rp_cache_new share, and those that get its descriptor. Records are sealed under the keyring, so
 * the memory itself opens nothing. It never grows: when it is full, the oldest session of a shard
 * makes room for the newest.
 *
 * Concurrency: any thread of any process; a process may be killed at any instruction.
 */
#ifndef REPRISE_CACHE_H
#define REPRISE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "api.h"
#include "status.h"

RP_BEGIN

struct rp_cache;

/*
 * bytes: all the memory that the cache may take, 64 KiB to 64 GiB. On failure *out is NULL and err,
 * if given, says why.
 */
RP_API enum rp_status rp_cache_new(size_t bytes, struct rp_cache **out,
                                   struct rp_error *err) RP_MUST_USE;

/*
 * The same over the memory of a cache of another process, which may go on using it, or has been
 * killed at any instruction: what it left half-written is found and dropped, as ever. fd is taken
 * over, also on failure. bytes: what rp_cache_new would be given now; 0: any size will do.
 * RP_FORMAT: it is no cache, or one that another build would have laid out differently. RP_INVALID:
 * it has another size. In both cases a new cache is the way on. The locks inside are taken as they
 * are: the memory must come from a process that is trusted.
 */
RP_API enum rp_status rp_cache_adopt(int fd, size_t bytes, struct rp_cache **out,
                                     struct rp_error *err) RP_MUST_USE;

/* What rp_cache_adopt takes, borrowed: close-on-exec. -1 after rp_cache_close. */
RP_API int rp_cache_descriptor(const struct rp_cache *cache);

/*
 * Closes the descriptor, without which this process cannot hand the cache on; all else works as
 * before. For a forked child, before it closes descriptors that it does not know.
 */
RP_API void rp_cache_close(struct rp_cache *cache);

/* Unmaps; the last process to do so releases the memory. Takes NULL or a pointer to NULL. */
RP_API void rp_cache_free(struct rp_cache **cache);

struct rp_cache_stats {
    uint64_t n_records; /* held now */
    uint64_t n_bytes;   /* taken by them, index not counted */
    uint64_t capacity;  /* bytes for records */
    uint64_t n_stored;  /* since the start, as all below */
    uint64_t n_hits;
    uint64_t n_misses;
    uint64_t n_evicted; /* pushed out while they might still have been asked for */
    uint64_t n_emptied; /* shards found half-written after a crash */
};

RP_API void rp_cache_stats(struct rp_cache *cache, struct rp_cache_stats *out);

RP_END

#endif
