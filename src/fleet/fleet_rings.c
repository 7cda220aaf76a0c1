#include "fleet_rings.h"

#include <string.h>

#include "fleet_rekey.h"

const struct rings *fleet_rings(const struct fleet *f)
{
    return f->keys.state(f->keys.cookie);
}

const struct ring *fleet_rings_sealing(const struct fleet *f)
{
    const struct rings *const r = fleet_rings(f);

    return &r->ring[r->sealing];
}

int64_t fleet_time_ms(const struct fleet *f, int64_t now_ms)
{
    return now_ms + f->keys.offset_ms(f->keys.cookie);
}

static int held(const struct rings *r, const uint8_t *id)
{
    const int place = rings_find(r, id);

    return place >= 0 && r->ring[place].held ? place : -1;
}

int fleet_rings_held(const struct fleet *f, const uint8_t id[static RATCHET_ID_LEN])
{
    return held(fleet_rings(f), id);
}

struct ring_use *fleet_rings_use(struct fleet *f, const uint8_t id[static RATCHET_ID_LEN],
                                 int64_t now_ms)
{
    struct ring_use *unused = &f->uses[0];

    for (unsigned i = 0; i < RINGS_MAX; i++) {
        if (memcmp(f->uses[i].id, id, RATCHET_ID_LEN) == 0) {
            return &f->uses[i];
        }
        if (fleet_rings_held(f, f->uses[i].id) < 0) {
            unused = &f->uses[i];
        }
    }
    *unused = (struct ring_use){.used_ms = now_ms};
    memcpy(unused->id, id, RATCHET_ID_LEN);
    return unused;
}

bool fleet_rings_was_dropped(const struct fleet *f, const uint8_t id[static RATCHET_ID_LEN])
{
    for (unsigned i = 0; i < FLEET_DROPPED_MAX; i++) {
        if (memcmp(f->dropped[i], id, RATCHET_ID_LEN) == 0) {
            return true;
        }
    }
    return false;
}

void fleet_rings_mark_dropped(struct fleet *f, const uint8_t id[static RATCHET_ID_LEN])
{
    if (!fleet_rings_was_dropped(f, id)) {
        memcpy(f->dropped[f->next_dropped], id, RATCHET_ID_LEN);
        f->next_dropped = (f->next_dropped + 1) % FLEET_DROPPED_MAX;
    }
}

/* Rings that a member seals by come before others, for who drops one is not in step with it; among
 * either, the better one. Negative: a comes before b. */
static int compare_need(const struct fleet *f, const uint8_t *a, const uint8_t *b)
{
    const bool is_a_used = view_any_seals(&f->view, a);

    if (is_a_used != view_any_seals(&f->view, b)) {
        return is_a_used ? -1 : 1;
    }
    return fleet_rekey_compare(f, a, b);
}

/* The one that is held, does not seal here, and is needed least; -1: none. */
static int least_held(const struct fleet *f, const struct rings *r, unsigned *n_held)
{
    int least = -1;

    *n_held = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        *n_held += r->ring[i].held ? 1 : 0;
        if (r->ring[i].held && i != r->sealing &&
            (least < 0 || compare_need(f, r->ring[i].id, r->ring[least].id) > 0)) {
            least = (int)i;
        }
    }
    return least;
}

static bool fits(const struct fleet *f, const struct rings *r, const uint8_t *id)
{
    unsigned n_held;
    const int least = least_held(f, r, &n_held);

    return n_held < RINGS_HELD_MAX || (least >= 0 && compare_need(f, id, r->ring[least].id) < 0);
}

bool fleet_rings_fits(const struct fleet *f, const uint8_t id[static RATCHET_ID_LEN])
{
    return !fleet_rekey_refuses(f, id) && fits(f, fleet_rings(f), id);
}

/* Of those that are not held the worst goes, with its roots. */
static void make_place(struct rings *r)
{
    int worst = -1;

    for (uint32_t i = 0; i < r->n; i++) {
        if (!r->ring[i].held &&
            (worst < 0 || rings_compare(r->ring[i].id, r->ring[worst].id) > 0)) {
            worst = (int)i;
        }
    }
    if (r->n == RINGS_MAX && worst >= 0) {
        rings_forget(r, (unsigned)worst);
    }
}

static void make_hold(struct fleet *f, struct rings *r)
{
    unsigned n_held;
    const int least = least_held(f, r, &n_held);

    if (n_held == RINGS_HELD_MAX && least >= 0) {
        fleet_rings_mark_dropped(f, r->ring[least].id);
        rings_drop(r, (unsigned)least);
    }
}

static enum rp_status finish(struct fleet *f, struct rings *draft, enum rp_status status,
                             int64_t now_ms)
{
    const int64_t fleet_ms = fleet_time_ms(f, now_ms);

    if (status == RP_OK && !rings_lost(draft, fleet_ms)) {
        status = rings_advance(draft, fleet_ms);
    }
    if (status == RP_OK) {
        return f->keys.commit(f->keys.cookie);
    }
    f->keys.abandon(f->keys.cookie);
    return status;
}

enum rp_status fleet_rings_take_up(struct fleet *f, const struct rings_import *in, int64_t now_ms,
                                   bool *is_new)
{
    const bool was_held = fleet_rings_held(f, in->id) >= 0;
    struct rings *const draft = f->keys.draft(f->keys.cookie);
    struct rings_import import = *in;
    enum rp_status status;

    *is_new = false;
    if (draft == NULL) {
        return RP_NO_MEMORY;
    }
    if (fleet_rekey_refuses(f, in->id)) {
        f->keys.abandon(f->keys.cookie);
        return RP_OK;
    }
    if (import.chain != NULL && !was_held) {
        if (fits(f, draft, in->id)) {
            make_hold(f, draft);
        } else {
            import.chain = NULL;
        }
    }
    if (rings_find(draft, in->id) < 0 && import.chain != NULL) {
        make_place(draft);
    }
    status = rings_take_up(draft, &import, fleet_time_ms(f, now_ms));
    status = finish(f, draft, status, now_ms);
    if (status == RP_OK) {
        *is_new = !was_held && fleet_rings_held(f, in->id) >= 0;
        if (rings_find(fleet_rings(f), in->id) < 0) {
            fleet_rings_mark_dropped(f, in->id);
        }
    }
    return status;
}

/* Whether it can seal in the epoch that it is in: a ring may have come without its roots. */
static bool has_root(const struct rings *r, unsigned place)
{
    for (uint32_t i = 0; i < r->n_roots; i++) {
        if (r->roots[i].ring == place && r->roots[i].epoch == r->ring[place].epoch) {
            return true;
        }
    }
    return false;
}

enum rp_status fleet_rings_seal_by(struct fleet *f, const uint8_t id[static RATCHET_ID_LEN],
                                   int64_t now_ms, bool forget)
{
    struct rings *const draft = f->keys.draft(f->keys.cookie);
    enum rp_status status = RP_NOT_FOUND;
    int place;

    if (draft == NULL) {
        return RP_NO_MEMORY;
    }
    place = held(draft, id);
    if (place >= 0 && (unsigned)place != draft->sealing && has_root(draft, (unsigned)place)) {
        const unsigned before = draft->sealing;

        rings_seal_by(draft, (unsigned)place, fleet_time_ms(f, now_ms));
        if (forget) {
            rings_forget(draft, before);
        }
        status = RP_OK;
    }
    return finish(f, draft, status, now_ms);
}

/* It goes, and is not fetched again; unless it is what seals, or not there. */
static enum rp_status part_with(struct fleet *f, const uint8_t *id, int64_t now_ms,
                                int (*find)(const struct rings *r, const uint8_t *id),
                                void (*part)(struct rings *r, unsigned place))
{
    struct rings *const draft = f->keys.draft(f->keys.cookie);
    enum rp_status status = RP_NOT_FOUND;
    int place;

    if (draft == NULL) {
        return RP_NO_MEMORY;
    }
    place = find(draft, id);
    if (place >= 0 && (unsigned)place != draft->sealing) {
        part(draft, (unsigned)place);
        status = RP_OK;
    }
    status = finish(f, draft, status, now_ms);
    if (status == RP_OK) {
        fleet_rings_mark_dropped(f, id);
    }
    return status;
}

enum rp_status fleet_rings_drop(struct fleet *f, const uint8_t id[static RATCHET_ID_LEN],
                                int64_t now_ms)
{
    return part_with(f, id, now_ms, held, rings_drop);
}

enum rp_status fleet_rings_forget(struct fleet *f, const uint8_t id[static RATCHET_ID_LEN],
                                  int64_t now_ms)
{
    return part_with(f, id, now_ms, rings_find, rings_forget);
}

enum rp_status fleet_rings_seed(struct fleet *f, uint32_t rank, int64_t genesis_ms, int64_t now_ms,
                                uint8_t id[static RATCHET_ID_LEN])
{
    struct rings *const draft = f->keys.draft(f->keys.cookie);
    enum rp_status status;
    unsigned place = 0;

    if (draft == NULL) {
        return RP_NO_MEMORY;
    }
    make_hold(f, draft);
    make_place(draft);
    status = rings_seed_marked(draft, rank, fleet_rekey_mark(f), genesis_ms, &place);
    if (status == RP_OK) {
        memcpy(id, draft->ring[place].id, RATCHET_ID_LEN);
    }
    return finish(f, draft, status, now_ms);
}

void fleet_rings_advance(struct fleet *f, int64_t now_ms)
{
    struct rings *const draft = f->keys.draft(f->keys.cookie);

    if (draft != NULL) {
        (void)finish(f, draft, RP_OK, now_ms);
    }
}

int64_t fleet_rings_late_ms(struct fleet *f, int64_t now_ms)
{
    const int64_t late_ms = clock_late_ms(&f->clock);

    return late_ms >= 0 ? late_ms : fleet_rings_use(f, fleet_rings_sealing(f)->id, now_ms)->late_ms;
}

/* How far a member that seals by the same ring was ahead when it was heard, at least. */
static int64_t ahead_ms(const struct fleet *f, const struct view_member *m)
{
    const struct rings *const r = fleet_rings(f);
    const struct mailbox_presence *const p = &m->about.presence;

    for (unsigned i = 0; view_counts(m) && i < p->n_held; i++) {
        if (p->held[i].seals && rings_compare(p->held[i].ring.bytes, r->ring[r->sealing].id) == 0) {
            return p->held[i].ring_ms -
                   rings_time(r, r->sealing, fleet_time_ms(f, m->about.seen_ms));
        }
    }
    return 0;
}

void fleet_rings_follow_lead(struct fleet *f, int64_t now_ms)
{
    const struct rings *const r = fleet_rings(f);
    int64_t late_ms = fleet_rings_late_ms(f, now_ms);
    struct rings *draft;
    int64_t lead;

    for (size_t i = 0; i < f->view.n; i++) {
        const int64_t ms = ahead_ms(f, &f->view.members[i]);

        late_ms = ms > late_ms ? ms : late_ms;
    }
    /* One epoch is open ahead anyway: what is late by a quarter of one needs no more. */
    lead = 1 + late_ms / r->rotate_ms + (late_ms % r->rotate_ms > r->rotate_ms / 4 ? 1 : 0);
    lead = lead < RINGS_LEAD_MAX ? lead : RINGS_LEAD_MAX;
    if (lead == r->lead) {
        return;
    }
    draft = f->keys.draft(f->keys.cookie);
    if (draft != NULL) {
        draft->lead = (uint32_t)lead;
        (void)finish(f, draft, RP_OK, now_ms);
    }
}
