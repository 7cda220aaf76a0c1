/*
 * What the processes count, in memory that they share and the courier shows. It is made before the
 * first fork and never grows.
 *
 * Each section is written by one process alone, with relaxed atomic stores and no lock; the
 * sections of two processes share no cache line. Nobody decides anything by what stands here: a
 * taken-over worker can write what it likes, and falsify figures, but no more. There are numbers
 * only, no offsets, and no text but what members of the fleet are called (member_table.h), and
 * feeds (feed_table.h).
 *
 * Workers: each, of whichever generation, has the section of a slot that no other living worker
 * has. The parent calls metrics_worker_idle before it forks a worker and when it has waited for its
 * end. The next in that slot counts on where the last one was killed, so the sums over all sections
 * never go back.
 *
 * The keys: a sequence number is odd while the keeper writes them. One that was killed in between
 * leaves it odd until its successor has written them anew; meanwhile they cannot be read.
 *
 * A binary that takes over by SIGUSR2 makes its own and begins at zero, like any process.
 */
#ifndef METRICS_H
#define METRICS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>
#include <reprise/verdict.h>

#include "feed_table.h"
#include "member_table.h"

#define METRICS_WORKERS 1024
#define METRICS_KEYS_MAX 578 /* two rings of 255 past epochs, and parts of others */
#define METRICS_NAME_LEN 4   /* of a key's name, as much as is shown */

/* Which limit a connection, or accepting one, ran into. */
#define METRICS_REFUSAL_MAP(X)                                                                     \
    X(CONNECTIONS, "max-connections")  /* accepting paused: as many as are allowed */              \
    X(ADDRESS, "per-address")          /* closed: the address has as many as it may */             \
    X(DESCRIPTORS, "descriptors")      /* accepting paused: no descriptor is left */               \
    X(MEMORY, "memory")                /* accepting paused, or closed: out of memory */            \
    X(PROXY_HEADER, "proxy-header")    /* closed: no PROXY header, or a malformed one */           \
    X(RECORDS, "records-without-data") /* broken off: a flood of records without data */

/* Why a handshake failed. */
#define METRICS_FAILURE_MAP(X)                                                                     \
    X(TIMED_OUT, "timed-out")                                                                      \
    X(CLOSED, "closed")               /* the client went away */                                   \
    X(NAME, "name")                   /* no site of this name */                                   \
    X(CERTIFICATE, "certificate")     /* of the client: missing, or not good */                    \
    X(NO_COMMON, "nothing-in-common") /* no version, cipher, group or protocol */                  \
    X(ALERT, "alert")                 /* the client ended it */                                    \
    X(NOT_TLS, "not-tls")             /* the first bytes were something else */                    \
    X(PROTOCOL, "protocol")           /* anything else that is wrong */

#define METRICS_VERSION_MAP(X)                                                                     \
    X(OTHER, "other")                                                                              \
    X(TLS12, "TLSv1.2")                                                                            \
    X(TLS13, "TLSv1.3")

#define METRICS_ROLE_MAP(X)                                                                        \
    X(KEEPER, "keeper")                                                                            \
    X(WORKER, "worker")                                                                            \
    X(COURIER, "courier")                                                                          \
    X(FEEDER, "feeder")

/* What happens in a fleet. */
#define METRICS_FLEET_EVENT_MAP(X)                                                                 \
    X(JOINED, "joined")                                                                            \
    X(FOUNDED, "founded")   /* nobody was there: a new chain */                                    \
    X(ALONE, "alone")       /* not found in time */                                                \
    X(TOOK_UP, "took-up")   /* another ring opens */                                               \
    X(SWITCHED, "switched") /* another ring seals */                                               \
    X(DROPPED, "dropped")   /* a ring is no longer held */                                         \
    X(SEEDED, "seeded")     /* this host began the next ring */                                    \
    X(FOREIGN, "foreign")   /* a message under another secret */                                   \
    X(MISMATCH, "mismatch") /* a member with another rotate or accept */                           \
    X(REFUSED, "refused")   /* a message that no sound member sends */                             \
    X(LATE, "late")         /* fleet time was set forward */

#define METRICS_ENUM(prefix, name) METRICS_##prefix##_##name,
enum metrics_refusal {
#define METRICS_X(name, text) METRICS_ENUM(REFUSAL, name)
    METRICS_REFUSAL_MAP(METRICS_X)
#undef METRICS_X
        METRICS_N_REFUSALS
};
enum metrics_failure {
#define METRICS_X(name, text) METRICS_ENUM(FAILURE, name)
    METRICS_FAILURE_MAP(METRICS_X)
#undef METRICS_X
        METRICS_N_FAILURES
};
enum metrics_version {
#define METRICS_X(name, text) METRICS_ENUM(VERSION, name)
    METRICS_VERSION_MAP(METRICS_X)
#undef METRICS_X
        METRICS_N_VERSIONS
};
enum metrics_role {
#define METRICS_X(name, text) METRICS_ENUM(ROLE, name)
    METRICS_ROLE_MAP(METRICS_X)
#undef METRICS_X
        METRICS_N_ROLES
};
enum metrics_fleet_event {
#define METRICS_X(name, text) METRICS_ENUM(FLEET_EVENT, name)
    METRICS_FLEET_EVENT_MAP(METRICS_X)
#undef METRICS_X
        METRICS_N_FLEET_EVENTS
};
#undef METRICS_ENUM

/* Handshakes: from the accepted connection to the end of the handshake. The last has no bound. */
#define METRICS_BUCKETS 14
extern const uint32_t metrics_bucket_us[METRICS_BUCKETS - 1];

/* Of a worker; a name without a number is the first of a group. */
enum metrics_worker_cell {
    METRICS_OPEN, /* connections that are open; all others only grow */
    METRICS_ACCEPTED,
    METRICS_REFUSED,                                           /* + enum metrics_refusal */
    METRICS_HANDSHAKES = METRICS_REFUSED + METRICS_N_REFUSALS, /* + metrics_handshake() */
    METRICS_VERDICTS =
        METRICS_HANDSHAKES + METRICS_N_VERSIONS * RP_N_MECHANISMS * 2, /* + enum rp_verdict */
    METRICS_FAILURES = METRICS_VERDICTS + RP_N_VERDICTS,               /* + enum metrics_failure */
    METRICS_ISSUED = METRICS_FAILURES + METRICS_N_FAILURES,            /* + enum metrics_version */
    METRICS_DURATION_FULL = METRICS_ISSUED + METRICS_N_VERSIONS,       /* METRICS_BUCKETS of them */
    METRICS_DURATION_RESUMED = METRICS_DURATION_FULL + METRICS_BUCKETS,
    METRICS_SUM_US_FULL = METRICS_DURATION_RESUMED + METRICS_BUCKETS,
    METRICS_SUM_US_RESUMED,
    METRICS_BYTES_UP,   /* from clients to backends */
    METRICS_BYTES_DOWN, /* from backends to clients */
    METRICS_BACKEND_CONNECTS,
    METRICS_BACKEND_FAILURES,
    METRICS_BACKEND_TIMEOUTS,
    METRICS_WORKER_LOST, /* log lines */
    METRICS_N_WORKER_CELLS
};

/* Of the parent. */
enum metrics_parent_cell {
    METRICS_STARTED_S, /* wall clock */
    METRICS_DRAINING,  /* 1: the service ends */
    METRICS_KEEPER_READY,
    METRICS_WORKERS_WANTED,
    METRICS_WORKERS_READY,    /* of the generation that serves */
    METRICS_WORKERS_DRAINING, /* of those before it */
    METRICS_RESTARTS,         /* + enum metrics_role */
    METRICS_RELOADS_OK = METRICS_RESTARTS + METRICS_N_ROLES,
    METRICS_RELOADS_FAILED,
    METRICS_RELOADED_S, /* wall clock, of the last that went well; 0: none */
    METRICS_UPGRADES_FAILED,
    METRICS_PARENT_LOST, /* log lines */
    METRICS_N_PARENT_CELLS
};

/* Of the keeper, but for the keys. */
enum metrics_keeper_cell {
    METRICS_EPOCH,
    METRICS_EPOCH_SINCE_MS, /* boot-time clock: since when the key seals that seals now */
    METRICS_IS_STATIC,
    METRICS_DOMAINS,
    METRICS_KEEPER_LOST, /* log lines */
    METRICS_FLEET,       /* 1: this host is, or wants to be, in one; all others are of it */
    METRICS_FLEET_STORE_UP,
    METRICS_FLEET_JOINED,
    METRICS_FLEET_MEMBERS, /* that it sees, itself included */
    METRICS_FLEET_IN_STEP, /* of those, that seal by the same ring */
    METRICS_FLEET_RINGS,   /* held */
    METRICS_FLEET_RING,    /* the first eight bytes of the id of the ring that seals */
    METRICS_FLEET_UNCERTAINTY_MS,
    METRICS_FLEET_OFFSET_MS, /* of fleet time to the boot-time clock; signed */
    METRICS_FLEET_EVENTS,    /* + enum metrics_fleet_event */
    METRICS_N_KEEPER_CELLS = METRICS_FLEET_EVENTS + METRICS_N_FLEET_EVENTS
};

/* Of the feeder, but for the feeds. */
enum metrics_feeder_cell {
    METRICS_FEEDER_LOST, /* log lines */
    METRICS_N_FEEDER_CELLS
};

/* Of the session cache, written by the worker of index 0. */
enum metrics_cache_cell {
    METRICS_CACHE_RECORDS,
    METRICS_CACHE_BYTES,
    METRICS_CACHE_CAPACITY,
    METRICS_CACHE_STORED,
    METRICS_CACHE_HITS,
    METRICS_CACHE_MISSES,
    METRICS_CACHE_EVICTED,
    METRICS_CACHE_EMPTIED,
    METRICS_N_CACHE_CELLS
};

enum metrics_key_role { METRICS_KEY_NEXT, METRICS_KEY_SEALS, METRICS_KEY_OPENS };

struct metrics_key {
    uint8_t name[METRICS_NAME_LEN]; /* in the first security domain */
    enum metrics_key_role role;
    uint64_t epoch;   /* of a static key, its place in the list */
    int64_t since_ms; /* boot-time clock: its epoch began, or its file was read first */
};

typedef _Atomic uint64_t metrics_cell;

struct metrics_worker {
    _Alignas(64) metrics_cell cells[METRICS_N_WORKER_CELLS];
};

/* The sections, as they lie in the mapping. */
struct metrics_shared;

struct metrics;

/* In the parent, before it forks. */
enum rp_status metrics_new(struct metrics **out, struct rp_error *err) RP_MUST_USE;
void metrics_free(struct metrics **metrics);

/* In the courier: what it maps from now on, it cannot write, nor make writable again. */
void metrics_read_only(struct metrics *metrics);

/* In the parent: nobody is in this slot (less than METRICS_WORKERS). */
void metrics_worker_idle(struct metrics *metrics, unsigned slot);

/* The section of a slot, for the worker in it. */
struct metrics_worker *metrics_worker(struct metrics *metrics, unsigned slot);

/* Of the one process that writes there; METRICS_N_..._CELLS of them. Not in the courier. */
metrics_cell *metrics_parent(struct metrics *metrics);
metrics_cell *metrics_keeper(struct metrics *metrics);
metrics_cell *metrics_cache(struct metrics *metrics);
metrics_cell *metrics_feeder(struct metrics *metrics);

/* By the keeper. */
struct member_table *metrics_members(struct metrics *metrics);

/* By the feeder; by the parent while there is none. */
struct feed_table *metrics_feeds(struct metrics *metrics);

/* By the keeper; n is at most METRICS_KEYS_MAX. */
void metrics_keys_write(struct metrics *metrics, const struct metrics_key *keys, size_t n);

/* By the owner of the cell alone. */
static inline void metrics_add(metrics_cell *cell, uint64_t n)
{
    atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static inline void metrics_set(metrics_cell *cell, uint64_t value)
{
    atomic_store_explicit(cell, value, memory_order_relaxed);
}

static inline uint64_t metrics_get(const metrics_cell *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}

/* Which of the cells from METRICS_HANDSHAKES on. */
static inline size_t metrics_handshake(enum metrics_version version, enum rp_mechanism mechanism,
                                       bool resumed)
{
    return ((size_t)version * RP_N_MECHANISMS + (size_t)mechanism) * 2 + resumed;
}

/* A complete handshake that took so long. */
void metrics_duration(struct metrics_worker *worker, bool resumed, uint64_t us);

/* All there is, summed up at one moment or nearly so. */
struct metrics_totals {
    uint64_t worker[METRICS_N_WORKER_CELLS];
    uint64_t parent[METRICS_N_PARENT_CELLS];
    uint64_t keeper[METRICS_N_KEEPER_CELLS];
    uint64_t cache[METRICS_N_CACHE_CELLS];
    struct metrics_key keys[METRICS_KEYS_MAX];
    size_t n_keys;
    struct member_list members;
    uint64_t feeder[METRICS_N_FEEDER_CELLS];
    struct feed_list feeds;
};

/* In any process. Where keys or members cannot be read now, those in out stay as they are. */
void metrics_read(const struct metrics *metrics, struct metrics_totals *out);

/* The names that the figures are shown by; static storage. */
const char *metrics_refusal_text(enum metrics_refusal refusal);
const char *metrics_failure_text(enum metrics_failure failure);
const char *metrics_version_text(enum metrics_version version);
const char *metrics_role_text(enum metrics_role role);
const char *metrics_fleet_event_text(enum metrics_fleet_event event);
const char *metrics_key_role_text(enum metrics_key_role role);

#endif
