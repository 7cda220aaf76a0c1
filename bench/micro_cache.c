/* The session cache: its index alone, and with all that a resumption by session ID asks of it. */
#include <stdlib.h>
#include <string.h>

#include <reprise/keyring.h>

#include "cache_use.h"
#include "measure.h"
#include "memory.h"
#include "session_record.h"
#include "session_seal.h"

#define MIB ((size_t)1 << 20)
#define SEALED_LEN (SESSION_RECORD_FIXED_LEN + SESSION_SEAL_OVERHEAD)

/* A cache full of sessions, asked for in an order that has nothing to do with how they lie. */
struct bench {
    struct rp_keyring *keyring;
    struct rp_cache *cache;
    struct algorithms algorithms;
    unsigned domain;
    struct window_key key;
    uint8_t (*ids)[SESSION_ID_LEN];
    size_t n_ids;
    size_t next_id;
    uint8_t last[SESSION_ID_LEN]; /* the ID of sealed, the last record that was stored */
    uint8_t sealed[SEALED_LEN];
};

static const uint8_t *any_id(struct bench *b)
{
    b->next_id = b->next_id + 1 < b->n_ids ? b->next_id + 1 : 0;
    return b->ids[b->next_id];
}

static void shuffle(struct bench *b)
{
    uint64_t seed = 1;

    for (size_t i = b->n_ids - 1; i > 0; i--) {
        uint8_t id[SESSION_ID_LEN];
        size_t other;

        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        other = (size_t)(seed % (i + 1));
        memcpy(id, b->ids[i], sizeof id);
        memcpy(b->ids[i], b->ids[other], sizeof id);
        memcpy(b->ids[other], id, sizeof id);
    }
}

static void look_up(void *cookie, uint64_t n)
{
    struct bench *const b = cookie;
    uint8_t out[CACHE_RECORD_MAX];
    uint64_t n_found = 0;

    for (uint64_t i = 0; i < n; i++) {
        n_found += cache_get(b->cache, any_id(b), out) != 0 ? 1 : 0;
    }
    measure_require(n_found == n, "every session is found");
}

static void look_up_nothing(void *cookie, uint64_t n)
{
    struct bench *const b = cookie;
    uint8_t out[CACHE_RECORD_MAX];
    uint8_t id[SESSION_ID_LEN];
    uint64_t n_found = 0;

    for (uint64_t i = 0; i < n; i++) {
        memcpy(id, any_id(b), sizeof id);
        id[20] ^= 0xff;
        n_found += cache_get(b->cache, id, out) != 0 ? 1 : 0;
    }
    measure_require(n_found == 0, "no unknown session is found");
}

static void store(void *cookie, uint64_t n)
{
    struct bench *const b = cookie;

    for (uint64_t i = 0; i < n; i++) {
        measure_require(cache_put(b->cache, any_id(b), b->sealed, sizeof b->sealed), "put");
    }
}

static void open_id(void *cookie, uint64_t n)
{
    struct bench *const b = cookie;

    for (uint64_t i = 0; i < n; i++) {
        struct window_key key;

        measure_require(session_id_open(b->keyring, b->domain, 0, any_id(b), SESSION_ID_LEN,
                                        &key) == WINDOW_FOUND,
                        "open a session ID");
        window_key_wipe(&key);
    }
}

/* A look-up, and opening what was found; returns how long it is. */
static size_t look_up_opened(const struct bench *b, const struct window_key *key, const uint8_t *id,
                             uint8_t plain[CACHE_RECORD_MAX])
{
    uint8_t sealed[CACHE_RECORD_MAX];
    const size_t len = cache_get(b->cache, id, sealed);
    enum rp_verdict verdict;
    size_t plain_len;

    measure_require(
        session_open(&b->algorithms, key, id, sealed, len, &verdict, plain, &plain_len) == RP_OK &&
            verdict == RP_VERDICT_ACCEPTED,
        "open a record");
    return plain_len;
}

static void look_up_open(void *cookie, uint64_t n)
{
    struct bench *const b = cookie;
    uint8_t plain[CACHE_RECORD_MAX];

    for (uint64_t i = 0; i < n; i++) {
        (void)look_up_opened(b, &b->key, any_id(b), plain);
    }
}

/* All that a resumption asks for: the ID's key and MAC, the look-up, opening the record, decoding.
 */
static void resume(void *cookie, uint64_t n)
{
    struct bench *const b = cookie;
    uint8_t plain[CACHE_RECORD_MAX];

    for (uint64_t i = 0; i < n; i++) {
        const uint8_t *const id = any_id(b);
        struct session_record record;
        struct window_key key;

        measure_require(session_id_open(b->keyring, b->domain, 0, id, SESSION_ID_LEN, &key) ==
                            WINDOW_FOUND,
                        "open a session ID");
        measure_require(session_record_decode(plain, look_up_opened(b, &key, id, plain), &record),
                        "decode a record");
        window_key_wipe(&key);
    }
}

/* Only the opening of a record, of one session over and over. */
static void open_record(void *cookie, uint64_t n)
{
    struct bench *const b = cookie;
    uint8_t plain[SEALED_LEN];

    for (uint64_t i = 0; i < n; i++) {
        enum rp_verdict verdict;
        size_t plain_len;

        measure_require(session_open(&b->algorithms, &b->key, b->last, b->sealed, sizeof b->sealed,
                                     &verdict, plain, &plain_len) == RP_OK &&
                            verdict == RP_VERDICT_ACCEPTED,
                        "open a record");
    }
}

/* The same as on a CPU whose AES instructions libsodium does not use. */
static void open_by_libcrypto(void *cookie, uint64_t n)
{
    struct bench *const b = cookie;
    const bool by_sodium = b->algorithms.gcm_by_sodium;

    b->algorithms.gcm_by_sodium = false;
    open_record(b, n);
    b->algorithms.gcm_by_sodium = by_sodium;
}

static void seal_record(void *cookie, uint64_t n)
{
    struct bench *const b = cookie;
    const uint8_t plain[SESSION_RECORD_FIXED_LEN] = {0};
    uint8_t id[SESSION_ID_LEN];
    uint8_t sealed[SEALED_LEN];

    for (uint64_t i = 0; i < n; i++) {
        measure_require(session_id_make(&b->key, id) == RP_OK, "make an ID");
        measure_require(session_seal(&b->algorithms, &b->key, id, plain, sizeof plain, sealed) ==
                            RP_OK,
                        "seal a record");
    }
}

/* Stores sessions as they come from a handshake, then keeps the IDs of those that are there. */
static void fill(struct bench *b, size_t bytes)
{
    const struct session_record record = {
        .meta = {.version = 0x0303, .ems = true}, .lifetime_s = 86400, .cipher = 0xc02b};
    const size_t n = bytes / 100;
    uint8_t out[CACHE_RECORD_MAX];

    measure_require(rp_cache_new(bytes, &b->cache, NULL) == RP_OK, "make a cache");
    b->ids = memory_new(n, SESSION_ID_LEN);
    measure_require(b->ids != NULL, "memory for the session IDs");
    for (size_t i = 0; i < n; i++) {
        uint8_t plain[SESSION_RECORD_FIXED_LEN];

        measure_require(session_record_encode(&record, plain, sizeof plain) == sizeof plain &&
                            session_id_make(&b->key, b->ids[i]) == RP_OK &&
                            session_seal(&b->algorithms, &b->key, b->ids[i], plain, sizeof plain,
                                         b->sealed) == RP_OK &&
                            cache_put(b->cache, b->ids[i], b->sealed, sizeof b->sealed),
                        "store a session");
    }
    b->n_ids = 0;
    for (size_t i = 0; i < n; i++) {
        if (cache_get(b->cache, b->ids[i], out) != 0) {
            memcpy(b->ids[b->n_ids++], b->ids[i], SESSION_ID_LEN);
        }
    }
    memcpy(b->last, b->ids[b->n_ids - 1], SESSION_ID_LEN);
    shuffle(b);
}

static void empty(struct bench *b)
{
    rp_cache_free(&b->cache);
    memory_free(b->ids);
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    struct measure m;

    if (!measure_init(&m, "Session cache (records of 128 bytes)", argc, argv)) {
        return 2;
    }
    measure_require(rp_keyring_new(&(struct rp_keyring_options){0}, &b.keyring, NULL) == RP_OK &&
                        rp_keyring_keep(b.keyring, 0, NULL, NULL) == RP_OK &&
                        rp_keyring_domain_add(b.keyring, "bench") == RP_OK &&
                        window_domain(b.keyring, "bench", &b.domain) &&
                        window_sealing(b.keyring, b.domain, 0, &b.key) &&
                        algorithms_init(&b.algorithms) == RP_OK,
                    "make a keyring");
    fill(&b, MIB);
    measure_count(&m, "sessions held by 1 MiB", (double)b.n_ids, "sessions", 5000);
    measure_time(&m, "make an ID and seal a record", 0, seal_record, &b);
    measure_time(&m, "open a record", 0, open_record, &b);
    measure_time(&m, "  the same, its GCM by libcrypto", 0, open_by_libcrypto, &b);
    measure_time(&m, "check a session ID", 0, open_id, &b);
    measure_time(&m, "look up, 1 MiB", 2e6, look_up, &b);
    measure_time(&m, "look up and open, 1 MiB", 1e6, look_up_open, &b);
    measure_time(&m, "check ID, look up, open, decode, 1 MiB", 0, resume, &b);
    measure_time(&m, "look up what is not there, 1 MiB", 0, look_up_nothing, &b);
    measure_time(&m, "store, 1 MiB", 0, store, &b);
    empty(&b);
    fill(&b, 64 * MIB);
    measure_count(&m, "sessions held by 64 MiB", (double)b.n_ids, "sessions", 64 * 5000);
    measure_time(&m, "look up, 64 MiB", 2e6, look_up, &b);
    measure_time(&m, "look up and open, 64 MiB", 1e6, look_up_open, &b);
    measure_time(&m, "check ID, look up, open, decode, 64 MiB", 0, resume, &b);
    measure_time(&m, "store, 64 MiB", 0, store, &b);
    empty(&b);
    measure_print(&m);
    window_key_wipe(&b.key);
    algorithms_fini(&b.algorithms);
    rp_keyring_free(&b.keyring);
    return 0;
}
