#include "fleet_join.h"

#include <string.h>

#include "fleet_letter.h"
#include "fleet_presence.h"
#include "fleet_question.h"
#include "fleet_rings.h"
#include "fleet_step.h"

#define ASKED_AT_ONCE 3
#define PATIENCE_MS 100
#define PATIENCES 12 /* in a pace, at the end */
#define ROUND 5      /* patiences between two rounds of questions */
#define ROUND_MAX_MS 10000
#define SPARE 2        /* questions that are left for who comes later: others may all be dead */
#define COLLECT_MS 100 /* that others have to answer once one has */
#define CLAIM "found"
#define CLAIM_MS 10000
#define RETURN_MS 10000 /* within which a fleet is back in a store that is back */
#define SOON_MS 200     /* until a new member looks what has changed meanwhile */

void fleet_join_begin(struct fleet *f, int64_t now_ms)
{
    f->join = (struct join){
        .asked_ms = FLEET_NEVER,
        .known_ms = FLEET_NEVER,
        .round_ms = now_ms,
        .decide_ms = FLEET_NEVER,
        .patience_ms = PATIENCE_MS,
    };
}

/* In haste while connections wait for it, then with more and more patience. */
int64_t fleet_join_patience_ms(struct fleet *f)
{
    const int64_t ms = f->join.patience_ms;

    if (f->is_settled) {
        const int64_t most = fleet_pace_ms(f) / PATIENCES;

        f->join.patience_ms = ms * 2 < most ? ms * 2 : (most > ms ? most : ms);
    }
    return fleet_random_around(&f->random, ms);
}

/* Who gets it now finds this host's PRESENCE. Else, were all restarted, nobody could begin a ring
 * before it is over. Not where that is one of many that do not answer: it would hardly be found. */
static void end_claim(struct fleet *f, int64_t now_ms)
{
    char box[LETTER_BOX_MAX];

    if (now_ms < f->join.claimed_until_ms && f->total <= FLEET_LIST_SAMPLE) {
        f->join.claimed_until_ms = now_ms;
        fleet_box(f, "claims", box);
        f->post.erase(f->post.cookie, box, CLAIM);
    }
}

static void become_member(struct fleet *f, int64_t now_ms, const struct fleet_note *note)
{
    f->is_member = true;
    f->is_settled = true;
    f->join.decide_ms = FLEET_NEVER;
    fleet_note_event(f, now_ms, note);
    f->is_changed = true;
    fleet_presence_put(f, now_ms);
    end_claim(f, now_ms);
    f->list_due_ms = now_ms + fleet_random_around(&f->random, SOON_MS);
    f->time_due_ms = now_ms + fleet_random_around(&f->random, SOON_MS * ROUND);
    fleet_rings_follow_lead(f, now_ms);
}

/*
 * Where members were seen and none has answered, they may be there after all: the ring that the
 * host has already loses against theirs, a founder's might not.
 */
static void found(struct fleet *f, int64_t now_ms, bool is_alone)
{
    uint8_t id[RATCHET_ID_LEN];

    if (is_alone) {
        if (fleet_rings_seed(f, RINGS_RANK_FOUNDED, fleet_time_ms(f, now_ms), now_ms, id) !=
                RP_OK ||
            fleet_rings_seal_by(f, id, now_ms, !f->was_settled_alone) != RP_OK) {
            return;
        }
    }
    memcpy(id, fleet_rings_sealing(f)->id, sizeof id);
    become_member(f, now_ms, &(struct fleet_note){.event = FLEET_FOUNDED, .ring = id});
}

static void claim(struct fleet *f, int64_t now_ms)
{
    char box[LETTER_BOX_MAX];

    if (f->claim == CLAIM_NONE) {
        f->claim = CLAIM_FOUND;
        f->claim_until_ms = now_ms + FLEET_CLAIM_WAIT_MS;
        fleet_box(f, "claims", box);
        f->post.claim(f->post.cookie, box, CLAIM, f->self.id.bytes, MAILBOX_ID_LEN, CLAIM_MS);
    }
}

void fleet_join_claimed(struct fleet *f, int64_t now_ms, bool ours)
{
    f->join.claimed_until_ms = ours ? now_ms + CLAIM_MS / 2 : now_ms;
    if (f->is_member) {
        end_claim(f, now_ms);
        return;
    }
    /* Who is the founder looks once more: it may have been asleep since it saw nobody. */
    f->list_due_ms = now_ms + (ours ? 0 : fleet_join_patience_ms(f));
}

struct choice {
    const uint8_t *ring; /* NULL: any */
    int64_t since_ms;    /* heard of since then */
    int64_t now_ms;
    bool lives; /* it has said more than once */
};

/* Who has said something new since it was asked, or had long enough to answer. */
static bool can_answer(const struct view_member *m, const void *cookie)
{
    const struct choice *const c = cookie;

    return question_allowed(m, c->now_ms) && m->about.seen_ms >= c->since_ms &&
           (m->has_grown || !c->lives) &&
           (m->about.seen_ms > m->asked_ms || c->now_ms - m->asked_ms >= QUESTION_WAIT_MS) &&
           (c->ring == NULL || view_member_seals(m, c->ring));
}

/*
 * Those that have said more than once come first, and then those heard of last: they are alive,
 * while of a fleet that died at once the presence of all may still be there. Among them, those of
 * the best ring.
 */
static struct view_member *choose(struct fleet *f, int64_t now_ms)
{
    struct choice c = {NULL, INT64_MIN, now_ms, true};
    struct view_member *m;

    c.lives = view_pick(&f->view, &f->random, can_answer, &c) != NULL;
    for (size_t i = 0; i < f->view.n; i++) {
        const struct view_member *const other = &f->view.members[i];

        if (view_counts(other) && can_answer(other, &c)) {
            c.since_ms = other->about.seen_ms;
        }
    }
    c.ring = view_best(&f->view);
    m = view_pick(&f->view, &f->random, can_answer, &c);
    c.ring = NULL;
    return m != NULL ? m : view_pick(&f->view, &f->random, can_answer, &c);
}

/* It has come since all others were known, or said more since it was seen first: it lives. */
static bool is_newcomer(const struct fleet *f, const struct view_member *m)
{
    return m->asked_ms == INT64_MIN && f->join.asked_ms != FLEET_NEVER &&
           (m->has_grown || m->about.seen_ms > f->join.known_ms);
}

/* A listing shows no more than some of many at a time: all are known once one shows nobody new. */
static void know(struct fleet *f, int64_t now_ms)
{
    struct join *const j = &f->join;

    if (j->known_ms == FLEET_NEVER &&
        (f->total <= f->listing_most || (f->view.n != 0 && f->view.n == j->n_known))) {
        j->known_ms = now_ms;
    }
    j->n_known = f->view.n;
}

/* The first question to one that has said no more since it was seen; NULL: none. */
static struct question *vain(struct fleet *f)
{
    struct question *first = NULL;

    for (unsigned i = 0; i < FLEET_QUESTIONS_MAX; i++) {
        struct question *const q = &f->questions[i];
        const struct view_member *const m =
            q->type == MAILBOX_PULL ? view_find(&f->view, &q->header.to) : NULL;

        if (m != NULL && !m->has_grown && (first == NULL || q->asked_ms < first->asked_ms)) {
            first = q;
        }
    }
    return first;
}

/* All that were asked may be dead: some room is left for who comes later, and who certainly lives
 * gets that of one who may not. */
static bool has_room(struct fleet *f, const struct view_member *m)
{
    if (!is_newcomer(f, m)) {
        return question_room(f) > SPARE;
    }
    return question_room(f) != 0 || (m->has_grown && vain(f) != NULL);
}

static bool has_newcomer(struct fleet *f, int64_t now_ms)
{
    for (size_t i = 0; i < f->view.n; i++) {
        const struct view_member *const m = &f->view.members[i];

        if (view_counts(m) && is_newcomer(f, m) && has_room(f, m) && question_allowed(m, now_ms)) {
            return true;
        }
    }
    return false;
}

static void ask(struct fleet *f, int64_t now_ms, int64_t round_ms)
{
    for (unsigned n = 0; n < ASKED_AT_ONCE; n++) {
        struct view_member *const m = choose(f, now_ms);

        if (m == NULL || !has_room(f, m)) {
            break;
        }
        if (question_room(f) == 0) {
            question_end(vain(f));
        }
        question_pull(f, m, now_ms);
        f->join.asked_ms = f->join.asked_ms == FLEET_NEVER ? now_ms : f->join.asked_ms;
    }
    f->join.round_ms = now_ms + (round_ms < ROUND_MAX_MS ? round_ms : ROUND_MAX_MS);
}

/* The best ring that is held and that a member seals by, of those that all hold if there are any.
 */
static const uint8_t *best_in_view(const struct fleet *f)
{
    const struct rings *const r = fleet_rings(f);
    const uint8_t *best = NULL;
    bool is_best_common = false;

    for (uint32_t i = 0; i < r->n; i++) {
        const uint8_t *const id = r->ring[i].id;

        if (r->ring[i].held && view_any_seals(&f->view, id)) {
            const bool is_common = view_all_hold(&f->view, id);

            if (best == NULL || is_common > is_best_common ||
                (is_common == is_best_common && rings_compare(id, best) < 0)) {
                best = id;
                is_best_common = is_common;
            }
        }
    }
    return best;
}

/* What an answer says its sender seals by counts only if nobody is in view any more: it may be old,
 * and the others have dropped that ring since. */
static void decide(struct fleet *f, int64_t now_ms)
{
    const struct view_member *const m = view_find(&f->view, &f->join.giver);
    const uint8_t *const best = view_n(&f->view) != 0 ? best_in_view(f) : f->join.best;
    uint8_t id[RATCHET_ID_LEN];
    const struct fleet_note note = {
        .event = FLEET_JOINED,
        .name = m != NULL ? m->about.presence.name : NULL,
        .ring = id,
        .ms = now_ms - f->begun_ms,
    };

    f->join.decide_ms = FLEET_NEVER;
    if (best == NULL) {
        return;
    }
    memcpy(id, best, sizeof id);
    if (rings_compare(fleet_rings_sealing(f)->id, id) == 0 ||
        fleet_rings_seal_by(f, id, now_ms, !f->was_settled_alone) == RP_OK) {
        clock_forget(&f->clock, INT64_MAX);
        become_member(f, now_ms, &note);
    }
}

void fleet_join_listed(struct fleet *f, int64_t now_ms)
{
    struct join *const j = &f->join;
    const bool is_alone = view_n(&f->view) == 0;
    const bool is_unheard =
        !j->has_heard && j->asked_ms != FLEET_NEVER && now_ms - j->asked_ms >= f->budget_ms / 2;
    const bool may_found = (is_alone || is_unheard) && now_ms >= j->patient_until_ms;
    const int64_t wait_ms = fleet_join_patience_ms(f);

    f->list_due_ms = now_ms + wait_ms;
    know(f, now_ms);
    if (j->has_heard && j->decide_ms == FLEET_NEVER) {
        decide(f, now_ms);
    }
    if (f->is_member) {
        return;
    }
    if (!is_alone && (now_ms >= j->round_ms || has_newcomer(f, now_ms))) {
        ask(f, now_ms, wait_ms * ROUND);
    } else if (may_found && now_ms < j->claimed_until_ms) {
        found(f, now_ms, is_alone);
    } else if (may_found) {
        claim(f, now_ms);
    }
}

/* Nobody waits for a host that serves on its own: it lets the others come back first. */
void fleet_join_on_store(struct fleet *f, int64_t now_ms)
{
    if (f->is_settled) {
        f->join.patient_until_ms = now_ms + RETURN_MS;
    }
}

void fleet_join_heard(struct fleet *f, int64_t now_ms, const struct mailbox_id *from,
                      const uint8_t ring[static RATCHET_ID_LEN])
{
    struct join *const j = &f->join;

    if (fleet_rings_held(f, ring) < 0) {
        return;
    }
    if (!j->has_heard || rings_compare(ring, j->best) < 0) {
        memcpy(j->best, ring, sizeof j->best);
        j->giver = *from;
    }
    if (j->decide_ms == FLEET_NEVER) {
        j->decide_ms = now_ms + COLLECT_MS;
    }
    j->has_heard = true;
    if (question_n_pulls(f, now_ms, QUESTION_WAIT_MS) == 0) {
        j->decide_ms = now_ms;
    }
    fleet_join_tick(f, now_ms);
}

void fleet_join_tick(struct fleet *f, int64_t now_ms)
{
    const bool is_over = !f->is_settled && now_ms - f->begun_ms >= f->budget_ms;

    if (f->is_member) {
        return;
    }
    if (f->join.has_heard && (is_over || now_ms >= f->join.decide_ms)) {
        decide(f, now_ms);
    }
    if (is_over && !f->is_settled) {
        f->is_settled = true;
        f->was_settled_alone = true;
        fleet_note_event(
            f, now_ms,
            &(struct fleet_note){.event = FLEET_ALONE, .ring = fleet_rings_sealing(f)->id});
    }
}

int64_t fleet_join_next_ms(const struct fleet *f)
{
    const int64_t over_ms = f->is_settled ? FLEET_NEVER : f->begun_ms + f->budget_ms;

    if (f->is_member) {
        return FLEET_NEVER;
    }
    return f->join.decide_ms < over_ms ? f->join.decide_ms : over_ms;
}
