#include "segment.h"

#include <unistd.h>

void segment_layout(struct segment_layout *layout, unsigned max_keys, unsigned max_domains)
{
    const size_t n_pairs = (size_t)max_keys * max_domains;

    layout->max_keys = max_keys;
    layout->max_domains = max_domains;
    layout->domains = SEGMENT_ENTRIES + (size_t)max_keys * SEGMENT_ENTRY_WORDS;
    layout->names = layout->domains + (size_t)max_domains * SEGMENT_DOMAIN_WORDS;
    layout->tags = layout->names + n_pairs * SEGMENT_NAME_WORDS;
    layout->secrets = layout->tags + n_pairs;
    layout->index = layout->secrets + n_pairs * SEGMENT_SECRET_WORDS;
    layout->index_len = 1;
    while (layout->index_len < 2 * n_pairs) {
        layout->index_len *= 2;
    }
    layout->slot_words = layout->index + layout->index_len;
    layout->window_len =
        sizeof(struct segment_header) + SEGMENT_SLOTS * layout->slot_words * sizeof(uint64_t);
    layout->chain_domains = sizeof(struct chain_slot) + rings_size(max_keys);
    layout->chain_slot_len = layout->chain_domains + (size_t)max_domains * DERIVE_DOMAIN_LEN;
    layout->chain_len = 2 * layout->chain_slot_len;
}

bool segment_is_keeper(const struct rp_keyring *keyring)
{
    return keyring->keeper != 0 && keyring->keeper == getpid();
}
