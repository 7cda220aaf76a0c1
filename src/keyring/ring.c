#include "ring.h"

#include <assert.h>
#include <string.h>

#include <openssl/rand.h>

#include "memory.h"

/* genesis + n_epochs * rotate + extra, or INT64_MAX where that is too far off to be told. */
static int64_t instant(const struct chain_slot *state, uint64_t n_epochs, int64_t extra)
{
    int64_t ms;

    if (n_epochs > INT64_MAX || __builtin_mul_overflow((int64_t)n_epochs, state->rotate_ms, &ms) ||
        __builtin_add_overflow(ms, state->genesis_ms, &ms) ||
        __builtin_add_overflow(ms, extra, &ms)) {
        return INT64_MAX;
    }
    return ms;
}

static int64_t opens_until(const struct chain_slot *state, uint64_t epoch)
{
    return instant(state, epoch + 1, state->accept_ms);
}

/* Puts root[epoch], which state->chain yields, in front. */
static enum rp_status push_root(struct chain_slot *state, uint64_t epoch)
{
    assert(state->n_keys < SEGMENT_KEYS_MAX);
    memmove(&state->keys[1], &state->keys[0], state->n_keys * sizeof state->keys[0]);
    state->n_keys++;
    state->keys[0].epoch = epoch;
    state->keys[0].opens_until_ms = opens_until(state, epoch);
    return ratchet_root(state->chain, state->ring_id, epoch, state->keys[0].root);
}

static void drop_expired(struct chain_slot *state, int64_t fleet_ms)
{
    while (state->n_keys != 0 && state->keys[state->n_keys - 1].opens_until_ms <= fleet_ms) {
        state->n_keys--;
        memory_wipe(&state->keys[state->n_keys], sizeof state->keys[0]);
    }
}

enum rp_status ring_begin(struct chain_slot *state, int64_t genesis_ms, int64_t rotate_ms,
                          int64_t accept_ms)
{
    enum rp_status status;

    memory_wipe(state->keys, sizeof state->keys);
    memory_wipe(state->steks, sizeof state->steks);
    state->genesis_ms = genesis_ms;
    state->rotate_ms = rotate_ms;
    state->accept_ms = accept_ms;
    state->epoch = 0;
    state->is_static = 0;
    state->n_keys = 0;
    if (RAND_bytes(state->ring_id, sizeof state->ring_id) != 1 ||
        RAND_priv_bytes(state->chain, sizeof state->chain) != 1) {
        return RP_CRYPTO;
    }
    status = push_root(state, 0);
    if (status == RP_OK) {
        status = ratchet_next(state->chain, state->ring_id, 0);
    }
    return status == RP_OK ? push_root(state, 1) : status;
}

int64_t ring_next_ms(const struct chain_slot *state)
{
    const int64_t epoch_ends = instant(state, state->epoch + 1, 0);
    const int64_t first_expires =
        state->n_keys != 0 ? state->keys[state->n_keys - 1].opens_until_ms : INT64_MAX;

    return epoch_ends < first_expires ? epoch_ends : first_expires;
}

static uint64_t epoch_at(const struct chain_slot *state, int64_t fleet_ms)
{
    int64_t since;

    if (__builtin_sub_overflow(fleet_ms, state->genesis_ms, &since)) {
        return fleet_ms < 0 ? 0 : UINT64_MAX;
    }
    return since > 0 ? (uint64_t)(since / state->rotate_ms) : 0;
}

bool ring_lost(const struct chain_slot *state, int64_t fleet_ms)
{
    const uint64_t target = epoch_at(state, fleet_ms);

    return target > state->epoch && target - state->epoch > RING_GAP_MAX;
}

enum rp_status ring_advance(struct chain_slot *state, int64_t fleet_ms)
{
    const uint64_t target = epoch_at(state, fleet_ms);

    assert(!ring_lost(state, fleet_ms));
    drop_expired(state, fleet_ms);
    while (state->epoch < target) {
        enum rp_status status = ratchet_next(state->chain, state->ring_id, state->epoch + 1);

        state->epoch++;
        if (status == RP_OK && opens_until(state, state->epoch + 1) > fleet_ms) {
            status = push_root(state, state->epoch + 1);
        }
        if (status != RP_OK) {
            return status;
        }
    }
    return RP_OK;
}
