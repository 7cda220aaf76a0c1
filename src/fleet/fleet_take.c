#include "fleet_take.h"

#include <string.h>

#include "fleet_join.h"
#include "fleet_presence.h"
#include "fleet_question.h"
#include "fleet_rekey.h"
#include "fleet_rings.h"
#include "fleet_step.h"
#include "fleet_time.h"
#include "memory.h"

#define WANTED_MAX 8
#define RETRY_MS 2000
#define GAP_MAX (1 << 12) /* epochs */
#define SPARE 2           /* questions that are left for the time */

/* Of an answer: what each of its rings is judged by. */
struct answer {
    const struct mailbox_ring *seals; /* the ring that its sender seals by */
    const char *name;                 /* of its sender; NULL: not known */
    int64_t took_ms;
    int64_t late_ms; /* by how much its sender's time may be behind */
};

static const struct mailbox_ring *sealing_of(const struct mailbox_rings *rings)
{
    const struct mailbox_ring *found = &rings->rings[0];

    for (unsigned i = 0; i < rings->n; i++) {
        if (rings->rings[i].seals) {
            found = &rings->rings[i];
        }
    }
    return found;
}

/* A chain is worth having that is sealed by, or is going to be. Of others the roots are enough: so
 * no chain is passed on for ever by hosts that come and go. */
static bool wants_chain(const struct fleet *f, const struct answer *a,
                        const struct mailbox_ring *ring)
{
    return ring->held &&
           (ring->seals || fleet_rekey_compare(f, ring->id.bytes, a->seals->id.bytes) < 0 ||
            view_any_seals(&f->view, ring->id.bytes));
}

/*
 * Late by the way of the answer; unless both seal by one ring, to which the other one then keeps
 * its distance: so a re-seed begins everywhere at the same boundary. False: no ring is of that
 * time.
 */
static bool find_genesis(const struct fleet *f, const struct answer *a,
                         const struct mailbox_ring *ring, bool is_anchored, int64_t now_ms,
                         int64_t *genesis_ms)
{
    const int64_t fleet_ms = fleet_time_ms(f, now_ms);
    const int64_t from_ms =
        is_anchored ? fleet_rings_sealing(f)->genesis_ms + a->seals->ring_ms : fleet_ms;
    int64_t time_ms;

    return fleet_time_is_near(a->seals->ring_ms) && fleet_time_is_near(ring->ring_ms) &&
           !__builtin_sub_overflow(from_ms, ring->ring_ms, genesis_ms) &&
           !__builtin_sub_overflow(fleet_ms, *genesis_ms, &time_ms) && fleet_time_is_near(time_ms);
}

/* A sound member's rings are in the epoch of their time, or soon will be: to step through many
 * takes long. */
static bool is_in_time(const struct fleet *f, const struct mailbox_ring *ring)
{
    const int64_t rotate_ms = fleet_rings(f)->rotate_ms;
    const uint64_t epoch = ring->ring_ms > 0 ? (uint64_t)(ring->ring_ms / rotate_ms) : 0;
    const uint64_t gap = ring->epoch > epoch ? ring->epoch - epoch : epoch - ring->epoch;

    return !ring->held || gap <= GAP_MAX;
}

static void take_up(struct fleet *f, int64_t now_ms, const struct answer *a,
                    const struct mailbox_ring *ring)
{
    const bool is_anchored =
        f->is_member && rings_compare(fleet_rings_sealing(f)->id, a->seals->id.bytes) == 0;
    struct rings_import import = {
        .id = ring->id.bytes,
        .epoch = ring->epoch,
        .chain = wants_chain(f, a, ring) ? ring->chain : NULL,
        .first = ring->first,
        .roots = ring->roots,
        .n_roots = ring->n_roots,
    };
    const int64_t own_late_ms = is_anchored ? fleet_rings_late_ms(f, now_ms) : 0;
    bool is_new;

    if (!is_in_time(f, ring) ||
        !find_genesis(f, a, ring, is_anchored, now_ms, &import.genesis_ms)) {
        fleet_note_event(f, now_ms, &(struct fleet_note){.event = FLEET_REFUSED});
        return;
    }
    if (fleet_rings_take_up(f, &import, now_ms, &is_new) == RP_OK && is_new) {
        struct ring_use *const use = fleet_rings_use(f, ring->id.bytes, now_ms);

        use->used_ms = now_ms;
        use->late_ms = is_anchored ? own_late_ms : a->took_ms + a->late_ms;
        fleet_note_event(
            f, now_ms,
            &(struct fleet_note){.event = FLEET_TOOK_UP, .name = a->name, .ring = ring->id.bytes});
        fleet_presence_soon(f, now_ms);
    }
}

static void take_all(struct fleet *f, int64_t now_ms, const struct mailbox_rings *rings,
                     const struct mailbox_id *from, int64_t took_ms)
{
    const struct view_member *const m = view_find(&f->view, from);
    const struct rings *const own = fleet_rings(f);
    const struct answer a = {
        .seals = sealing_of(rings),
        .name = m != NULL ? m->about.presence.name : NULL,
        .took_ms = took_ms,
        .late_ms = m != NULL ? m->about.presence.uncertainty_ms : 0,
    };

    if (rings->rotate_ms != own->rotate_ms || rings->accept_ms != own->accept_ms) {
        fleet_note_event(f, now_ms,
                         &(struct fleet_note){
                             .event = FLEET_MISMATCH,
                             .name = a.name,
                         });
        return;
    }
    for (unsigned i = 0; i < rings->n; i++) {
        take_up(f, now_ms, &a, &rings->rings[i]);
    }
    if (f->is_member) {
        fleet_step_took(f, now_ms);
    } else {
        fleet_join_heard(f, now_ms, from, a.seals->id.bytes);
    }
}

void fleet_take_rings(struct fleet *f, int64_t now_ms, const struct mailbox_header *header,
                      const uint8_t *message, size_t n)
{
    struct question *const q = question_find(f, MAILBOX_PULL, &header->from, &header->nonce);
    const size_t sealed_len = n - MAILBOX_HEADER_LEN;
    struct mailbox_rings rings = {0};
    uint8_t *payload = NULL;
    size_t len = 0;

    if (q == NULL) {
        return;
    }
    if (sealed_len <= NOISE_OVERHEAD) {
        fleet_note_event(f, now_ms, &(struct fleet_note){.event = FLEET_REFUSED});
        return;
    }
    len = sealed_len - NOISE_OVERHEAD;
    payload = memory_new(len, 1);
    if (payload == NULL) {
        return;
    }
    if (noise_finish(&q->noise, message + MAILBOX_HEADER_LEN, sealed_len, payload) == RP_OK) {
        const int64_t took_ms = now_ms - q->asked_ms;

        question_end(q);
        if (mailbox_rings_decode(payload, len, &rings)) {
            take_all(f, now_ms, &rings, &header->from, took_ms);
        } else {
            fleet_note_event(f, now_ms, &(struct fleet_note){.event = FLEET_REFUSED});
        }
    } else {
        fleet_note_event(f, now_ms, &(struct fleet_note){.event = FLEET_REFUSED});
    }
    memory_wipe(&rings, sizeof rings);
    memory_wipe(payload, len);
    memory_free(payload);
}

/* Rings that are wanted, best first. */
struct wanted {
    uint8_t ids[WANTED_MAX][RATCHET_ID_LEN];
    unsigned n;
};

static void add(struct wanted *w, const uint8_t *id)
{
    unsigned at = 0;

    while (at < w->n && rings_compare(w->ids[at], id) < 0) {
        at++;
    }
    if (at == WANTED_MAX || (at < w->n && rings_compare(w->ids[at], id) == 0)) {
        return;
    }
    w->n += w->n < WANTED_MAX ? 1 : 0;
    memmove(w->ids[at + 1], w->ids[at], (w->n - 1 - at) * sizeof w->ids[0]);
    memcpy(w->ids[at], id, RATCHET_ID_LEN);
}

/* Its chain, if it is sealed by or better than what its holder seals by; else what it has sealed.
 */
static bool wants(const struct fleet *f, const struct view_member *m, const uint8_t *id)
{
    const uint8_t *seals = NULL;

    if (fleet_rings_held(f, id) >= 0) {
        return false;
    }
    for (unsigned i = 0; i < m->about.presence.n_held; i++) {
        if (m->about.presence.held[i].seals) {
            seals = m->about.presence.held[i].ring.bytes;
        }
    }
    if ((view_any_seals(&f->view, id) ||
         (seals != NULL && fleet_rekey_compare(f, id, seals) < 0)) &&
        fleet_rings_fits(f, id)) {
        return true;
    }
    return rings_find(fleet_rings(f), id) < 0 && fleet_rings(f)->n < RINGS_MAX &&
           !fleet_rings_was_dropped(f, id);
}

struct holder {
    const uint8_t *ring;
    int64_t now_ms;
};

static bool can_give(const struct view_member *m, const void *cookie)
{
    const struct holder *const h = cookie;

    return view_member_holds(m, h->ring) && question_allowed(m, h->now_ms);
}

static bool is_asked_for(const struct fleet *f, const uint8_t *ring, int64_t now_ms)
{
    for (unsigned i = 0; i < FLEET_QUESTIONS_MAX; i++) {
        const struct question *const q = &f->questions[i];

        if (q->type == MAILBOX_PULL && now_ms - q->asked_ms < RETRY_MS) {
            const struct view_member *const m = view_find(&f->view, &q->header.to);

            if (m != NULL && view_member_holds(m, ring)) {
                return true;
            }
        }
    }
    return false;
}

void fleet_take_wanted(struct fleet *f, int64_t now_ms)
{
    struct wanted w = {.n = 0};

    for (size_t i = 0; i < f->view.n; i++) {
        const struct view_member *const m = &f->view.members[i];

        for (unsigned j = 0; view_counts(m) && j < m->about.presence.n_held; j++) {
            if (wants(f, m, m->about.presence.held[j].ring.bytes)) {
                add(&w, m->about.presence.held[j].ring.bytes);
            }
        }
    }
    f->pull_due_ms = w.n != 0 ? now_ms + RETRY_MS : FLEET_NEVER;
    for (unsigned i = 0; i < w.n && question_room(f) > SPARE; i++) {
        const struct holder h = {w.ids[i], now_ms};
        struct view_member *const m = is_asked_for(f, w.ids[i], now_ms)
                                          ? NULL
                                          : view_pick(&f->view, &f->random, can_give, &h);

        if (m != NULL) {
            question_pull(f, m, now_ms);
        }
    }
}
