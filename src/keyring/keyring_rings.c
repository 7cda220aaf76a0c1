#include "keyring_rings.h"

#include <assert.h>

#include "commit.h"
#include "segment.h"

unsigned keyring_rings_spare(int64_t rotate_ms, int64_t accept_ms)
{
    const int64_t past = accept_ms / rotate_ms + (accept_ms % rotate_ms != 0);

    return (unsigned)past + 1 + RINGS_LEAD_MAX + (RINGS_LEAD_MAX - 1) + SEGMENT_OVERLAP;
}

static bool has_rings(const struct rp_keyring *keyring)
{
    return segment_is_keeper(keyring) && commit_state(keyring)->is_static == 0;
}

const struct rings *keyring_rings_state(const struct rp_keyring *keyring)
{
    return has_rings(keyring) ? segment_rings(commit_state(keyring)) : NULL;
}

struct rings *keyring_rings_draft(struct rp_keyring *keyring)
{
    return has_rings(keyring) ? segment_rings_writable(commit_draft(keyring)) : NULL;
}

enum rp_status keyring_rings_commit(struct rp_keyring *keyring)
{
    assert(has_rings(keyring));
    return commit_draft_end(keyring);
}

void keyring_rings_abandon(struct rp_keyring *keyring)
{
    assert(has_rings(keyring));
    commit_draft_wipe(keyring);
}

int64_t keyring_rings_offset_ms(const struct rp_keyring *keyring)
{
    return atomic_load_explicit(&keyring->window->offset_ms, memory_order_relaxed);
}

void keyring_rings_set_offset_ms(struct rp_keyring *keyring, int64_t offset_ms)
{
    assert(segment_is_keeper(keyring));
    atomic_store_explicit(&keyring->writable->offset_ms, offset_ms, memory_order_relaxed);
}
