#include "fleet_time.h"

#include "fleet_letter.h"
#include "fleet_question.h"
#include "fleet_rings.h"

#define KEEP_PACES 16
#define VOICES 3
/* To step through more takes long; the next answer is soon there. */
#define LEAP_EPOCHS_MAX (1 << 14)
#define NEAR_MAX_MS (MAILBOX_RING_TIME_MAX / 4)
#define SLOW_MS 1000 /* an answer that took longer is none, unless rotate is long */

struct wanted {
    const uint8_t *ring;
    const struct fleet_clock *clock; /* NULL: those that were heard, too */
    int64_t now_ms;
};

static bool can_tell(const struct view_member *m, const void *cookie)
{
    const struct wanted *const w = cookie;

    return view_member_seals(m, w->ring) && question_allowed(m, w->now_ms) &&
           (w->clock == NULL || !clock_heard(w->clock, &m->about.id));
}

/* One or two can be wrong: before a leap so many must have been heard, or all that there are, which
 * one listing may not have shown yet. */
static unsigned n_voices(const struct fleet *f)
{
    const uint8_t *const ring = fleet_rings_sealing(f)->id;
    unsigned n = f->n_listings < 2 ? VOICES : 0;

    for (size_t i = 0; i < f->view.n && n < VOICES; i++) {
        const struct view_member *const m = &f->view.members[i];

        n += view_counts(m) && view_member_seals(m, ring) ? 1 : 0;
    }
    return n;
}

void fleet_time_ask(struct fleet *f, int64_t now_ms)
{
    struct wanted w = {fleet_rings_sealing(f)->id, &f->clock, now_ms};
    struct view_member *m = view_pick(&f->view, &f->random, can_tell, &w);

    if (m == NULL) {
        w.clock = NULL;
        m = view_pick(&f->view, &f->random, can_tell, &w);
    }

    f->time_due_ms = now_ms + fleet_random_around(&f->random, fleet_pace_ms(f));
    clock_forget(&f->clock, now_ms - KEEP_PACES * fleet_pace_ms(f));
    if (m != NULL) {
        question_time(f, m, now_ms);
    }
}

bool fleet_time_is_near(int64_t ms)
{
    return ms <= NEAR_MAX_MS && ms >= -NEAR_MAX_MS;
}

/* Not so far ahead that the ring would be lost, nor that sums of times leave their range. */
static bool is_credible(const struct fleet *f, int64_t ahead_ms, int64_t now_ms)
{
    const int64_t offset_ms = f->keys.offset_ms(f->keys.cookie);
    int64_t then_ms;

    return !__builtin_add_overflow(offset_ms, ahead_ms, &then_ms) && fleet_time_is_near(then_ms) &&
           !rings_lost(fleet_rings(f), now_ms + then_ms);
}

static void judge(struct fleet *f, int64_t now_ms, const struct mailbox_id *from,
                  const struct mailbox_time *answer, int64_t took_ms)
{
    const struct rings *const r = fleet_rings(f);
    const int64_t quarter_ms = r->rotate_ms / 4;
    const int64_t bound_ms = (took_ms + 1) / 2;
    int64_t ahead_ms;

    if (took_ms > (quarter_ms > SLOW_MS ? quarter_ms : SLOW_MS) ||
        rings_compare(answer->ring.bytes, r->ring[r->sealing].id) != 0) {
        return;
    }
    ahead_ms = answer->ring_ms + bound_ms - rings_time(r, r->sealing, fleet_time_ms(f, now_ms));
    if (!is_credible(f, ahead_ms, now_ms)) {
        fleet_note_event(f, now_ms, &(struct fleet_note){.event = FLEET_REFUSED});
        return;
    }
    if (ahead_ms / LEAP_EPOCHS_MAX > r->rotate_ms) {
        ahead_ms = LEAP_EPOCHS_MAX * r->rotate_ms;
    }
    clock_add(&f->clock, from, ahead_ms, bound_ms, now_ms);
    if (ahead_ms - bound_ms >= quarter_ms && f->clock.n < n_voices(f)) {
        f->time_due_ms = now_ms;
    }
    fleet_time_follow(f, now_ms);
    fleet_rings_follow_lead(f, now_ms);
}

void fleet_time_answered(struct fleet *f, int64_t now_ms, const struct mailbox_header *header,
                         const uint8_t *message, size_t n)
{
    uint8_t plain[MAILBOX_TIME_ANSWER_LEN];
    struct mailbox_header opened;
    struct mailbox_time answer;
    struct question *q;
    enum rp_status status = RP_FORMAT;
    unsigned secret;

    if (n == sizeof plain + SEAL_OVERHEAD) {
        status = fleet_open(f, message, n, &opened, plain, &secret);
    }
    if (status == RP_FORMAT ||
        (status == RP_OK && !mailbox_time_decode(plain, sizeof plain, &answer))) {
        fleet_note_event(f, now_ms, &(struct fleet_note){.event = FLEET_REFUSED});
        return;
    }
    q = status == RP_OK ? question_find(f, MAILBOX_TIME, &header->from, &answer.question) : NULL;
    if (q != NULL) {
        const int64_t took_ms = now_ms - q->asked_ms;

        question_end(q);
        judge(f, now_ms, &header->from, &answer, took_ms);
    }
}

void fleet_time_follow(struct fleet *f, int64_t now_ms)
{
    const int64_t leap_ms = fleet_rings(f)->rotate_ms / 4;
    const int64_t step_ms = clock_step(&f->clock, now_ms, leap_ms > 0 ? leap_ms : 1, n_voices(f));

    if (step_ms == 0) {
        return;
    }
    f->keys.set_offset_ms(f->keys.cookie, f->keys.offset_ms(f->keys.cookie) + step_ms);
    if (step_ms >= leap_ms) {
        fleet_rings_advance(f, now_ms);
        fleet_note_event(f, now_ms, &(struct fleet_note){.event = FLEET_LATE, .ms = step_ms});
    }
}
