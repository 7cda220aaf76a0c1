#include "fleet_step.h"

#include <string.h>

#include "fleet_letter.h"
#include "fleet_presence.h"
#include "fleet_rekey.h"
#include "fleet_rings.h"
#include "fleet_take.h"
#include "order.h"

#define SEED_LEAD 3 /* paces that the others have to fetch a new ring */
#define IDLE_EPOCHS 2

/* Nobody was seen for so long that what was seen then says nothing any more. */
static bool is_view_stale(const struct fleet *f, int64_t now_ms)
{
    const int64_t most_ms = order_most(fleet_rings(f)->accept_ms, FLEET_SILENCE * fleet_pace_ms(f));

    return now_ms - f->listed_ms > most_ms;
}

static bool all_hold(const struct fleet *f, const uint8_t *id, int64_t now_ms)
{
    return is_view_stale(f, now_ms) || (f->is_view_known && view_all_hold(&f->view, id));
}

/* The best ring that all hold, better than the one that is sealed by; NULL: none. */
static const struct ring *candidate(const struct fleet *f, int64_t now_ms)
{
    const struct rings *const r = fleet_rings(f);
    const struct ring *best = &r->ring[r->sealing];

    for (uint32_t i = 0; i < r->n; i++) {
        if (r->ring[i].held && fleet_rekey_compare(f, r->ring[i].id, best->id) < 0 &&
            rings_time(r, i, fleet_time_ms(f, now_ms)) >= 0 && all_hold(f, r->ring[i].id, now_ms)) {
            best = &r->ring[i];
        }
    }
    return best != &r->ring[r->sealing] ? best : NULL;
}

void fleet_step_tick(struct fleet *f, int64_t now_ms)
{
    const struct ring *const next = f->is_member ? candidate(f, now_ms) : NULL;
    uint8_t before[RATCHET_ID_LEN];
    uint8_t id[RATCHET_ID_LEN];

    if (next == NULL) {
        return;
    }
    memcpy(id, next->id, sizeof id);
    memcpy(before, fleet_rings_sealing(f)->id, sizeof before);
    if (fleet_rings_seal_by(f, id, now_ms, false) != RP_OK) {
        return;
    }
    fleet_rings_use(f, before, now_ms)->used_ms = now_ms;
    clock_forget(&f->clock, INT64_MAX);
    fleet_rings_follow_lead(f, now_ms);
    f->time_due_ms = now_ms < f->time_due_ms ? now_ms : f->time_due_ms;
    fleet_presence_soon(f, now_ms);
    fleet_note_event(f, now_ms, &(struct fleet_note){.event = FLEET_SWITCHED, .ring = id});
}

int64_t fleet_step_next_ms(const struct fleet *f)
{
    const struct rings *const r = fleet_rings(f);
    const int64_t now_ms = f->now_ms;
    int64_t next = FLEET_NEVER;

    for (uint32_t i = 0; f->is_member && i < r->n; i++) {
        const int64_t time_ms = rings_time(r, i, fleet_time_ms(f, now_ms));

        if (r->ring[i].held && time_ms < 0 && time_ms > -INT64_MAX / 2 &&
            fleet_rekey_compare(f, r->ring[i].id, r->ring[r->sealing].id) < 0 &&
            now_ms - time_ms < next) {
            next = now_ms - time_ms;
        }
    }
    return next;
}

/* The first one that nobody was seen to seal by for so long, worse than the one in use; NULL: none.
 */
static const struct ring *idle(struct fleet *f, int64_t now_ms, int64_t most_ms)
{
    const struct rings *const r = fleet_rings(f);

    for (uint32_t i = 0; i < r->n; i++) {
        const struct ring *const ring = &r->ring[i];

        if (ring->held && fleet_rekey_compare(f, ring->id, r->ring[r->sealing].id) > 0) {
            struct ring_use *const use = fleet_rings_use(f, ring->id, now_ms);

            if (view_any_seals(&f->view, ring->id)) {
                use->used_ms = now_ms;
            } else if (now_ms - use->used_ms >= most_ms) {
                return ring;
            }
        }
    }
    return NULL;
}

/* A presence may be as old as a silence when it is read, and counts for as long again: who relies
 * on what it says of this host may seal by that ring until then. */
static int64_t idle_ms(const struct fleet *f)
{
    return order_most(IDLE_EPOCHS * fleet_rings(f)->rotate_ms,
                      2 * FLEET_SILENCE * fleet_pace_ms(f));
}

static void drop_idle(struct fleet *f, int64_t now_ms, int64_t most_ms)
{
    const struct ring *ring;

    while ((ring = idle(f, now_ms, most_ms)) != NULL) {
        uint8_t id[RATCHET_ID_LEN];

        memcpy(id, ring->id, sizeof id);
        if (fleet_rings_drop(f, id, now_ms) != RP_OK) {
            return;
        }
        fleet_presence_soon(f, now_ms);
        fleet_note_event(f, now_ms, &(struct fleet_note){.event = FLEET_DROPPED, .ring = id});
    }
}

static bool has_better(const struct fleet *f)
{
    const struct rings *const r = fleet_rings(f);

    for (uint32_t i = 0; i < r->n; i++) {
        if (r->ring[i].held && fleet_rekey_compare(f, r->ring[i].id, r->ring[r->sealing].id) < 0) {
            return true;
        }
    }
    return false;
}

/* Some sooner than others, so that seldom two want it at once. */
static bool is_old(struct fleet *f, int64_t now_ms)
{
    const struct rings *const r = fleet_rings(f);
    const int64_t reseed_ms = f->self.presence.reseed_ms;
    const struct ring *const ring = &r->ring[r->sealing];

    if (memcmp(f->seed_jitter_of, ring->id, sizeof f->seed_jitter_of) != 0) {
        memcpy(f->seed_jitter_of, ring->id, sizeof f->seed_jitter_of);
        f->seed_jitter_ms = (int64_t)fleet_random_below(&f->random, (uint64_t)reseed_ms / 10 + 1);
    }
    return reseed_ms != 0 &&
           rings_time(r, r->sealing, fleet_time_ms(f, now_ms)) - f->seed_jitter_ms >= reseed_ms;
}

static void claim_seed(struct fleet *f, int64_t now_ms)
{
    const int64_t lifetime_ms = FLEET_SILENCE * fleet_pace_ms(f);
    char box[LETTER_BOX_MAX];
    char name[LETTER_NAME_MAX];

    if (f->claim != CLAIM_NONE || now_ms < f->claim_retry_ms || has_better(f) ||
        !(is_old(f, now_ms) || fleet_rekey_is_due(f))) {
        return;
    }
    f->claim = CLAIM_SEED;
    f->claim_until_ms = now_ms + FLEET_CLAIM_WAIT_MS;
    memcpy(f->claim_ring, fleet_rings_sealing(f)->id, sizeof f->claim_ring);
    fleet_box(f, "claims", box);
    fleet_id_name("seed-", f->claim_ring, name);
    f->post.claim(f->post.cookie, box, name, f->self.id.bytes, MAILBOX_ID_LEN, lifetime_ms);
}

/* At the first boundary of the epochs now that leaves the others time to fetch it. */
static void seed(struct fleet *f, int64_t now_ms)
{
    const struct rings *const r = fleet_rings(f);
    const struct ring *const ring = &r->ring[r->sealing];
    const int64_t then_ms =
        rings_time(r, r->sealing, fleet_time_ms(f, now_ms)) + SEED_LEAD * fleet_pace_ms(f);
    const int64_t n_epochs = then_ms / r->rotate_ms + 1;
    const uint32_t rank = fleet_rekey_next_rank(f, ring->id);
    uint8_t id[RATCHET_ID_LEN];

    if (fleet_rings_seed(f, rank, ring->genesis_ms + n_epochs * r->rotate_ms, now_ms, id) ==
        RP_OK) {
        fleet_rings_use(f, id, now_ms)->late_ms = fleet_rings_late_ms(f, now_ms);
        fleet_presence_soon(f, now_ms);
        fleet_note_event(f, now_ms, &(struct fleet_note){.event = FLEET_SEEDED, .ring = id});
    }
}

void fleet_step_claimed(struct fleet *f, int64_t now_ms, bool ours)
{
    f->claim_retry_ms = now_ms + fleet_pace_ms(f);
    if (ours && f->is_member && !has_better(f) &&
        memcmp(f->claim_ring, fleet_rings_sealing(f)->id, sizeof f->claim_ring) == 0) {
        seed(f, now_ms);
    }
}

void fleet_step_listed(struct fleet *f, int64_t now_ms)
{
    fleet_rings_follow_lead(f, now_ms);
    fleet_step_tick(f, now_ms);
    fleet_rekey_listed(f, now_ms);
    drop_idle(f, now_ms, idle_ms(f));
    fleet_take_wanted(f, now_ms);
    claim_seed(f, now_ms);
}

void fleet_step_took(struct fleet *f, int64_t now_ms)
{
    fleet_step_tick(f, now_ms);
    fleet_take_wanted(f, now_ms);
}

void fleet_step_unlisted(struct fleet *f, int64_t now_ms)
{
    if (f->is_member) {
        drop_idle(f, now_ms, order_most(fleet_rings(f)->accept_ms, idle_ms(f)));
    }
}
