#include "fleet_rekey.h"

#include <string.h>

#include "fleet_rings.h"

#define RANK_LEAST 0x80000000u /* that a fleet comes to by re-seeding, in centuries */
#define SAMPLES 16             /* of a fleet too large to see it whole */

static const uint8_t mixed[RINGS_MARK_LEN];

static bool understands_two(const struct fleet *f)
{
    for (size_t i = 0; i < f->view.n; i++) {
        if ((f->view.members[i].about.presence.health & MAILBOX_HEALTH_SECRETS) != 0) {
            return true;
        }
    }
    return false;
}

static bool has_mark(const struct fleet *f, const uint8_t id[static RATCHET_ID_LEN])
{
    return memcmp(rings_mark(id), f->seals[0].mark, RINGS_MARK_LEN) == 0;
}

/* A sample shows another secret only by and by. */
static bool is_sure(const struct fleet *f)
{
    return f->n_seals == 1 && !understands_two(f) &&
           (!f->view.is_sample || f->n_single_listings >= SAMPLES);
}

const uint8_t *fleet_rekey_mark(const struct fleet *f)
{
    return is_sure(f) ? f->seals[0].mark : mixed;
}

/* The ring of a host on its own is nobody else's, and gives way as it is. */
bool fleet_rekey_is_due(const struct fleet *f)
{
    const uint8_t *const id = fleet_rings_sealing(f)->id;

    return f->is_view_known && is_sure(f) && rings_rank(id) != RINGS_RANK_ALONE && !has_mark(f, id);
}

/* Else who had the old secret could have begun a ring that none wins against, and keep its chain.
 */
int fleet_rekey_compare(const struct fleet *f, const uint8_t a[static RATCHET_ID_LEN],
                        const uint8_t b[static RATCHET_ID_LEN])
{
    const bool is_first_ours = has_mark(f, a);

    if (is_first_ours != has_mark(f, b) && is_sure(f)) {
        return is_first_ours ? -1 : 1;
    }
    return rings_compare(a, b);
}

uint32_t fleet_rekey_next_rank(const struct fleet *f, const uint8_t id[static RATCHET_ID_LEN])
{
    const uint32_t rank = rings_rank(id);

    if (rank < RANK_LEAST && is_sure(f) && !has_mark(f, id)) {
        return RINGS_RANK_FOUNDED - 1;
    }
    return rank != 0 ? rank - 1 : 0;
}

bool fleet_rekey_refuses(const struct fleet *f, const uint8_t id[static RATCHET_ID_LEN])
{
    return f->only_own_rings && f->n_seals == 1 && f->is_member && !has_mark(f, id) &&
           has_mark(f, fleet_rings_sealing(f)->id);
}

/* The first that goes; NULL: none. */
static const struct ring *refused(const struct fleet *f)
{
    const struct rings *const r = fleet_rings(f);

    for (uint32_t i = 0; i < r->n; i++) {
        if (i != r->sealing && fleet_rekey_refuses(f, r->ring[i].id)) {
            return &r->ring[i];
        }
    }
    return NULL;
}

void fleet_rekey_listed(struct fleet *f, int64_t now_ms)
{
    const struct ring *ring;

    f->n_single_listings = understands_two(f) ? 0 : f->n_single_listings + 1;
    while ((ring = refused(f)) != NULL) {
        uint8_t id[RATCHET_ID_LEN];

        memcpy(id, ring->id, sizeof id);
        if (fleet_rings_forget(f, id, now_ms) != RP_OK) {
            return;
        }
        fleet_note_event(f, now_ms, &(struct fleet_note){.event = FLEET_DROPPED, .ring = id});
    }
}
