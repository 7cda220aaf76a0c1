#include "fleet_view.h"

#include <string.h>

#include "memory.h"

#define FIRST_ROOM 8

void view_init(struct view *v, int64_t rotate_ms, int64_t accept_ms)
{
    *v = (struct view){.rotate_ms = rotate_ms, .accept_ms = accept_ms, .listing = 1};
}

void view_fini(struct view *v)
{
    memory_free(v->members);
    memory_free(v->gone);
    *v = (struct view){0};
}

struct view_member *view_find(const struct view *v, const struct mailbox_id *id)
{
    for (size_t i = 0; i < v->n; i++) {
        if (mailbox_id_equal(&v->members[i].about.id, id)) {
            return &v->members[i];
        }
    }
    return NULL;
}

/* Without memory for it, it is not remembered. */
static void remember(struct view *v, const struct view_member *m)
{
    if (v->gone == NULL) {
        v->gone = memory_new(FLEET_LIST_ALL, sizeof v->gone[0]);
        if (v->gone == NULL) {
            return;
        }
    }
    v->gone[v->next_gone] = (struct view_gone){m->about.id, m->about.presence.seq};
    v->next_gone = (v->next_gone + 1) % FLEET_LIST_ALL;
    v->n_gone += v->n_gone < FLEET_LIST_ALL ? 1 : 0;
}

static bool is_old(const struct view *v, const struct mailbox_id *id, uint64_t seq)
{
    for (size_t i = 0; i < v->n_gone; i++) {
        if (mailbox_id_equal(&v->gone[i].id, id) && seq <= v->gone[i].seq) {
            return true;
        }
    }
    return false;
}

static void leave(struct view *v, size_t i)
{
    if (!v->is_sample) {
        remember(v, &v->members[i]);
    }
    v->n--;
    if (i != v->n) {
        v->members[i] = v->members[v->n];
    }
}

/* Of a sample, one that is not in the listing under way; else the one silent for longest. */
static size_t least(const struct view *v)
{
    size_t found = 0;

    for (size_t i = 0; i < v->n; i++) {
        if (v->is_sample && v->members[i].listing != v->listing) {
            return i;
        }
        if (v->members[i].about.seen_ms < v->members[found].about.seen_ms) {
            found = i;
        }
    }
    return found;
}

static struct view_member *make_room(struct view *v)
{
    const size_t most = v->is_sample ? FLEET_LIST_SAMPLE : FLEET_LIST_ALL;

    while (v->members != NULL && v->n >= most) {
        leave(v, least(v));
    }
    if (v->n == v->room) {
        const size_t room = v->room == 0 ? FIRST_ROOM : v->room * 2;
        void *const grown = memory_resize(v->members, v->room, room, sizeof v->members[0]);

        if (grown == NULL) {
            return NULL;
        }
        v->members = grown;
        v->room = room;
    }
    v->n++;
    return &v->members[v->n - 1];
}

struct view_member *view_hear(struct view *v, const struct mailbox_id *from,
                              const struct mailbox_presence *presence, unsigned secret,
                              int64_t now_ms)
{
    struct view_member *m = view_find(v, from);

    if (m != NULL) {
        m->listing = v->listing;
        if (presence->seq <= m->about.presence.seq) {
            return NULL;
        }
        m->has_grown = true;
    } else {
        if (is_old(v, from, presence->seq)) {
            return NULL;
        }
        m = make_room(v);
        if (m == NULL) {
            return NULL;
        }
        *m = (struct view_member){.about.id = *from, .asked_ms = INT64_MIN};
        m->listing = v->listing;
    }
    m->about.presence = *presence;
    m->about.seen_ms = now_ms;
    m->secret = secret;
    m->is_mismatch = presence->rotate_ms != v->rotate_ms || presence->accept_ms != v->accept_ms;
    return m;
}

void view_listed(struct view *v, int64_t now_ms, int64_t silence_ms, bool is_sample)
{
    v->is_sample = is_sample;
    for (size_t i = v->n; i-- != 0;) {
        const struct view_member *const m = &v->members[i];

        if (now_ms - m->about.seen_ms > silence_ms || (is_sample && m->listing != v->listing)) {
            leave(v, i);
        }
    }
    v->listing++;
}

size_t view_n_listed(const struct view *v)
{
    size_t n = 0;

    for (size_t i = 0; i < v->n; i++) {
        n += v->members[i].listing == v->listing ? 1 : 0;
    }
    return n;
}

bool view_member_holds(const struct view_member *m, const uint8_t *ring)
{
    for (unsigned i = 0; i < m->about.presence.n_held; i++) {
        if (memcmp(m->about.presence.held[i].ring.bytes, ring, MAILBOX_ID_LEN) == 0) {
            return true;
        }
    }
    return false;
}

static const uint8_t *seals_by(const struct view_member *m)
{
    for (unsigned i = 0; i < m->about.presence.n_held; i++) {
        if (m->about.presence.held[i].seals) {
            return m->about.presence.held[i].ring.bytes;
        }
    }
    return NULL;
}

bool view_member_seals(const struct view_member *m, const uint8_t *ring)
{
    const uint8_t *const by = seals_by(m);

    return by != NULL && memcmp(by, ring, MAILBOX_ID_LEN) == 0;
}

bool view_counts(const struct view_member *m)
{
    return m->about.presence.is_member && !m->is_mismatch;
}

size_t view_n(const struct view *v)
{
    size_t n = 0;

    for (size_t i = 0; i < v->n; i++) {
        n += view_counts(&v->members[i]) ? 1 : 0;
    }
    return n;
}

bool view_all_hold(const struct view *v, const uint8_t *ring)
{
    for (size_t i = 0; i < v->n; i++) {
        if (view_counts(&v->members[i]) && !view_member_holds(&v->members[i], ring)) {
            return false;
        }
    }
    return true;
}

bool view_any_seals(const struct view *v, const uint8_t *ring)
{
    for (size_t i = 0; i < v->n; i++) {
        if (view_counts(&v->members[i]) && view_member_seals(&v->members[i], ring)) {
            return true;
        }
    }
    return false;
}

const uint8_t *view_best(const struct view *v)
{
    const uint8_t *best = NULL;

    for (size_t i = 0; i < v->n; i++) {
        const uint8_t *const by = view_counts(&v->members[i]) ? seals_by(&v->members[i]) : NULL;

        if (by != NULL && (best == NULL || rings_compare(by, best) < 0)) {
            best = by;
        }
    }
    return best;
}

struct view_member *view_pick(const struct view *v, struct fleet_random *random, view_fits_fn *fits,
                              const void *cookie)
{
    struct view_member *picked = NULL;
    uint64_t n = 0;

    for (size_t i = 0; i < v->n; i++) {
        struct view_member *const m = &v->members[i];

        if (view_counts(m) && fits(m, cookie)) {
            n++;
            if (fleet_random_below(random, n) == 0) {
                picked = m;
            }
        }
    }
    return picked;
}
