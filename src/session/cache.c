/*
 * The cache as a whole: the mapping, its geometry and the locks of its shards. The layout, who
 * locks and what a crash leaves are in docs/formats/cache.md.
 */
#include <reprise/cache.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache_shard.h"
#include "cache_use.h"
#include "error.h"
#include "memory.h"

#define BYTES_MIN (UINT64_C(64) << 10)
#define BYTES_MAX (UINT64_C(64) << 30)
#define N_SHARDS_MAX 64
#define SHARD_LEN_MIN (UINT64_C(63) << 10) /* 64 KiB less its share of the head */
#define VERSION 4                          /* of the records as well */
#define HEAD_LEN 64
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* A bucket for every 7 sessions without a client certificate. */
#define LOG_PER_BUCKET (UINT64_C(7) * 152)

struct cache_head {
    char magic[8];
    uint32_t version;
    uint32_t n_shards;
    uint64_t shard_len;
    uint64_t n_buckets;
    uint64_t log_len;
    uint64_t memory_len;
    uint32_t mutex_len;
    uint8_t zeroes[12];
};
_Static_assert(sizeof(struct cache_head) == HEAD_LEN, "as documented");

/* Never read back from the shared head: another process may have written there. */
struct rp_cache {
    int fd; /* close-on-exec; -1 once given up */
    uint8_t *memory;
    size_t memory_len;
    size_t n_shards;
    uint64_t shard_len;
    uint64_t n_buckets;
    uint64_t log_len;
};

static struct cache_shard shard_at(const struct rp_cache *cache, size_t i)
{
    uint8_t *const at = cache->memory + HEAD_LEN + i * cache->shard_len;
    uint8_t *const index = at + CACHE_SHARD_HEAD_LEN;
    const struct cache_shard shard = {
        .head = (struct cache_shard_head *)(void *)at,
        .index = (uint64_t *)(void *)index,
        .log = index + cache->n_buckets * CACHE_BUCKET_LEN,
        .n_buckets = cache->n_buckets,
        .log_len = cache->log_len,
    };

    return shard;
}

/* False if the lock is not to be had; it is whole otherwise, whoever died holding it. */
static bool lock(const struct cache_shard *shard)
{
    const int rc = pthread_mutex_lock(&shard->head->mutex);

    if (rc == EOWNERDEAD) {
        if (atomic_load_explicit(&shard->head->changing, memory_order_relaxed) != 0) {
            cache_shard_empty(shard);
        }
        (void)pthread_mutex_consistent(&shard->head->mutex);
    }
    return rc == 0 || rc == EOWNERDEAD;
}

static void unlock(const struct cache_shard *shard)
{
    (void)pthread_mutex_unlock(&shard->head->mutex);
}

/* Where pages are larger than 64 KiB, the smallest cache has no whole one to round down to. */
static size_t whole_pages(size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return bytes >= page ? bytes / page * page : bytes;
}

static void choose_geometry(struct rp_cache *cache)
{
    uint64_t for_records;

    cache->n_shards = 1;
    while (cache->n_shards < N_SHARDS_MAX &&
           (cache->memory_len - HEAD_LEN) / (2 * cache->n_shards) >= SHARD_LEN_MIN) {
        cache->n_shards *= 2;
    }
    cache->shard_len = (cache->memory_len - HEAD_LEN) / cache->n_shards & ~(size_t)63;
    for_records = cache->shard_len - CACHE_SHARD_HEAD_LEN;
    cache->n_buckets = for_records / (CACHE_BUCKET_LEN + LOG_PER_BUCKET) + 1;
    cache->log_len = for_records - cache->n_buckets * CACHE_BUCKET_LEN;
}

static struct cache_head head_of(const struct rp_cache *cache)
{
    return (struct cache_head){
        .magic = "RPCACHE",
        .version = VERSION,
        .n_shards = (uint32_t)cache->n_shards,
        .shard_len = cache->shard_len,
        .n_buckets = cache->n_buckets,
        .log_len = cache->log_len,
        .memory_len = cache->memory_len,
        .mutex_len = sizeof(pthread_mutex_t),
    };
}

static enum rp_status init_shards(const struct rp_cache *cache)
{
    const struct cache_head head = head_of(cache);
    pthread_mutexattr_t attr;
    int rc;

    if (pthread_mutexattr_init(&attr) != 0) {
        return RP_SYSTEM;
    }
    rc = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    if (rc == 0) {
        rc = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    }
    for (size_t i = 0; rc == 0 && i < cache->n_shards; i++) {
        const struct cache_shard shard = shard_at(cache, i);

        cache_shard_init(&shard);
        rc = pthread_mutex_init(&shard.head->mutex, &attr);
    }
    (void)pthread_mutexattr_destroy(&attr);
    /* Last: a cache that was left half-made is none. */
    atomic_signal_fence(memory_order_seq_cst);
    memcpy(cache->memory, &head, sizeof head);
    return rc == 0 ? RP_OK : RP_SYSTEM;
}

static struct rp_cache *new_handle(size_t memory_len, struct rp_error *err)
{
    struct rp_cache *const cache = memory_new(1, sizeof *cache);

    if (cache == NULL) {
        error_set(err, "out of memory for a session cache");
        return NULL;
    }
    cache->fd = -1;
    cache->memory = MAP_FAILED;
    cache->memory_len = memory_len;
    return cache;
}

static enum rp_status map(struct rp_cache *cache, struct rp_error *err)
{
    cache->memory = mmap(NULL, cache->memory_len, PROT_READ | PROT_WRITE, MAP_SHARED, cache->fd, 0);
    if (cache->memory == MAP_FAILED) {
        error_set(err, "cannot map %zu bytes for the session cache: %s", cache->memory_len,
                  strerror(errno));
        return RP_NO_MEMORY;
    }
    (void)madvise(cache->memory, cache->memory_len, MADV_DONTDUMP);
    choose_geometry(cache);
    return RP_OK;
}

/* Of a size that stays, so that whoever takes it up later finds every page that the head tells of.
 */
static enum rp_status allocate(struct rp_cache *cache, struct rp_error *err)
{
    cache->fd = memfd_create("reprise-cache", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (cache->fd < 0 || ftruncate(cache->fd, (off_t)cache->memory_len) != 0 ||
        fcntl(cache->fd, F_ADD_SEALS, SEALS) != 0) {
        error_set(err, "cannot make %zu bytes of memory for the session cache: %s",
                  cache->memory_len, strerror(errno));
        return RP_SYSTEM;
    }
    return map(cache, err);
}

enum rp_status rp_cache_new(size_t bytes, struct rp_cache **out, struct rp_error *err)
{
    enum rp_status status;
    struct rp_cache *cache;

    *out = NULL;
    error_clear(err);
    if (bytes < BYTES_MIN || bytes > BYTES_MAX) {
        error_set(err, "a session cache takes 64 KiB to 64 GiB, not %zu bytes", bytes);
        return RP_INVALID;
    }
    cache = new_handle(whole_pages(bytes), err);
    if (cache == NULL) {
        return RP_NO_MEMORY;
    }
    status = allocate(cache, err);
    if (status == RP_OK) {
        status = init_shards(cache);
        if (status != RP_OK) {
            error_set(err, "cannot make the locks of the session cache");
        }
    }
    if (status == RP_OK) {
        *out = cache;
        cache = NULL; /* transferred */
    }
    rp_cache_free(&cache);
    return status;
}

/* The size of what fd leads to, if it is memory of a size that stays; otherwise 0. */
static size_t size_of(int fd)
{
    const int seals = fcntl(fd, F_GET_SEALS);
    const int flags = fcntl(fd, F_GETFL);
    struct stat file;

    if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || (seals & F_SEAL_GROW) == 0 || flags < 0 ||
        (flags & O_ACCMODE) != O_RDWR || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
        fstat(fd, &file) != 0 || file.st_size < (off_t)BYTES_MIN ||
        file.st_size > (off_t)BYTES_MAX) {
        return 0;
    }
    return (size_t)file.st_size;
}

static enum rp_status check_size(int fd, size_t bytes, size_t *len, struct rp_error *err)
{
    *len = size_of(fd);
    if (*len == 0) {
        error_set(err, "it is not the memory of a session cache");
        return RP_FORMAT;
    }
    if (bytes != 0 && *len != whole_pages(bytes)) {
        error_set(err, "it has %zu bytes, and %zu are wanted", *len, whole_pages(bytes));
        return RP_INVALID;
    }
    return RP_OK;
}

/* Equal to what this build would have written: then its geometry is ours. */
static enum rp_status check_head(const struct rp_cache *cache, struct rp_error *err)
{
    const struct cache_head wanted = head_of(cache);
    struct cache_head head;

    memcpy(&head, cache->memory, sizeof head);
    if (memcmp(head.magic, wanted.magic, sizeof head.magic) != 0) {
        error_set(err, "it is not the memory of a session cache");
        return RP_FORMAT;
    }
    if (memcmp(&head, &wanted, sizeof head) != 0) {
        error_set(err, "its layout is another (version %u, and this program writes %d)",
                  head.version, VERSION);
        return RP_FORMAT;
    }
    return RP_OK;
}

enum rp_status rp_cache_adopt(int fd, size_t bytes, struct rp_cache **out, struct rp_error *err)
{
    struct rp_cache *cache = NULL;
    size_t len;
    enum rp_status status = check_size(fd, bytes, &len, err);

    *out = NULL;
    if (status == RP_OK) {
        cache = new_handle(len, err);
        status = cache != NULL ? RP_OK : RP_NO_MEMORY;
    }
    if (status != RP_OK) {
        (void)close(fd);
        return status;
    }
    cache->fd = fd; /* transferred */
    status = map(cache, err);
    if (status == RP_OK) {
        status = check_head(cache, err);
    }
    if (status == RP_OK) {
        *out = cache;
        cache = NULL; /* transferred */
    }
    rp_cache_free(&cache);
    return status;
}

int rp_cache_descriptor(const struct rp_cache *cache)
{
    return cache->fd;
}

void rp_cache_close(struct rp_cache *cache)
{
    if (cache->fd >= 0) {
        (void)close(cache->fd);
        cache->fd = -1;
    }
}

void rp_cache_free(struct rp_cache **cache)
{
    if (cache == NULL || *cache == NULL) {
        return;
    }
    if ((*cache)->memory != MAP_FAILED) {
        (void)munmap((*cache)->memory, (*cache)->memory_len);
    }
    rp_cache_close(*cache);
    memory_free(*cache);
    *cache = NULL;
}

bool cache_put(struct rp_cache *cache, const uint8_t id[static SESSION_ID_LEN],
               const uint8_t *sealed, size_t n)
{
    const struct cache_shard shard = shard_at(cache, cache_shard_of(id, cache->n_shards));

    if (n == 0 || n > CACHE_RECORD_MAX || !lock(&shard)) {
        return false;
    }
    cache_shard_put(&shard, id, sealed, n);
    unlock(&shard);
    return true;
}

size_t cache_get(struct rp_cache *cache, const uint8_t id[static SESSION_ID_LEN], uint8_t *out)
{
    const struct cache_shard shard = shard_at(cache, cache_shard_of(id, cache->n_shards));
    size_t n;

    if (!lock(&shard)) {
        return 0;
    }
    n = cache_shard_get(&shard, id, out);
    unlock(&shard);
    return n;
}

void rp_cache_stats(struct rp_cache *cache, struct rp_cache_stats *out)
{
    *out = (struct rp_cache_stats){.capacity = cache->n_shards * cache->log_len};
    for (size_t i = 0; i < cache->n_shards; i++) {
        const struct cache_shard shard = shard_at(cache, i);
        struct cache_counts counts;

        if (!lock(&shard)) {
            continue;
        }
        counts = shard.head->counts;
        unlock(&shard);
        out->n_records += counts.n_records;
        out->n_bytes += counts.n_bytes;
        out->n_stored += counts.n_stored;
        out->n_hits += counts.n_hits;
        out->n_misses += counts.n_misses;
        out->n_evicted += counts.n_evicted;
        out->n_emptied += counts.n_emptied;
    }
}
