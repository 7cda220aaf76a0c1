/* Tickets: sealed at one host, presented later at another that is awake. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "sim_private.h"

#define TRIES 8

struct ticket {
    uint8_t ring[RATCHET_ID_LEN];
    uint64_t epoch;
    uint8_t root[DERIVE_ROOT_LEN];
    uint32_t sealed_at;
    int64_t sealed_ms;
};

const uint8_t *sim_root(const struct rings *r, const uint8_t *ring, uint64_t epoch,
                        int64_t fleet_ms)
{
    const int place = rings_find(r, ring);

    for (uint32_t i = 0; place >= 0 && i < r->n_roots; i++) {
        if (r->roots[i].ring == (uint32_t)place && r->roots[i].epoch == epoch) {
            return r->roots[i].opens_until_ms > fleet_ms ? r->roots[i].root : NULL;
        }
    }
    return NULL;
}

/* One that a client reaches: it accepts connections. */
static struct sim_host *pick(struct sim *s)
{
    for (unsigned i = 0; i < TRIES; i++) {
        const uint32_t n = (uint32_t)fleet_random_below(&s->random, s->options.n_hosts);

        if (sim_is_awake(s, n) && fleet_is_settled(s->hosts[n].fleet)) {
            return &s->hosts[n];
        }
    }
    return NULL;
}

/* Half of them within an epoch, the others as long as tickets last. */
static int64_t delay_ms(struct sim *s)
{
    const bool is_soon = fleet_random_below(&s->random, 2) == 0;
    const int64_t most_ms = is_soon ? s->options.rotate_ms : s->options.accept_ms;

    return (int64_t)fleet_random_below(&s->random, (uint64_t)most_ms + 1);
}

static void seal(struct sim *s)
{
    const struct sim_host *const h = pick(s);
    struct ticket *t;
    const struct ring *ring;
    const uint8_t *root;

    sim_queue_push(&s->queue,
                   &(struct sim_event){.at_ms = s->now_ms + s->ticket_ms, .kind = SIM_TICKET});
    if (h == NULL) {
        return;
    }
    ring = &h->rings->ring[h->rings->sealing];
    root = sim_root(h->rings, ring->id, ring->epoch, INT64_MIN);
    sim_require(root != NULL, "a host has not the key by which it seals");
    t = memory_new(1, sizeof *t);
    sim_require(t != NULL, "out of memory");
    memcpy(t->ring, ring->id, sizeof t->ring);
    memcpy(t->root, root, sizeof t->root);
    t->epoch = ring->epoch;
    t->sealed_at = (uint32_t)(h - s->hosts);
    t->sealed_ms = s->now_ms;
    s->stats.n_sealed++;
    sim_queue_push(
        &s->queue,
        &(struct sim_event){.at_ms = s->now_ms + delay_ms(s), .kind = SIM_PRESENT, .data = t});
}

static void trace(const struct sim *s, const struct ticket *t, const struct sim_host *h)
{
    (void)fprintf(stderr,
                  "%12" PRId64 " %6" PRIu32 " lost a ticket of host %" PRIu32 ", %" PRId64
                  " ms old, ring %02x%02x%02x%02x%02x%02x, epoch %" PRIu64 "\n",
                  s->now_ms, (uint32_t)(h - s->hosts), t->sealed_at, s->now_ms - t->sealed_ms,
                  t->ring[0], t->ring[1], t->ring[2], t->ring[3], t->ring[4], t->ring[5], t->epoch);
}

static void present(struct sim *s, const struct ticket *t)
{
    const struct sim_host *const h = pick(s);
    const uint8_t *root;

    if (h == NULL) {
        return;
    }
    root = sim_root(h->rings, t->ring, t->epoch, sim_boot_ms(h, s->now_ms) + h->offset_ms);
    s->stats.n_presented++;
    if (root != NULL && memcmp(root, t->root, sizeof t->root) == 0) {
        s->stats.n_resumed++;
    } else if (s->options.is_traced) {
        trace(s, t, h);
    }
}

void sim_ticket_event(struct sim *s, const struct sim_event *e)
{
    if (e->kind == SIM_TICKET) {
        seal(s);
    } else {
        present(s, e->data);
    }
}

void sim_try_tickets(struct sim *s, int64_t every_ms)
{
    s->ticket_ms = every_ms;
    sim_queue_push(&s->queue,
                   &(struct sim_event){.at_ms = s->now_ms + every_ms, .kind = SIM_TICKET});
}
