#include "metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "error.h"
#include "memory.h"

#define READ_ATTEMPTS 100

const uint32_t metrics_bucket_us[METRICS_BUCKETS - 1] = {
    500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 10000000};

/* Three words: the name and the role, the epoch, the time. */
struct shared_key {
    metrics_cell name_role;
    metrics_cell epoch;
    metrics_cell since_ms;
};

struct metrics_shared {
    _Alignas(64) metrics_cell parent[METRICS_N_PARENT_CELLS];
    metrics_cell n_workers; /* slots that ever had a worker; written by the parent */
    _Alignas(64) metrics_cell keeper[METRICS_N_KEEPER_CELLS];
    _Alignas(64) metrics_cell sequence; /* of the keys; odd: they are being written */
    metrics_cell n_keys;
    struct shared_key keys[METRICS_KEYS_MAX];
    _Alignas(64) struct member_table members;
    _Alignas(64) metrics_cell feeder[METRICS_N_FEEDER_CELLS];
    struct feed_table feeds;
    _Alignas(64) metrics_cell cache[METRICS_N_CACHE_CELLS];
    struct metrics_worker workers[METRICS_WORKERS];
};

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "another process must find a plain word");
_Static_assert(sizeof(struct metrics_worker) % 64 == 0, "no line is shared");

struct metrics {
    struct metrics_shared *shared;     /* NULL: read-only */
    const struct metrics_shared *view; /* a mapping of its own, which nobody can make writable */
};

/* The seal keeps all later mappings, such as the view, from ever becoming writable. */
static bool map(struct metrics *metrics, int fd)
{
    const size_t n = sizeof *metrics->shared;
    void *p;

    if (ftruncate(fd, (off_t)n) != 0) {
        return false;
    }
    p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        return false;
    }
    metrics->shared = p;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) !=
        0) {
        return false;
    }
    p = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        return false;
    }
    metrics->view = p;
    return true;
}

enum rp_status metrics_new(struct metrics **out, struct rp_error *err)
{
    struct metrics *metrics = memory_new(1, sizeof *metrics);
    int fd;

    *out = NULL;
    if (metrics == NULL) {
        error_set(err, "out of memory");
        return RP_NO_MEMORY;
    }
    fd = memfd_create("reprised:metrics", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || !map(metrics, fd)) {
        error_set(err, "cannot make the memory of the counters: %s", strerror(errno));
        metrics_free(&metrics);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    *out = metrics;
    return metrics != NULL ? RP_OK : RP_SYSTEM;
}

void metrics_read_only(struct metrics *metrics)
{
    if (metrics->shared != NULL) {
        (void)munmap(metrics->shared, sizeof *metrics->shared);
        metrics->shared = NULL;
    }
}

void metrics_free(struct metrics **out)
{
    struct metrics *metrics = *out;

    *out = NULL;
    if (metrics == NULL) {
        return;
    }
    metrics_read_only(metrics);
    if (metrics->view != NULL) {
        (void)munmap((void *)metrics->view, sizeof *metrics->view);
    }
    memory_free(metrics);
}

void metrics_worker_idle(struct metrics *metrics, unsigned slot)
{
    metrics_set(&metrics->shared->workers[slot].cells[METRICS_OPEN], 0);
    if (slot >= metrics_get(&metrics->shared->n_workers)) {
        metrics_set(&metrics->shared->n_workers, slot + 1);
    }
}

struct metrics_worker *metrics_worker(struct metrics *metrics, unsigned slot)
{
    return &metrics->shared->workers[slot];
}

metrics_cell *metrics_parent(struct metrics *metrics)
{
    return metrics->shared->parent;
}

metrics_cell *metrics_keeper(struct metrics *metrics)
{
    return metrics->shared->keeper;
}

metrics_cell *metrics_cache(struct metrics *metrics)
{
    return metrics->shared->cache;
}

metrics_cell *metrics_feeder(struct metrics *metrics)
{
    return metrics->shared->feeder;
}

struct feed_table *metrics_feeds(struct metrics *metrics)
{
    return &metrics->shared->feeds;
}

struct member_table *metrics_members(struct metrics *metrics)
{
    return &metrics->shared->members;
}

/* The keys. */

void metrics_keys_write(struct metrics *metrics, const struct metrics_key *keys, size_t n)
{
    struct metrics_shared *shared = metrics->shared;
    const uint64_t odd = metrics_get(&shared->sequence) | 1;

    metrics_set(&shared->sequence, odd);
    atomic_thread_fence(memory_order_release);
    for (size_t i = 0; i < n; i++) {
        uint64_t name_role = (uint64_t)keys[i].role;

        for (size_t j = 0; j < METRICS_NAME_LEN; j++) {
            name_role = name_role << 8 | keys[i].name[j];
        }
        metrics_set(&shared->keys[i].name_role, name_role);
        metrics_set(&shared->keys[i].epoch, keys[i].epoch);
        metrics_set(&shared->keys[i].since_ms, (uint64_t)keys[i].since_ms);
    }
    metrics_set(&shared->n_keys, n);
    atomic_store_explicit(&shared->sequence, odd + 1, memory_order_release);
}

static void read_key(const struct shared_key *from, struct metrics_key *out)
{
    uint64_t name_role = metrics_get(&from->name_role);

    for (size_t j = METRICS_NAME_LEN; j-- > 0; name_role >>= 8) {
        out->name[j] = (uint8_t)name_role;
    }
    out->role =
        name_role <= METRICS_KEY_OPENS ? (enum metrics_key_role)name_role : METRICS_KEY_OPENS;
    out->epoch = metrics_get(&from->epoch);
    out->since_ms = (int64_t)metrics_get(&from->since_ms);
}

static void read_keys(const struct metrics_shared *shared, struct metrics_totals *out)
{
    struct metrics_key keys[METRICS_KEYS_MAX];

    for (unsigned i = 0; i < READ_ATTEMPTS; i++) {
        const uint64_t before = atomic_load_explicit(&shared->sequence, memory_order_acquire);
        const uint64_t n = metrics_get(&shared->n_keys);

        if ((before & 1) != 0 || n > METRICS_KEYS_MAX) {
            continue;
        }
        for (size_t j = 0; j < n; j++) {
            read_key(&shared->keys[j], &keys[j]);
        }
        atomic_thread_fence(memory_order_acquire);
        if (metrics_get(&shared->sequence) == before) {
            memcpy(out->keys, keys, n * sizeof keys[0]);
            out->n_keys = n;
            return;
        }
    }
}

/* Counting, and summing up. */

void metrics_duration(struct metrics_worker *worker, bool resumed, uint64_t us)
{
    size_t i = 0;

    while (i < METRICS_BUCKETS - 1 && us > metrics_bucket_us[i]) {
        i++;
    }
    metrics_add(&worker->cells[(resumed ? METRICS_DURATION_RESUMED : METRICS_DURATION_FULL) + i],
                1);
    metrics_add(&worker->cells[resumed ? METRICS_SUM_US_RESUMED : METRICS_SUM_US_FULL], us);
}

static void copy(const metrics_cell *cells, uint64_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = metrics_get(&cells[i]);
    }
}

void metrics_read(const struct metrics *metrics, struct metrics_totals *out)
{
    const struct metrics_shared *shared = metrics->view;
    const uint64_t n_workers = metrics_get(&shared->n_workers);

    copy(shared->parent, out->parent, METRICS_N_PARENT_CELLS);
    copy(shared->keeper, out->keeper, METRICS_N_KEEPER_CELLS);
    copy(shared->feeder, out->feeder, METRICS_N_FEEDER_CELLS);
    copy(shared->cache, out->cache, METRICS_N_CACHE_CELLS);
    memset(out->worker, 0, sizeof out->worker);
    for (size_t i = 0; i < n_workers && i < METRICS_WORKERS; i++) {
        for (size_t j = 0; j < METRICS_N_WORKER_CELLS; j++) {
            out->worker[j] += metrics_get(&shared->workers[i].cells[j]);
        }
    }
    read_keys(shared, out);
    (void)member_table_read(&shared->members, &out->members);
    (void)feed_table_read(&shared->feeds, &out->feeds);
}

/* Names. */

#define METRICS_CASE(prefix, name, text)                                                           \
    case METRICS_##prefix##_##name:                                                                \
        return text;

const char *metrics_refusal_text(enum metrics_refusal refusal)
{
    switch (refusal) {
#define METRICS_X(name, text) METRICS_CASE(REFUSAL, name, text)
        METRICS_REFUSAL_MAP(METRICS_X)
#undef METRICS_X
    case METRICS_N_REFUSALS:
        break;
    }
    return "unknown";
}

const char *metrics_failure_text(enum metrics_failure failure)
{
    switch (failure) {
#define METRICS_X(name, text) METRICS_CASE(FAILURE, name, text)
        METRICS_FAILURE_MAP(METRICS_X)
#undef METRICS_X
    case METRICS_N_FAILURES:
        break;
    }
    return "unknown";
}

const char *metrics_version_text(enum metrics_version version)
{
    switch (version) {
#define METRICS_X(name, text) METRICS_CASE(VERSION, name, text)
        METRICS_VERSION_MAP(METRICS_X)
#undef METRICS_X
    case METRICS_N_VERSIONS:
        break;
    }
    return "unknown";
}

const char *metrics_role_text(enum metrics_role role)
{
    switch (role) {
#define METRICS_X(name, text) METRICS_CASE(ROLE, name, text)
        METRICS_ROLE_MAP(METRICS_X)
#undef METRICS_X
    case METRICS_N_ROLES:
        break;
    }
    return "unknown";
}

const char *metrics_fleet_event_text(enum metrics_fleet_event event)
{
    switch (event) {
#define METRICS_X(name, text) METRICS_CASE(FLEET_EVENT, name, text)
        METRICS_FLEET_EVENT_MAP(METRICS_X)
#undef METRICS_X
    case METRICS_N_FLEET_EVENTS:
        break;
    }
    return "unknown";
}

const char *metrics_key_role_text(enum metrics_key_role role)
{
    switch (role) {
    case METRICS_KEY_NEXT:
        return "next";
    case METRICS_KEY_SEALS:
        return "seals";
    case METRICS_KEY_OPENS:
        break;
    }
    return "opens";
}
