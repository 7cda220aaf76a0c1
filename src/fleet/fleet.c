/*
 * A fleet as its owner sees it: what comes in, and what is due.
 *
 * Secrets here: the fleet secrets and what follows from them, and the ephemeral keys of open
 * questions, on the heap of the process that keeps the keys, and wiped when they are done with.
 * Chain values and roots pass through it, into a letter or out of one, and are wiped at once.
 */
#include "fleet.h"

#include "fleet_answer.h"
#include "fleet_join.h"
#include "fleet_letter.h"
#include "fleet_presence.h"
#include "fleet_question.h"
#include "fleet_rings.h"
#include "fleet_state.h"
#include "fleet_step.h"
#include "fleet_take.h"
#include "fleet_time.h"
#include "memory.h"
#include "order.h"
#include "text.h"

#define BUDGET_MS 1000
#define PACES 4 /* in an epoch */
#define PACE_MIN_MS 500
#define PACE_MAX_MS 10000
#define PACE_HOSTS 1000  /* in a larger fleet each host is slower, */
#define HOSTS_MAX 100000 /* up to one of so many */
#define GROWTH 2         /* of what a fleet's size is taken for, by one listing */
#define LISTING_MS 5000  /* that the store has to answer */
#define QUIET_MS 60000   /* between two notes of what others can bring about */
#define AGAIN 4          /* of a pace: until what the store did not answer is asked again */
#define SPREAD_MS 10     /* for each member, when all come back at once, */
#define SPREAD_LEAST 10  /* as if they were so many at least */

int64_t fleet_pace_ms(const struct fleet *f)
{
    int64_t pace_ms = f->self.presence.rotate_ms / PACES;

    pace_ms = pace_ms > PACE_MIN_MS ? pace_ms : PACE_MIN_MS;
    pace_ms = pace_ms < PACE_MAX_MS ? pace_ms : PACE_MAX_MS;
    if (f->size > PACE_HOSTS) {
        pace_ms = pace_ms * (int64_t)f->size / PACE_HOSTS;
    }
    return pace_ms;
}

void fleet_note_event(struct fleet *f, int64_t now_ms, const struct fleet_note *note)
{
    const bool is_of_others = note->event == FLEET_FOREIGN || note->event == FLEET_MISMATCH ||
                              note->event == FLEET_REFUSED;

    f->counts[note->event]++;
    if (is_of_others && now_ms < f->quiet_until_ms[note->event]) {
        return;
    }
    f->quiet_until_ms[note->event] = now_ms + QUIET_MS;
    if (f->note != NULL) {
        f->note(f->note_cookie, note);
    }
}

static void copy_text(char out[static MAILBOX_TEXT_MAX + 1], const char *s)
{
    struct text t = text_of(out, MAILBOX_TEXT_MAX + 1);

    text_add(&t, s);
}

static enum rp_status init(struct fleet *f, const struct fleet_options *o, int64_t now_ms)
{
    struct mailbox_presence *const p = &f->self.presence;
    enum rp_status status = RP_OK;

    f->random = (struct fleet_random){o->is_simulated, o->seed};
    f->self.is_self = true;
    copy_text(p->name, o->name);
    copy_text(p->address, o->address);
    copy_text(p->version, o->version);
    p->is_member = o->is_member;
    p->rotate_ms = o->rotate_ms;
    p->accept_ms = o->accept_ms;
    p->reseed_ms = o->reseed_ms;
    view_init(&f->view, o->rotate_ms, o->accept_ms);
    limit_init(&f->pulls, now_ms);
    limit_init(&f->times, now_ms);
    for (unsigned i = 0; i < 2 && status == RP_OK && o->secrets[i] != NULL; i++) {
        status = seal_init(&f->seals[i], o->secrets[i], o->fleet);
        f->n_seals++;
    }
    p->health = f->n_seals > 1 ? MAILBOX_HEALTH_SECRETS : 0;
    if (status == RP_OK) {
        status = fleet_random_bytes(&f->random, f->self.id.bytes, MAILBOX_ID_LEN);
    }
    return status;
}

enum rp_status fleet_new(const struct fleet_options *options, int64_t now_ms, struct fleet **out)
{
    struct fleet *f;
    enum rp_status status;

    *out = NULL;
    if (options->secrets[0] == NULL || options->rotate_ms < 1 || options->accept_ms < 0) {
        return RP_INVALID;
    }
    f = memory_new(1, sizeof *f);
    if (f == NULL) {
        return RP_NO_MEMORY;
    }
    f->post = options->post;
    f->keys = options->keys;
    f->note = options->note;
    f->note_cookie = options->note_cookie;
    f->budget_ms = options->budget_ms != 0 ? options->budget_ms : BUDGET_MS;
    f->is_member = options->is_member;
    f->only_own_rings = options->only_own_rings;
    f->is_settled = options->is_member;
    f->begun_ms = now_ms;
    f->listed_ms = now_ms;
    f->list_due_ms = now_ms;
    f->presence_due_ms = now_ms;
    f->time_due_ms = now_ms;
    f->pull_due_ms = FLEET_NEVER;
    status = init(f, options, now_ms);
    fleet_join_begin(f, now_ms);
    if (status != RP_OK) {
        fleet_free(&f);
    }
    *out = f;
    return status;
}

void fleet_free(struct fleet **fleet)
{
    struct fleet *const f = *fleet;

    if (f != NULL) {
        for (unsigned i = 0; i < FLEET_QUESTIONS_MAX; i++) {
            question_end(&f->questions[i]);
        }
        view_fini(&f->view);
        limit_answered_fini(&f->answered);
        memory_wipe(f, sizeof *f);
        memory_free(f);
    }
    *fleet = NULL;
}

static void list(struct fleet *f, int64_t now_ms)
{
    const bool is_small = f->is_member && f->total <= FLEET_LIST_ALL;
    char box[LETTER_BOX_MAX];

    f->n_listed = 0;
    f->listing_most = is_small ? FLEET_LIST_ALL : FLEET_LIST_SAMPLE;
    f->listing_until_ms = now_ms + LISTING_MS;
    fleet_box(f, "members", box);
    f->post.list(f->post.cookie, box, f->listing_most);
}

static void give_up(struct fleet *f, int64_t now_ms)
{
    question_expire(f, now_ms);
    if (f->listing_until_ms != 0 && now_ms >= f->listing_until_ms) {
        fleet_on_listed(f, now_ms, false, 0);
    }
    if (f->claim != CLAIM_NONE && now_ms >= f->claim_until_ms) {
        f->claim = CLAIM_NONE;
    }
}

static void ask_store(struct fleet *f, int64_t now_ms)
{
    if (f->is_member && now_ms >= f->presence_due_ms) {
        fleet_presence_put(f, now_ms);
    }
    if (f->listing_until_ms == 0 && now_ms >= f->list_due_ms) {
        list(f, now_ms);
    }
    if (f->is_member && now_ms >= f->pull_due_ms) {
        fleet_take_wanted(f, now_ms);
    }
    if (f->is_member && now_ms >= f->time_due_ms) {
        fleet_time_ask(f, now_ms);
    }
}

void fleet_tick(struct fleet *f, int64_t now_ms)
{
    f->now_ms = now_ms;
    give_up(f, now_ms);
    fleet_join_tick(f, now_ms);
    fleet_step_tick(f, now_ms);
    fleet_time_follow(f, now_ms);
    if (f->is_up) {
        ask_store(f, now_ms);
    } else if (now_ms >= f->beat_due_ms) {
        f->beat_due_ms = now_ms + fleet_pace_ms(f);
        fleet_step_unlisted(f, now_ms);
    }
}

int64_t fleet_next_ms(const struct fleet *f)
{
    int64_t next = order_least(fleet_join_next_ms(f), fleet_step_next_ms(f));

    next = order_least(next, question_next_ms(f));
    if (f->listing_until_ms != 0) {
        next = order_least(next, f->listing_until_ms);
    }
    if (f->claim != CLAIM_NONE) {
        next = order_least(next, f->claim_until_ms);
    }
    if (!f->is_up) {
        return order_least(next, f->beat_due_ms);
    }
    if (f->listing_until_ms == 0) {
        next = order_least(next, f->list_due_ms);
    }
    if (f->is_member) {
        next = order_least(next, f->presence_due_ms);
        next = order_least(next, order_least(f->time_due_ms, f->pull_due_ms));
    }
    return next;
}

/* All hosts hear of it at once, and should not all come at once. */
void fleet_on_store(struct fleet *f, int64_t now_ms, bool up)
{
    const int64_t spread_ms =
        order_least(fleet_pace_ms(f) / AGAIN, (int64_t)(f->size + SPREAD_LEAST) * SPREAD_MS);
    char box[LETTER_BOX_MAX];

    f->now_ms = now_ms;
    f->beat_due_ms = now_ms;
    f->is_up = up;
    f->listing_until_ms = 0;
    if (!up) {
        return;
    }
    fleet_box_of(f, &f->self.id, box);
    f->post.watch(f->post.cookie, box);
    f->list_due_ms = now_ms;
    fleet_join_on_store(f, now_ms);
    if (f->is_member) {
        f->presence_due_ms =
            now_ms + (int64_t)fleet_random_below(&f->random, (uint64_t)spread_ms + 1);
        f->list_due_ms =
            f->presence_due_ms + (int64_t)fleet_random_below(&f->random, (uint64_t)spread_ms + 1);
    }
    fleet_tick(f, now_ms);
}

void fleet_on_listing(struct fleet *f, int64_t now_ms, const char *name, const uint8_t *value,
                      size_t n)
{
    f->now_ms = now_ms;
    f->n_listed++;
    fleet_presence_hear(f, now_ms, name, value, n);
}

/*
 * How large the fleet is to be taken for. A store may say anything, and a host that believed it
 * would hardly look again: so what it says counts only where most of what it shows is authentic,
 * and a fleet that is known grows little by little.
 */
static size_t size_of(const struct fleet *f, size_t total)
{
    const size_t known = view_n_listed(&f->view) + 1;
    const size_t asked = total < f->listing_most ? total : f->listing_most;
    const size_t shown = f->n_listed > asked ? f->n_listed : asked;
    size_t size = known < shown / 2 ? known : total;

    size = size < HOSTS_MAX ? size : HOSTS_MAX;
    if (f->size != 0 && size > PACE_HOSTS && size / GROWTH > f->size) {
        size = f->size > PACE_HOSTS / GROWTH ? f->size * GROWTH : PACE_HOSTS;
    }
    return size;
}

void fleet_on_listed(struct fleet *f, int64_t now_ms, bool ok, size_t total)
{
    const int64_t pace_ms = fleet_pace_ms(f);

    f->now_ms = now_ms;
    f->listing_until_ms = 0;
    if (!ok) {
        f->list_due_ms = now_ms + (f->is_member ? fleet_random_around(&f->random, pace_ms / AGAIN)
                                                : fleet_join_patience_ms(f));
        return;
    }
    f->total = total;
    f->size = size_of(f, total);
    view_listed(&f->view, now_ms, FLEET_SILENCE * pace_ms, total > FLEET_LIST_ALL);
    if (!f->is_member) {
        fleet_join_listed(f, now_ms);
        return;
    }
    f->listed_ms = now_ms;
    f->n_listings += f->n_listings < 2 ? 1 : 0;
    f->is_view_known = f->is_view_known || total <= f->listing_most || f->view.is_sample;
    f->list_due_ms = now_ms + fleet_random_around(&f->random, fleet_pace_ms(f));
    fleet_step_listed(f, now_ms);
}

void fleet_on_claimed(struct fleet *f, int64_t now_ms, bool ok, bool ours)
{
    const enum fleet_claim claim = f->claim;

    f->now_ms = now_ms;
    f->claim = CLAIM_NONE;
    if (claim == CLAIM_FOUND) {
        fleet_join_claimed(f, now_ms, ok && ours);
    } else if (claim == CLAIM_SEED) {
        fleet_step_claimed(f, now_ms, ok && ours);
    }
}

void fleet_on_letter(struct fleet *f, int64_t now_ms, const uint8_t *value, size_t n)
{
    struct mailbox_header header;

    f->now_ms = now_ms;
    if (n > MAILBOX_MESSAGE_MAX || !mailbox_header_decode(value, n, &header) ||
        header.type == MAILBOX_PRESENCE || mailbox_id_equal(&header.from, &f->self.id)) {
        fleet_note_event(f, now_ms, &(struct fleet_note){.event = FLEET_REFUSED});
        return;
    }
    /* After a keeper's end its successor, of another id, still gets letters of the former. */
    if (!mailbox_id_equal(&header.to, &f->self.id)) {
        f->counts[FLEET_REFUSED]++;
        return;
    }
    switch (header.type) {
    case MAILBOX_PRESENCE:
        break;
    case MAILBOX_PULL:
        fleet_answer_pull(f, now_ms, &header, value, n);
        break;
    case MAILBOX_RINGS:
        fleet_take_rings(f, now_ms, &header, value, n);
        break;
    case MAILBOX_TIME:
        fleet_answer_time(f, now_ms, &header, value, n);
        break;
    case MAILBOX_TIME_ANSWER:
        fleet_time_answered(f, now_ms, &header, value, n);
        break;
    }
}

void fleet_leave(struct fleet *f)
{
    if (f->is_up) {
        fleet_presence_erase(f);
    }
}

void fleet_set_health(struct fleet *f, uint8_t health)
{
    f->self.presence.health = (uint8_t)(health | (f->n_seals > 1 ? MAILBOX_HEALTH_SECRETS : 0));
}

bool fleet_is_settled(const struct fleet *f)
{
    return f->is_settled;
}

const struct fleet_member *fleet_member(const struct fleet *f, size_t i)
{
    if (i == 0) {
        return &f->self;
    }
    return i <= f->view.n ? &f->view.members[i - 1].about : NULL;
}

size_t fleet_total(const struct fleet *f)
{
    return f->total;
}

uint64_t fleet_count(const struct fleet *f, enum fleet_event event)
{
    return f->counts[event];
}
