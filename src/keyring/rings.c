#include "rings.h"

#include <assert.h>
#include <string.h>

#include <openssl/rand.h>

#include "memory.h"

#define RANK_LEN 4

size_t rings_size(unsigned max_roots)
{
    return sizeof(struct rings) + max_roots * sizeof(struct ring_root);
}

const uint8_t *rings_mark(const uint8_t id[static RATCHET_ID_LEN])
{
    return &id[RANK_LEN];
}

uint32_t rings_rank(const uint8_t id[static RATCHET_ID_LEN])
{
    return (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
}

int rings_compare(const uint8_t a[static RATCHET_ID_LEN], const uint8_t b[static RATCHET_ID_LEN])
{
    return memcmp(a, b, RATCHET_ID_LEN);
}

int rings_find(const struct rings *r, const uint8_t id[static RATCHET_ID_LEN])
{
    for (uint32_t i = 0; i < r->n; i++) {
        if (rings_compare(r->ring[i].id, id) == 0) {
            return (int)i;
        }
    }
    return -1;
}

int64_t rings_time(const struct rings *r, unsigned place, int64_t fleet_ms)
{
    int64_t since;

    if (__builtin_sub_overflow(fleet_ms, r->ring[place].genesis_ms, &since)) {
        return fleet_ms < 0 ? INT64_MIN : INT64_MAX;
    }
    return since;
}

/* genesis + n_epochs * rotate + extra, or INT64_MAX where that is too far off to be told. */
static int64_t instant(const struct rings *r, const struct ring *ring, uint64_t n_epochs,
                       int64_t extra)
{
    int64_t ms;

    if (n_epochs > INT64_MAX || __builtin_mul_overflow((int64_t)n_epochs, r->rotate_ms, &ms) ||
        __builtin_add_overflow(ms, ring->genesis_ms, &ms) ||
        __builtin_add_overflow(ms, extra, &ms)) {
        return INT64_MAX;
    }
    return ms;
}

static int64_t opens_until(const struct rings *r, const struct ring *ring, uint64_t epoch)
{
    return instant(r, ring, epoch + 1, r->accept_ms);
}

static uint64_t epoch_at(const struct rings *r, unsigned place, int64_t fleet_ms)
{
    const int64_t since = rings_time(r, place, fleet_ms);

    if (since == INT64_MAX) {
        return UINT64_MAX;
    }
    return since > 0 ? (uint64_t)(since / r->rotate_ms) : 0;
}

static bool is_too_far(uint64_t from, uint64_t target)
{
    return target > from && target - from > RINGS_GAP_MAX;
}

static void remove_root(struct rings *r, uint32_t i)
{
    r->n_roots--;
    memmove(&r->roots[i], &r->roots[i + 1], (r->n_roots - i) * sizeof r->roots[0]);
    memory_wipe(&r->roots[r->n_roots], sizeof r->roots[0]);
}

/* The place at which a root stands, or would. */
static uint32_t root_place(const struct rings *r, uint32_t place, uint64_t epoch)
{
    uint32_t i = 0;

    while (i < r->n_roots &&
           (r->roots[i].ring < place || (r->roots[i].ring == place && r->roots[i].epoch > epoch))) {
        i++;
    }
    return i;
}

static bool has_root(const struct rings *r, uint32_t place, uint64_t epoch)
{
    const uint32_t i = root_place(r, place, epoch);

    return i < r->n_roots && r->roots[i].ring == place && r->roots[i].epoch == epoch;
}

static bool has_roots(const struct rings *r, uint32_t place)
{
    const uint32_t i = root_place(r, place, UINT64_MAX);

    return i < r->n_roots && r->roots[i].ring == place;
}

/*
 * Without room, the root goes that would open for the shortest time, this one or another; never one
 * of the ring that seals, for whose sake there is at least room for all of its own.
 */
static bool make_room(struct rings *r, uint32_t place, int64_t until)
{
    uint32_t first = r->n_roots;

    for (uint32_t i = 0; i < r->n_roots; i++) {
        if (r->roots[i].ring != r->sealing &&
            (first == r->n_roots || r->roots[i].opens_until_ms < r->roots[first].opens_until_ms)) {
            first = i;
        }
    }
    if (first == r->n_roots || (place != r->sealing && r->roots[first].opens_until_ms >= until)) {
        return false;
    }
    remove_root(r, first);
    return true;
}

static void put_root(struct rings *r, uint32_t place, uint64_t epoch,
                     const uint8_t root[static DERIVE_ROOT_LEN])
{
    const int64_t until = opens_until(r, &r->ring[place], epoch);
    uint32_t i;

    if (r->n_roots == r->max_roots && !make_room(r, place, until)) {
        return;
    }
    i = root_place(r, place, epoch);
    memmove(&r->roots[i + 1], &r->roots[i], (r->n_roots - i) * sizeof r->roots[0]);
    r->n_roots++;
    r->roots[i] = (struct ring_root){.epoch = epoch, .opens_until_ms = until, .ring = place};
    memcpy(r->roots[i].root, root, DERIVE_ROOT_LEN);
}

/* The root that chain, which is chain[epoch], yields: unless it is there or opens no more. */
static enum rp_status derive_root(struct rings *r, uint32_t place,
                                  const uint8_t chain[static RATCHET_LEN], uint64_t epoch,
                                  int64_t fleet_ms)
{
    const struct ring *const ring = &r->ring[place];
    uint8_t root[DERIVE_ROOT_LEN];
    enum rp_status status;

    if (opens_until(r, ring, epoch) <= fleet_ms || has_root(r, place, epoch)) {
        return RP_OK;
    }
    status = ratchet_root(chain, ring->id, epoch, root);
    if (status == RP_OK) {
        put_root(r, place, epoch, root);
    }
    memory_wipe(root, sizeof root);
    return status;
}

/* Exactly those of the epochs ahead, up to lead, and all of them on a copy of the chain. */
static enum rp_status derive_lead(struct rings *r, uint32_t place, int64_t fleet_ms)
{
    const struct ring *const ring = &r->ring[place];
    uint8_t chain[RATCHET_LEN];
    enum rp_status status = RP_OK;

    for (uint32_t i = root_place(r, place, UINT64_MAX);
         i < r->n_roots && r->roots[i].ring == place &&
         r->roots[i].epoch > ring->epoch + r->lead;) {
        remove_root(r, i);
    }
    memcpy(chain, ring->chain, sizeof chain);
    for (uint64_t ahead = 1; status == RP_OK && ahead <= r->lead; ahead++) {
        const uint64_t epoch = ring->epoch + ahead;

        status = derive_root(r, place, chain, epoch, fleet_ms);
        if (status == RP_OK && ahead < r->lead) {
            status = ratchet_next(chain, ring->id, epoch);
        }
    }
    memory_wipe(chain, sizeof chain);
    return status;
}

/* To that epoch, if it is ahead; for a ring that is held. */
static enum rp_status step(struct rings *r, uint32_t place, uint64_t target, int64_t fleet_ms)
{
    struct ring *const ring = &r->ring[place];
    enum rp_status status = RP_OK;

    while (status == RP_OK && ring->epoch < target) {
        status = derive_root(r, place, ring->chain, ring->epoch + 1, fleet_ms);
        if (status == RP_OK) {
            status = ratchet_next(ring->chain, ring->id, ring->epoch + 1);
        }
        ring->epoch++;
    }
    return status == RP_OK ? derive_lead(r, place, fleet_ms) : status;
}

/* A new one in its epoch 0, behind the others. mark: NULL: a random one. */
static enum rp_status begin(struct rings *r, uint32_t rank, const uint8_t *mark, int64_t genesis_ms)
{
    struct ring *const ring = &r->ring[r->n];
    uint8_t chain[RATCHET_LEN] = {0};
    enum rp_status status = RP_CRYPTO;

    *ring = (struct ring){.genesis_ms = genesis_ms, .held = true, .sealed_until_ms = INT64_MIN};
    if (RAND_bytes(ring->id, sizeof ring->id) == 1 && RAND_priv_bytes(chain, sizeof chain) == 1) {
        for (int i = 0; i < 4; i++) {
            ring->id[i] = (uint8_t)(rank >> (24 - 8 * i));
        }
        if (mark != NULL) {
            memcpy(&ring->id[RANK_LEN], mark, RINGS_MARK_LEN);
        }
        r->n++;
        status = derive_root(r, r->n - 1, chain, 0, INT64_MIN);
    }
    if (status == RP_OK) {
        status = ratchet_next(chain, ring->id, 0);
    }
    memcpy(ring->chain, chain, sizeof chain);
    memory_wipe(chain, sizeof chain);
    return status == RP_OK ? derive_lead(r, r->n - 1, INT64_MIN) : status;
}

enum rp_status rings_begin(struct rings *r, uint32_t rank, int64_t genesis_ms, int64_t rotate_ms,
                           int64_t accept_ms)
{
    const uint32_t max_roots = r->max_roots;
    enum rp_status status;

    memory_wipe(r, rings_size(max_roots));
    r->max_roots = max_roots;
    r->rotate_ms = rotate_ms;
    r->accept_ms = accept_ms;
    r->lead = 1;
    status = begin(r, rank, NULL, genesis_ms);
    r->ring[0].sealed_until_ms = INT64_MAX;
    return status;
}

static bool has_place(const struct rings *r, bool known, bool to_hold)
{
    unsigned n_held = 0;

    for (uint32_t i = 0; i < r->n; i++) {
        n_held += r->ring[i].held ? 1 : 0;
    }
    return (known || r->n < RINGS_MAX) && (!to_hold || n_held < RINGS_HELD_MAX);
}

static enum rp_status seed(struct rings *r, uint32_t rank, const uint8_t *mark, int64_t genesis_ms,
                           unsigned *place)
{
    if (!has_place(r, false, true)) {
        return RP_FULL;
    }
    *place = r->n;
    return begin(r, rank, mark, genesis_ms);
}

enum rp_status rings_seed(struct rings *r, uint32_t rank, int64_t genesis_ms, unsigned *place)
{
    return seed(r, rank, NULL, genesis_ms, place);
}

enum rp_status rings_seed_marked(struct rings *r, uint32_t rank,
                                 const uint8_t mark[static RINGS_MARK_LEN], int64_t genesis_ms,
                                 unsigned *place)
{
    return seed(r, rank, mark, genesis_ms, place);
}

/* What no host can hold at fleet_ms, or only one whose ring is of no use here. */
static bool is_possible(const struct rings *r, const struct rings_import *in, int64_t fleet_ms)
{
    const struct rings at = {
        .rotate_ms = r->rotate_ms, .n = 1, .ring = {{.genesis_ms = in->genesis_ms}}};
    const int64_t time_ms = rings_time(&at, 0, fleet_ms);
    const uint64_t epoch = epoch_at(&at, 0, fleet_ms);

    return time_ms / r->rotate_ms >= -RINGS_GAP_MAX && !is_too_far(epoch, in->epoch) &&
           !is_too_far(in->epoch, epoch) && in->epoch < INT64_MAX &&
           (in->n_roots == 0 ||
            (in->first <= in->epoch + 1 && in->n_roots - 1 <= in->epoch + 1 - in->first));
}

static void take_up_roots(struct rings *r, uint32_t place, const struct rings_import *in,
                          int64_t fleet_ms)
{
    const struct ring *const ring = &r->ring[place];

    for (size_t i = in->n_roots; i-- != 0;) {
        const uint64_t epoch = in->first + i;

        if (opens_until(r, ring, epoch) > fleet_ms && !has_root(r, place, epoch) &&
            (!ring->held || epoch <= ring->epoch + 1)) {
            put_root(r, place, epoch, in->roots + i * DERIVE_ROOT_LEN);
        }
    }
}

/* The genesis that comes with the chain counts from now on: the ring's time is judged by it. */
static void take_up_genesis(struct rings *r, uint32_t place, int64_t genesis_ms)
{
    struct ring *const ring = &r->ring[place];

    ring->genesis_ms = genesis_ms;
    for (uint32_t i = root_place(r, place, UINT64_MAX); i < r->n_roots && r->roots[i].ring == place;
         i++) {
        r->roots[i].opens_until_ms = opens_until(r, ring, r->roots[i].epoch);
    }
}

static enum rp_status take_up_chain(struct rings *r, uint32_t place, const struct rings_import *in,
                                    int64_t fleet_ms)
{
    struct ring *const ring = &r->ring[place];
    const uint64_t target = epoch_at(r, place, fleet_ms);
    const uint64_t known = ring->epoch;

    ring->held = true;
    ring->epoch = in->epoch;
    memcpy(ring->chain, in->chain, sizeof ring->chain);
    take_up_roots(r, place, in, fleet_ms);
    return step(r, place, target > known ? target : known, fleet_ms);
}

enum rp_status rings_take_up(struct rings *r, const struct rings_import *in, int64_t fleet_ms)
{
    const int known = rings_find(r, in->id);
    const uint32_t place = known >= 0 ? (uint32_t)known : r->n;
    struct ring *const ring = &r->ring[place];
    enum rp_status status = RP_OK;
    bool to_hold;

    if (!is_possible(r, in, fleet_ms)) {
        return RP_INVALID;
    }
    to_hold = in->chain != NULL && (known < 0 || !ring->held);
    if (!has_place(r, known >= 0, to_hold)) {
        return RP_FULL;
    }
    if (known < 0) {
        *ring = (struct ring){
            .genesis_ms = in->genesis_ms, .epoch = in->epoch, .sealed_until_ms = INT64_MIN};
        memcpy(ring->id, in->id, sizeof ring->id);
        r->n++;
    } else if (to_hold) {
        if (is_too_far(in->epoch, ring->epoch)) {
            return RP_INVALID;
        }
        take_up_genesis(r, place, in->genesis_ms);
    }
    if (to_hold) {
        status = take_up_chain(r, place, in, fleet_ms);
    } else {
        take_up_roots(r, place, in, fleet_ms);
        ring->epoch = !ring->held && in->epoch > ring->epoch ? in->epoch : ring->epoch;
    }
    if (!ring->held && !has_roots(r, place)) {
        rings_forget(r, place);
    }
    return status;
}

void rings_seal_by(struct rings *r, unsigned place, int64_t fleet_ms)
{
    assert(place < r->n && r->ring[place].held);
    r->ring[r->sealing].sealed_until_ms = fleet_ms;
    r->ring[place].sealed_until_ms = INT64_MAX;
    r->sealing = place;
}

void rings_drop(struct rings *r, unsigned place)
{
    struct ring *const ring = &r->ring[place];

    assert(place < r->n && place != r->sealing);
    ring->held = false;
    memory_wipe(ring->chain, sizeof ring->chain);
}

void rings_forget(struct rings *r, unsigned place)
{
    assert(place < r->n && place != r->sealing);
    for (uint32_t i = 0; i < r->n_roots;) {
        if (r->roots[i].ring == place) {
            remove_root(r, i);
        } else {
            r->roots[i].ring -= r->roots[i].ring > place ? 1 : 0;
            i++;
        }
    }
    r->n--;
    r->sealing -= r->sealing > place ? 1 : 0;
    memmove(&r->ring[place], &r->ring[place + 1], (r->n - place) * sizeof r->ring[0]);
    memory_wipe(&r->ring[r->n], sizeof r->ring[0]);
}

int64_t rings_next_ms(const struct rings *r)
{
    int64_t next = INT64_MAX;

    for (uint32_t i = 0; i < r->n; i++) {
        const int64_t ends = instant(r, &r->ring[i], r->ring[i].epoch + 1, 0);

        next = r->ring[i].held && ends < next ? ends : next;
    }
    for (uint32_t i = 0; i < r->n_roots; i++) {
        next = r->roots[i].opens_until_ms < next ? r->roots[i].opens_until_ms : next;
    }
    return next;
}

bool rings_lost(const struct rings *r, int64_t fleet_ms)
{
    return r->n != 0 && is_too_far(r->ring[r->sealing].epoch, epoch_at(r, r->sealing, fleet_ms));
}

static void drop_expired(struct rings *r, int64_t fleet_ms)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < r->n_roots; i++) {
        if (r->roots[i].opens_until_ms > fleet_ms) {
            r->roots[kept] = r->roots[i];
            kept++;
        }
    }
    memory_wipe(&r->roots[kept], (r->n_roots - kept) * sizeof r->roots[0]);
    r->n_roots = kept;
}

static void forget_empty(struct rings *r)
{
    for (uint32_t i = r->n; i-- != 0;) {
        if (!r->ring[i].held && !has_roots(r, i)) {
            rings_forget(r, i);
        }
    }
}

enum rp_status rings_advance(struct rings *r, int64_t fleet_ms)
{
    enum rp_status status = RP_OK;

    assert(!rings_lost(r, fleet_ms));
    drop_expired(r, fleet_ms);
    for (uint32_t i = 0; status == RP_OK && i < r->n; i++) {
        const uint64_t target = epoch_at(r, i, fleet_ms);

        if (r->ring[i].held && is_too_far(r->ring[i].epoch, target)) {
            rings_drop(r, i);
        } else if (r->ring[i].held) {
            status = step(r, i, target, fleet_ms);
        }
    }
    forget_empty(r);
    return status;
}
