#include "sim.h"

#include <string.h>

#include "keyring_rings.h"
#include "memory.h"
#include "sim_private.h"
#include "sim_random.h"

#define BOOT_MS 1000000000 /* clocks of hosts begin anywhere up to there */

void sim_init(struct sim *s, const struct sim_options *options)
{
    const int64_t n_past = (options->accept_ms + options->rotate_ms - 1) / options->rotate_ms;

    *s = (struct sim){
        .options = *options,
        .random = {true, options->seed},
        .split_since_ms = INT64_MAX,
        /* As rp_keyring_new makes room. */
        .max_roots =
            (unsigned)n_past + 2 + keyring_rings_spare(options->rotate_ms, options->accept_ms),
    };
    sim_random_begin(options->seed);
    s->hosts = memory_new(options->n_hosts, sizeof s->hosts[0]);
    s->draft = memory_new(1, rings_size(s->max_roots));
    sim_require(s->hosts != NULL && s->draft != NULL, "out of memory");
    for (uint32_t i = 0; i < options->n_hosts; i++) {
        struct sim_host *const h = &s->hosts[i];
        const int64_t ppm = options->drift_ppm;

        h->sim = s;
        h->tick_ms = INT64_MAX;
        h->cut_ms = INT64_MAX;
        h->boot_ms = (int64_t)fleet_random_below(&s->random, BOOT_MS);
        h->drift_ppm =
            (int)((int64_t)fleet_random_below(&s->random, (uint64_t)(2 * ppm + 1)) - ppm);
    }
}

void sim_fini(struct sim *s)
{
    struct sim_event e;

    for (uint32_t i = 0; i < s->options.n_hosts; i++) {
        sim_kill(s, i);
        memory_free(s->hosts[i].rings);
    }
    while (sim_queue_pop(&s->queue, INT64_MAX, &e)) {
        memory_free(e.data);
    }
    sim_queue_fini(&s->queue);
    sim_store_fini(&s->stores[0]);
    sim_store_fini(&s->stores[1]);
    sim_map_fini(&s->ids);
    sim_map_fini(&s->known);
    sim_map_fini(&s->seals);
    memory_free(s->hosts);
    memory_free(s->draft);
    *s = (struct sim){0};
}

int64_t sim_boot_ms(const struct sim_host *h, int64_t now_ms)
{
    const int64_t passed_ms = now_ms - h->since_ms;

    return h->boot_ms + passed_ms + passed_ms * h->drift_ppm / 1000000;
}

bool sim_is_awake(const struct sim *s, uint32_t host)
{
    return s->hosts[host].fleet != NULL && s->now_ms >= s->hosts[host].awake_ms;
}

static bool is_of_host(int kind)
{
    return kind == SIM_TICK || kind == SIM_LETTER || kind == SIM_LISTED || kind == SIM_CLAIMED;
}

static void handle(struct sim *s, struct sim_event *e)
{
    struct sim_host *const h = &s->hosts[e->host];

    if (is_of_host(e->kind)) {
        if (h->fleet == NULL || h->life != e->life) {
            memory_free(e->data);
            return;
        }
        if (s->now_ms < h->awake_ms) {
            if (e->kind == SIM_TICK && e->at_ms == h->tick_ms) {
                h->tick_ms = h->awake_ms;
            }
            e->at_ms = h->awake_ms;
            sim_queue_push(&s->queue, e);
            return;
        }
    }
    switch ((enum sim_kind)e->kind) {
    case SIM_TICK:
        if (e->at_ms == h->tick_ms) {
            sim_host_tick(h);
        }
        break;
    case SIM_PUT:
    case SIM_LETTER:
    case SIM_LIST:
    case SIM_LISTED:
    case SIM_CLAIM:
    case SIM_CLAIMED:
    case SIM_UNCLAIM:
        sim_mail_event(s, e);
        break;
    case SIM_TICKET:
    case SIM_PRESENT:
        sim_ticket_event(s, e);
        break;
    }
    memory_free(e->data);
}

void sim_run(struct sim *s, int64_t for_ms)
{
    const int64_t until_ms = s->now_ms + for_ms;
    struct sim_event e;

    while (sim_queue_pop(&s->queue, until_ms, &e)) {
        s->now_ms = e.at_ms;
        handle(s, &e);
    }
    s->now_ms = until_ms;
}

void sim_start(struct sim *s, uint32_t host, const struct sim_start *start)
{
    static const struct sim_start none;

    sim_require(s->hosts[host].fleet == NULL, "a host is started twice");
    sim_host_begin(s, host, start != NULL ? start : &none, false);
}

void sim_stop(struct sim *s, uint32_t host)
{
    if (s->hosts[host].fleet != NULL) {
        fleet_leave(s->hosts[host].fleet);
        sim_kill(s, host);
    }
}

void sim_kill(struct sim *s, uint32_t host)
{
    struct sim_host *const h = &s->hosts[host];

    sim_host_end(s, host);
    if (h->rings != NULL) {
        memory_wipe(h->rings, rings_size(s->max_roots));
    }
    h->awake_ms = 0;
}

void sim_replace(struct sim *s, uint32_t host)
{
    static const struct sim_start none;
    struct sim_host *const h = &s->hosts[host];

    if (h->fleet != NULL) {
        const bool was_member = fleet_member(h->fleet, 0)->presence.is_member;

        sim_host_end(s, host);
        sim_host_begin(s, host, &none, was_member);
    }
}

void sim_sleep(struct sim *s, uint32_t host, int64_t for_ms, bool clock_stops)
{
    struct sim_host *const h = &s->hosts[host];

    if (clock_stops) {
        h->boot_ms = sim_boot_ms(h, s->now_ms);
        h->since_ms = s->now_ms + for_ms;
    }
    h->awake_ms = s->now_ms + for_ms;
    sim_host_count(h);
}

void sim_cut(struct sim *s, uint32_t host, bool is_cut)
{
    struct sim_host *const h = &s->hosts[host];

    h->is_cut = is_cut;
    h->cut_ms = is_cut ? s->now_ms : INT64_MAX;
    if (h->fleet != NULL && !s->is_down) {
        fleet_on_store(h->fleet, sim_boot_ms(h, s->now_ms), !is_cut);
        sim_host_after(h);
    }
}

void sim_store_down(struct sim *s, bool is_down)
{
    s->is_down = is_down;
    for (uint32_t i = 0; i < s->options.n_hosts; i++) {
        struct sim_host *const h = &s->hosts[i];

        if (h->fleet != NULL && !h->is_cut) {
            fleet_on_store(h->fleet, sim_boot_ms(h, s->now_ms), !is_down);
            sim_host_after(h);
        }
    }
}

void sim_take_side(struct sim *s, uint32_t host, uint8_t side)
{
    s->hosts[host].side = side;
}

size_t sim_n_rings(const struct sim *s)
{
    return s->seals.n;
}

bool sim_opens(struct sim *s, uint32_t by, uint32_t sealed_at)
{
    const struct sim_host *const a = &s->hosts[sealed_at];
    const struct sim_host *const b = &s->hosts[by];
    const struct ring *const ring = &a->rings->ring[a->rings->sealing];
    const int64_t a_ms = sim_boot_ms(a, s->now_ms) + a->offset_ms;
    const int64_t b_ms = sim_boot_ms(b, s->now_ms) + b->offset_ms;
    const uint8_t *const sealed = sim_root(a->rings, ring->id, ring->epoch, a_ms);
    const uint8_t *const root = sim_root(b->rings, ring->id, ring->epoch, b_ms);

    return sealed != NULL && root != NULL && memcmp(sealed, root, DERIVE_ROOT_LEN) == 0;
}
