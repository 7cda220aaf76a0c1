#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "sim_private.h"
#include "text.h"

static const uint8_t the_secret[SEAL_SECRET_LEN] = "of all hosts, and no secret here";

static uint32_t number(const struct sim_host *h)
{
    return (uint32_t)(h - h->sim->hosts);
}

static const struct rings *keys_state(void *cookie)
{
    const struct sim_host *const h = cookie;

    return h->rings;
}

static struct rings *keys_draft(void *cookie)
{
    struct sim_host *const h = cookie;

    memcpy(h->sim->draft, h->rings, rings_size(h->sim->max_roots));
    return h->sim->draft;
}

static void check_epochs(const struct rings *before, const struct rings *after)
{
    for (uint32_t i = 0; i < before->n; i++) {
        const int place = rings_find(after, before->ring[i].id);

        sim_require(place < 0 || after->ring[place].epoch >= before->ring[i].epoch,
                    "an epoch went back");
    }
}

/* A ring by which it seals goes where it was never shown to anybody; others go if they are to, or
 * were of hosts on their own, of which there may be more than can be kept. */
static void check_roots(const struct sim_host *h, const struct rings *after)
{
    const struct rings *const before = h->rings;
    const int64_t fleet_ms = sim_boot_ms(h, h->sim->now_ms) + h->offset_ms;

    for (uint32_t i = 0; i < before->n_roots; i++) {
        const struct ring_root *const root = &before->roots[i];
        const uint8_t *const ring = before->ring[root->ring].id;
        const int place = rings_find(after, ring);

        sim_require(
            root->opens_until_ms <= fleet_ms || root->ring == before->sealing ||
                (place < 0 && h->only_own_rings) ||
                (place < 0 && after->n == RINGS_MAX && rings_rank(ring) == RINGS_RANK_ALONE) ||
                (place >= 0 && root->epoch > after->ring[place].epoch) ||
                sim_root(after, ring, root->epoch, fleet_ms) != NULL,
            "a root that still opens was lost");
    }
}

static enum rp_status keys_commit(void *cookie)
{
    struct sim_host *const h = cookie;

    check_epochs(h->rings, h->sim->draft);
    check_roots(h, h->sim->draft);
    memcpy(h->rings, h->sim->draft, rings_size(h->sim->max_roots));
    h->is_dirty = true;
    return RP_OK;
}

static void keys_abandon(void *cookie)
{
    (void)cookie;
}

static int64_t keys_offset_ms(void *cookie)
{
    const struct sim_host *const h = cookie;

    return h->offset_ms;
}

static void keys_set_offset_ms(void *cookie, int64_t offset_ms)
{
    struct sim_host *const h = cookie;

    h->offset_ms = offset_ms;
}

static const char *const names[FLEET_N_EVENTS] = {
    [FLEET_JOINED] = "joined",   [FLEET_FOUNDED] = "founded",   [FLEET_ALONE] = "alone",
    [FLEET_TOOK_UP] = "took up", [FLEET_SWITCHED] = "switched", [FLEET_DROPPED] = "dropped",
    [FLEET_SEEDED] = "seeded",   [FLEET_FOREIGN] = "foreign",   [FLEET_MISMATCH] = "mismatch",
    [FLEET_REFUSED] = "refused", [FLEET_LATE] = "late",
};

static void trace(const struct sim_host *h, const struct fleet_note *note)
{
    char ring[2 * RATCHET_ID_LEN + 1] = "";
    struct text t = text_of(ring, sizeof ring);

    if (note->ring != NULL) {
        text_add_hex(&t, note->ring, 8);
    }
    (void)fprintf(stderr, "%12" PRId64 " %6" PRIu32 " %s %s %" PRId64 " %s\n", h->sim->now_ms,
                  number(h), names[note->event], ring, note->ms,
                  note->name != NULL ? note->name : "");
}

static void on_note(void *cookie, const struct fleet_note *note)
{
    struct sim_host *const h = cookie;

    h->sim->stats.events[note->event]++;
    if (note->event == FLEET_FOUNDED || note->event == FLEET_SEEDED) {
        sim_map_put(&h->sim->known, note->ring, 1);
    }
    if (note->event == FLEET_JOINED) {
        h->joined_ms = note->ms;
    }
    h->has_switched = h->has_switched || note->event == FLEET_SWITCHED;
    if (h->sim->options.is_traced) {
        trace(h, note);
    }
}

static void begin_rings(struct sim *s, struct sim_host *h, const struct sim_start *start)
{
    const int64_t rotate_ms = start->rotate_ms != 0 ? start->rotate_ms : s->options.rotate_ms;
    const int64_t accept_ms = start->accept_ms != 0 ? start->accept_ms : s->options.accept_ms;

    if (h->rings == NULL) {
        h->rings = memory_new(1, rings_size(s->max_roots));
        sim_require(h->rings != NULL, "out of memory");
    }
    h->rings->max_roots = s->max_roots;
    h->offset_ms = 0;
    sim_require(rings_begin(h->rings, RINGS_RANK_ALONE, sim_boot_ms(h, s->now_ms), rotate_ms,
                            accept_ms) == RP_OK,
                "a ring cannot be begun");
    sim_map_put(&s->known, h->rings->ring[0].id, 1);
}

void sim_host_begin(struct sim *s, uint32_t host, const struct sim_start *start, bool is_member)
{
    struct sim_host *const h = &s->hosts[host];
    const int64_t boot_ms = sim_boot_ms(h, s->now_ms);
    char name[16];
    struct text t = text_of(name, sizeof name);
    struct fleet_options o = {
        .fleet = "simulated",
        .secrets = {start->secrets[0] != NULL ? start->secrets[0] : the_secret, start->secrets[1]},
        .name = name,
        .address = "",
        .version = "1",
        .reseed_ms = s->options.reseed_ms,
        .budget_ms = s->options.budget_ms,
        .is_member = is_member,
        .only_own_rings = start->only_own_rings,
        .is_simulated = true,
        .post = sim_post(h),
        .keys = {keys_state, keys_draft, keys_commit, keys_abandon, keys_offset_ms,
                 keys_set_offset_ms, h},
        .note = on_note,
        .note_cookie = h,
    };

    text_addf(&t, "host-%" PRIu32, host);
    (void)!fleet_random_bytes(&s->random, (uint8_t *)&o.seed, sizeof o.seed);
    if (!is_member) {
        begin_rings(s, h, start);
    }
    o.rotate_ms = h->rings->rotate_ms;
    o.accept_ms = h->rings->accept_ms;
    h->only_own_rings = start->only_own_rings;
    h->started_ms = s->now_ms;
    h->joined_ms = -1;
    h->life++;
    h->tick_ms = INT64_MAX;
    sim_require(fleet_new(&o, boot_ms, &h->fleet) == RP_OK, "a host cannot be begun");
    h->id = fleet_member(h->fleet, 0)->id;
    sim_map_put(&s->ids, h->id.bytes, host);
    if (!h->is_cut && !s->is_down) {
        fleet_on_store(h->fleet, boot_ms, true);
    }
    sim_host_after(h);
}

static void agree(struct sim *s)
{
    if (s->seals.n > 1 && s->split_since_ms == INT64_MAX) {
        s->split_since_ms = s->now_ms;
    } else if (s->seals.n <= 1 && s->split_since_ms != INT64_MAX) {
        const int64_t ms = s->now_ms - s->split_since_ms;

        s->stats.split_ms += ms;
        s->stats.split_most_ms = ms > s->stats.split_most_ms ? ms : s->stats.split_most_ms;
        s->split_since_ms = INT64_MAX;
    }
}

/* By which ring it seals, if it is a member that others can hear. */
void sim_host_count(struct sim_host *h)
{
    struct sim *const s = h->sim;
    const bool is_counted = h->fleet != NULL && fleet_member(h->fleet, 0)->presence.is_member &&
                            !h->is_cut && s->now_ms >= h->awake_ms;
    const uint8_t *const by = h->rings != NULL ? h->rings->ring[h->rings->sealing].id : NULL;

    if (is_counted && h->is_counted && memcmp(h->sealing, by, sizeof h->sealing) == 0) {
        return;
    }
    if (h->is_counted) {
        uint32_t *const n = sim_map_find(&s->seals, h->sealing);

        if (--*n == 0) {
            sim_map_remove(&s->seals, h->sealing);
        }
    }
    h->is_counted = is_counted;
    if (is_counted) {
        uint32_t *const n = sim_map_find(&s->seals, by);

        memcpy(h->sealing, by, sizeof h->sealing);
        sim_map_put(&s->seals, by, n != NULL ? *n + 1 : 1);
    }
    agree(s);
}

void sim_host_end(struct sim *s, uint32_t host)
{
    struct sim_host *const h = &s->hosts[host];

    if (h->fleet != NULL) {
        sim_map_remove(&s->ids, h->id.bytes);
        fleet_free(&h->fleet);
        sim_host_count(h);
    }
}

/* Whoever it read of and is still there holds what it switched to. Without a store it cannot know.
 */
static void check_switch(const struct sim_host *h)
{
    const struct sim *const s = h->sim;
    const uint8_t *const id = h->rings->ring[h->rings->sealing].id;
    const struct fleet_member *m;

    for (size_t i = 1; (m = fleet_member(h->fleet, i)) != NULL && !h->is_cut && !s->is_down; i++) {
        const uint32_t *const at = sim_map_find(&s->ids, m->id.bytes);
        const struct sim_host *const other = at != NULL ? &s->hosts[*at] : NULL;

        if (other != NULL && m->presence.is_member &&
            other->rings->rotate_ms == h->rings->rotate_ms &&
            other->rings->accept_ms == h->rings->accept_ms) {
            const int place = rings_find(other->rings, id);

            sim_require(place >= 0 && other->rings->ring[place].held,
                        "a host switched to a ring that a member in its view does not hold");
        }
    }
}

static void check_rings(const struct sim_host *h)
{
    for (uint32_t i = 0; i < h->rings->n; i++) {
        sim_require(sim_map_find(&h->sim->known, h->rings->ring[i].id) != NULL,
                    "a host has a ring that no host began");
    }
}

static void plan_tick(struct sim_host *h)
{
    struct sim *const s = h->sim;
    const int64_t rings_ms = rings_next_ms(h->rings);
    int64_t due_ms = fleet_next_ms(h->fleet);
    int64_t at_ms;

    if (rings_ms != INT64_MAX && rings_ms - h->offset_ms < due_ms) {
        due_ms = rings_ms - h->offset_ms;
    }
    if (due_ms == INT64_MAX) {
        return;
    }
    at_ms = h->since_ms + (due_ms - h->boot_ms) * 1000000 / (1000000 + h->drift_ppm);
    while (sim_boot_ms(h, at_ms) < due_ms) {
        at_ms++;
    }
    at_ms = at_ms > s->now_ms ? at_ms : s->now_ms + 1;
    if (at_ms < h->tick_ms) {
        h->tick_ms = at_ms;
        sim_queue_push(&s->queue,
                       &(struct sim_event){
                           .at_ms = at_ms, .kind = SIM_TICK, .host = number(h), .life = h->life});
    }
}

void sim_host_after(struct sim_host *h)
{
    if (h->has_switched) {
        check_switch(h);
        h->has_switched = false;
    }
    if (h->is_dirty) {
        check_rings(h);
        h->is_dirty = false;
    }
    sim_host_count(h);
    plan_tick(h);
}

void sim_host_tick(struct sim_host *h)
{
    const int64_t boot_ms = sim_boot_ms(h, h->sim->now_ms);

    h->tick_ms = INT64_MAX;
    if (rings_next_ms(h->rings) <= boot_ms + h->offset_ms) {
        sim_require(!rings_lost(h->rings, boot_ms + h->offset_ms), "a ring is lost");
        sim_require(rings_advance(keys_draft(h), boot_ms + h->offset_ms) == RP_OK &&
                        keys_commit(h) == RP_OK,
                    "rings do not advance");
    }
    fleet_tick(h->fleet, boot_ms);
    sim_host_after(h);
}
