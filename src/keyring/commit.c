#include "commit.h"

#include <string.h>

#include "memory.h"
#include "window_write.h"

static void chain_wipe(const struct rp_keyring *keyring, uint64_t generation)
{
    struct chain_slot *const slot = segment_chain_slot(keyring, generation);

    atomic_store_explicit(&slot->generation, 0, memory_order_release);
    memory_wipe(slot, keyring->layout.chain_slot_len);
}

static bool rings_are_sound(const struct rp_keyring *keyring, const struct rings *rings)
{
    bool sound = rings->n != 0 && rings->n <= RINGS_MAX && rings->sealing < rings->n &&
                 rings->ring[rings->sealing].held && rings->lead != 0 &&
                 rings->lead <= RINGS_LEAD_MAX && rings->max_roots == keyring->layout.max_keys &&
                 rings->n_roots != 0 && rings->n_roots <= rings->max_roots &&
                 rings->rotate_ms > 0 && rings->accept_ms > 0;

    for (uint32_t i = 0; sound && i < rings->n_roots; i++) {
        sound = rings->roots[i].ring < rings->n;
    }
    return sound;
}

/* Not one that this build could have written: whoever resumed it would run out of bounds. */
static bool is_sound(const struct rp_keyring *keyring, const struct chain_slot *state)
{
    return state->n_domains <= keyring->layout.max_domains &&
           (state->is_static != 0 ? state->n_steks != 0 && state->n_steks <= STATIC_KEYS_MAX
                                  : rings_are_sound(keyring, segment_rings(state)));
}

/*
 * Whether the window was written from the state. Two segments that were handed on as a pair and
 * are none would be one ring's keys under the other's names.
 */
static bool is_pair(const struct rp_keyring *keyring, uint64_t generation,
                    const struct chain_slot *state)
{
    const _Atomic uint64_t *const slot =
        segment_slot(&keyring->layout, keyring->writable, generation);
    const _Atomic uint64_t *const domains = slot + keyring->layout.domains;
    const struct rings *const rings = segment_rings(state);
    const struct ring *const ring = &rings->ring[rings->sealing];
    uint64_t id[RATCHET_ID_LEN / sizeof(uint64_t)];
    bool same;

    memcpy(id, ring->id, sizeof id);
    same = slot[SEGMENT_SEQ] == generation && slot[SEGMENT_RING_ID] == id[0] &&
           slot[SEGMENT_RING_ID + 1] == id[1] && slot[SEGMENT_EPOCH] == ring->epoch &&
           slot[SEGMENT_IS_STATIC] == state->is_static &&
           slot[SEGMENT_N_KEYS] == segment_n_keys(state) &&
           slot[SEGMENT_N_DOMAINS] == state->n_domains;
    for (size_t i = 0; same && i < state->n_domains; i++) {
        memcpy(id, segment_domain(&keyring->layout, state, i), sizeof id);
        same = domains[i * SEGMENT_DOMAIN_WORDS] == id[0] &&
               domains[i * SEGMENT_DOMAIN_WORDS + 1] == id[1];
    }
    return same;
}

bool commit_resume(struct rp_keyring *keyring)
{
    const uint64_t published =
        atomic_load_explicit(&keyring->writable->published, memory_order_acquire);
    const struct chain_slot *const state = segment_chain_slot(keyring, published);
    const bool found = published != 0 && atomic_load(&state->generation) == published &&
                       is_sound(keyring, state) && is_pair(keyring, published, state);

    keyring->generation = published;
    chain_wipe(keyring, published + 1);
    if (!found) {
        chain_wipe(keyring, published);
    }
    /* The published slot stays even then: readers would wait for nothing. */
    window_wipe(keyring, published + 1, keyring->layout.max_domains);
    window_wipe(keyring, published + 2, keyring->layout.max_domains);
    return found;
}

const struct chain_slot *commit_state(const struct rp_keyring *keyring)
{
    return segment_chain_slot(keyring, keyring->generation);
}

struct chain_slot *commit_draft(struct rp_keyring *keyring)
{
    const struct chain_slot *const state = commit_state(keyring);
    struct chain_slot *const draft = segment_chain_slot(keyring, keyring->generation + 1);
    const size_t after_generation = sizeof state->generation;

    memcpy((uint8_t *)draft + after_generation, (const uint8_t *)state + after_generation,
           keyring->layout.chain_slot_len - after_generation);
    segment_rings_writable(draft)->max_roots = keyring->layout.max_keys;
    return draft;
}

void commit_draft_wipe(struct rp_keyring *keyring)
{
    chain_wipe(keyring, keyring->generation + 1);
}

enum rp_status commit_draft_end(struct rp_keyring *keyring)
{
    const struct chain_slot *const state = commit_state(keyring);
    struct chain_slot *const draft = segment_chain_slot(keyring, keyring->generation + 1);
    const uint64_t old = keyring->generation;
    const bool has_state = segment_n_keys(state) != 0;
    /* Without a state, nobody knows how far the old slot was filled. */
    const unsigned old_domains = has_state ? state->n_domains : keyring->layout.max_domains;
    enum rp_status status;

    atomic_store_explicit(&draft->generation, old + 1, memory_order_release);
    status = window_write(keyring, old + 1, draft, has_state ? state : NULL);
    if (status != RP_OK) {
        commit_draft_wipe(keyring);
        return status;
    }
    window_publish(keyring, old + 1);
    keyring->generation = old + 1;
    window_wipe(keyring, old, old_domains);
    chain_wipe(keyring, old);
    return RP_OK;
}

void commit_clear(struct rp_keyring *keyring)
{
    const uint64_t old = keyring->generation;

    chain_wipe(keyring, old);
    chain_wipe(keyring, old + 1);
    /* The generation never goes back. */
    window_write_empty(keyring, old + 1);
    window_publish(keyring, old + 1);
    keyring->generation = old + 1;
    window_wipe(keyring, old, keyring->layout.max_domains);
    window_wipe(keyring, old + 2, keyring->layout.max_domains);
}
