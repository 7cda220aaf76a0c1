/* Rings for tests, and how one is handed on, as one host of a fleet does to another. */
#ifndef RINGS_KIT_H
#define RINGS_KIT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "rings.h"

#define RINGS_KIT_ROOTS 300

struct rings_kit_export {
    struct rings_import in; /* borrows from this struct and from the rings */
    uint8_t roots[RINGS_KIT_ROOTS][DERIVE_ROOT_LEN];
};

/* All that a member has of a ring: oldest first, up to the epoch after its own. base_ms: fleet time
 * of whom it is for, minus fleet time of whom it is from. */
static inline void rings_kit_export(const struct rings *from, unsigned place, int64_t base_ms,
                                    struct rings_kit_export *out)
{
    const struct ring *const ring = &from->ring[place];
    size_t n = 0;

    out->in = (struct rings_import){.id = ring->id,
                                    .genesis_ms = ring->genesis_ms + base_ms,
                                    .epoch = ring->epoch,
                                    .chain = ring->held ? ring->chain : NULL,
                                    .roots = out->roots[0]};
    for (unsigned i = from->n_roots; i-- != 0;) {
        if (from->roots[i].ring == place && from->roots[i].epoch <= ring->epoch + 1) {
            out->in.first = n == 0 ? from->roots[i].epoch : out->in.first;
            memcpy(out->roots[n], from->roots[i].root, DERIVE_ROOT_LEN);
            n++;
        }
    }
    out->in.n_roots = n;
}

static inline enum rp_status rings_kit_take_up(struct rings *to, const struct rings *from,
                                               unsigned place, int64_t base_ms, int64_t fleet_ms)
{
    struct rings_kit_export out;

    rings_kit_export(from, place, base_ms, &out);
    return rings_take_up(to, &out.in, fleet_ms);
}

#endif
