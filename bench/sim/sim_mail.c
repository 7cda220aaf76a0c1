#include <string.h>

#include "hex.h"
#include "memory.h"
#include "sim_private.h"
#include "text.h"

#define TIMEOUT_MS 2000
#define MEMBERS "members"
#define IN "in-"

/* What an event carries between a host and the store. */
struct parcel {
    struct mailbox_id id;
    int64_t lifetime_ms;
    size_t most;
    size_t total;
    bool ok;
    bool ours;
    char name[SIM_CLAIM_MAX];
    size_t n; /* bytes that follow */
    uint8_t bytes[];
};

/* One entry of a listing, in the bytes of its parcel. */
struct listed {
    struct mailbox_id id;
    size_t n;
};

static struct parcel *parcel(size_t n)
{
    struct parcel *const p = memory_new(1, sizeof *p + n);

    sim_require(p != NULL, "out of memory");
    p->n = n;
    return p;
}

static int64_t way_ms(struct sim *s)
{
    const int64_t ms = s->options.latency_ms;

    return ms / 2 + (int64_t)fleet_random_below(&s->random, (uint64_t)ms + 1);
}

static void send(struct sim_host *h, enum sim_kind kind, int64_t in_ms, struct parcel *p)
{
    struct sim *const s = h->sim;

    sim_queue_push(&s->queue, &(struct sim_event){.at_ms = s->now_ms + in_ms,
                                                  .kind = (int)kind,
                                                  .host = (uint32_t)(h - s->hosts),
                                                  .life = h->life,
                                                  .data = p});
}

static const char *last_part(const char *box)
{
    const char *const slash = strrchr(box, '/');

    sim_require(slash != NULL, "a box without a fleet");
    return slash + 1;
}

static void post_watch(void *cookie, const char *box)
{
    const struct sim_host *const h = cookie;
    char own[sizeof IN + SIM_NAME_LEN];
    struct text t = text_of(own, sizeof own);

    text_add(&t, IN);
    text_add_hex(&t, fleet_member(h->fleet, 0)->id.bytes, MAILBOX_ID_LEN);
    sim_require(strcmp(last_part(box), own) == 0, "a host watches another's box");
}

static bool read_id(const char *hex, struct mailbox_id *out)
{
    size_t len;

    return hex_decode(hex, SIM_NAME_LEN, out->bytes, sizeof out->bytes, &len) &&
           len == sizeof out->bytes;
}

static void post_put(void *cookie, const char *box, const char *name, const uint8_t *value,
                     size_t n, int64_t lifetime_ms)
{
    struct sim_host *const h = cookie;
    struct sim *const s = h->sim;
    const char *const part = last_part(box);
    struct parcel *p;

    sim_require(n <= MAILBOX_MESSAGE_MAX && lifetime_ms > 0, "what no store takes");
    if (s->spy != NULL && s->spy(s->spy_cookie, box, value, n)) {
        return;
    }
    s->stats.n_puts++;
    s->stats.n_bytes += n;
    if (h->is_cut || s->is_down || fleet_random_below(&s->random, 100) < s->options.loss) {
        return;
    }
    p = parcel(n);
    memcpy(p->bytes, value, n);
    p->lifetime_ms = lifetime_ms;
    if (strcmp(part, MEMBERS) == 0) {
        sim_require(read_id(name, &p->id), "a presence without a name");
        send(h, SIM_PUT, way_ms(s), p);
    } else {
        const uint32_t *to;

        sim_require(strncmp(part, IN, 3) == 0 && read_id(part + 3, &p->id), "an unknown box");
        s->stats.n_letters++;
        to = sim_map_find(&s->ids, p->id.bytes);
        if (to == NULL || s->hosts[*to].side != h->side) {
            memory_free(p);
            return;
        }
        send(&s->hosts[*to], SIM_LETTER, way_ms(s) + way_ms(s), p);
    }
}

static void post_claim(void *cookie, const char *box, const char *name, const uint8_t *value,
                       size_t n, int64_t lifetime_ms)
{
    struct sim_host *const h = cookie;
    struct parcel *const p = parcel(0);
    struct text t = text_of(p->name, sizeof p->name);

    (void)box;
    (void)value;
    (void)n;
    text_add(&t, name);
    p->lifetime_ms = lifetime_ms;
    h->sim->stats.n_claims++;
    send(h, SIM_CLAIM, way_ms(h->sim), p);
}

static void post_list(void *cookie, const char *box, size_t most)
{
    struct sim_host *const h = cookie;
    struct parcel *const p = parcel(0);

    (void)box;
    p->most = most;
    h->sim->stats.n_lists++;
    send(h, SIM_LIST, way_ms(h->sim), p);
}

static void post_erase(void *cookie, const char *box, const char *name)
{
    struct sim_host *const h = cookie;
    struct mailbox_id id;

    if (h->is_cut || h->sim->is_down) {
        return;
    }
    if (strcmp(last_part(box), MEMBERS) != 0) {
        struct parcel *const p = parcel(0);
        struct text t = text_of(p->name, sizeof p->name);

        text_add(&t, name);
        /* What was put before has come by then, as by one connection. */
        send(h, SIM_UNCLAIM, 2 * h->sim->options.latency_ms, p);
    } else if (read_id(name, &id)) {
        sim_store_erase(&h->sim->stores[h->side], &id);
    }
}

struct fleet_post sim_post(struct sim_host *h)
{
    return (struct fleet_post){post_watch, post_put, post_claim, post_list, post_erase, h};
}

struct listing {
    struct parcel *parcel;
    size_t len;
    size_t room;
};

static void add_listed(void *cookie, const struct mailbox_id *id, const uint8_t *value, size_t n)
{
    struct listing *const l = cookie;
    const struct listed head = {*id, n};

    if (l->len + sizeof head + n > l->room) {
        const size_t room = (l->len + sizeof head + n) * 2;

        l->parcel =
            memory_resize(l->parcel, sizeof *l->parcel + l->room, sizeof *l->parcel + room, 1);
        sim_require(l->parcel != NULL, "out of memory");
        l->room = room;
    }
    memcpy(l->parcel->bytes + l->len, &head, sizeof head);
    memcpy(l->parcel->bytes + l->len + sizeof head, value, n);
    l->len += sizeof head + n;
}

static void at_list(struct sim *s, struct sim_host *h, const struct parcel *p)
{
    struct listing l = {.parcel = parcel(0)};

    if (h->is_cut || s->is_down) {
        send(h, SIM_LISTED, TIMEOUT_MS, l.parcel);
        return;
    }
    const size_t total =
        sim_store_list(&s->stores[h->side], s->now_ms, p->most, &s->random, add_listed, &l);

    l.parcel->n = l.len;
    l.parcel->total = total;
    l.parcel->ok = true;
    s->stats.n_bytes += l.len;
    send(h, SIM_LISTED, way_ms(s), l.parcel);
}

static void at_claim(struct sim *s, struct sim_host *h, const struct parcel *p)
{
    struct parcel *const answer = parcel(0);

    if (h->is_cut || s->is_down) {
        send(h, SIM_CLAIMED, TIMEOUT_MS, answer);
        return;
    }
    answer->ok = true;
    answer->ours = sim_store_claim(&s->stores[h->side], s->now_ms, p->name, p->lifetime_ms);
    send(h, SIM_CLAIMED, way_ms(s), answer);
}

static void tell_listed(struct sim_host *h, const struct parcel *p)
{
    const int64_t boot_ms = sim_boot_ms(h, h->sim->now_ms);
    size_t at = 0;

    while (at < p->n) {
        struct listed head;
        char name[SIM_NAME_LEN + 1];
        struct text t = text_of(name, sizeof name);

        memcpy(&head, p->bytes + at, sizeof head);
        text_add_hex(&t, head.id.bytes, sizeof head.id.bytes);
        fleet_on_listing(h->fleet, boot_ms, name, p->bytes + at + sizeof head, head.n);
        at += sizeof head + head.n;
    }
    fleet_on_listed(h->fleet, boot_ms, p->ok, p->total);
    sim_host_after(h);
}

void sim_mail_event(struct sim *s, const struct sim_event *e)
{
    struct sim_host *const h = &s->hosts[e->host];
    const struct parcel *const p = e->data;
    const int64_t boot_ms = sim_boot_ms(h, s->now_ms);

    if (e->kind != SIM_PUT && e->kind != SIM_UNCLAIM && h->life != e->life) {
        return;
    }
    if (e->kind == SIM_PUT) {
        if (!s->is_down) {
            sim_store_put(&s->stores[h->side], s->now_ms, &p->id, p->bytes, p->n, p->lifetime_ms);
        }
    } else if (e->kind == SIM_UNCLAIM) {
        sim_store_unclaim(&s->stores[h->side], p->name);
    } else if (e->kind == SIM_LIST) {
        at_list(s, h, p);
    } else if (e->kind == SIM_CLAIM) {
        at_claim(s, h, p);
    } else if (e->kind == SIM_LISTED) {
        tell_listed(h, p);
    } else if (e->kind == SIM_CLAIMED) {
        fleet_on_claimed(h->fleet, boot_ms, p->ok, p->ours);
        sim_host_after(h);
    } else if (!h->is_cut && !s->is_down) {
        fleet_on_letter(h->fleet, boot_ms, p->bytes, p->n);
        sim_host_after(h);
    }
}
