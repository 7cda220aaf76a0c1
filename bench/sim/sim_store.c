#include "sim_store.h"

#include <string.h>

#include "memory.h"
#include "sim_queue.h"
#include "text.h"

#define FIRST_ROOM 16
#define SWEEP 4 /* entries that each call looks at whether they have expired */

static uint8_t *copy(const uint8_t *p, size_t n)
{
    uint8_t *const out = memory_new(n, 1);

    sim_require(out != NULL, "out of memory");
    memcpy(out, p, n);
    return out;
}

static void remove_at(struct sim_store *s, size_t i)
{
    sim_map_remove(&s->places, s->members[i].id.bytes);
    memory_free(s->members[i].value);
    memory_free(s->members[i].before);
    s->n--;
    if (i != s->n) {
        s->members[i] = s->members[s->n];
        sim_map_put(&s->places, s->members[i].id.bytes, (uint32_t)i);
    }
}

static void expire(struct sim_store *s, int64_t now_ms, size_t n)
{
    for (size_t i = 0; i < n && s->n != 0; i++) {
        s->cursor = s->cursor < s->n ? s->cursor : 0;
        if (s->members[s->cursor].until_ms <= now_ms && !s->forgets_never) {
            remove_at(s, s->cursor);
        } else {
            s->cursor++;
        }
    }
}

static struct sim_entry *place(struct sim_store *s, const struct mailbox_id *id)
{
    const uint32_t *const at = sim_map_find(&s->places, id->bytes);

    if (at != NULL) {
        return &s->members[*at];
    }
    if (s->n == s->room) {
        const size_t room = s->room == 0 ? FIRST_ROOM : s->room * 2;

        s->members = memory_resize(s->members, s->room, room, sizeof s->members[0]);
        sim_require(s->members != NULL, "out of memory");
        s->room = room;
    }
    s->members[s->n] = (struct sim_entry){.id = *id};
    sim_map_put(&s->places, id->bytes, (uint32_t)s->n);
    s->n++;
    return &s->members[s->n - 1];
}

void sim_store_put(struct sim_store *s, int64_t now_ms, const struct mailbox_id *id,
                   const uint8_t *value, size_t n, int64_t lifetime_ms)
{
    struct sim_entry *e;

    expire(s, now_ms, SWEEP);
    e = place(s, id);
    memory_free(e->before);
    e->before = e->value;
    e->before_len = e->len;
    e->value = copy(value, n);
    e->len = n;
    e->until_ms = now_ms + lifetime_ms;
}

void sim_store_erase(struct sim_store *s, const struct mailbox_id *id)
{
    const uint32_t *const at = sim_map_find(&s->places, id->bytes);

    if (at != NULL) {
        remove_at(s, *at);
    }
}

static void remove_claim(struct sim_store *s, size_t i)
{
    s->n_claims--;
    s->claims[i] = s->claims[s->n_claims];
}

void sim_store_unclaim(struct sim_store *s, const char *name)
{
    for (size_t i = s->n_claims; i-- != 0;) {
        if (strcmp(s->claims[i].name, name) == 0) {
            remove_claim(s, i);
        }
    }
}

bool sim_store_claim(struct sim_store *s, int64_t now_ms, const char *name, int64_t lifetime_ms)
{
    struct text t;
    size_t i = 0;

    while (i < s->n_claims) {
        if (s->claims[i].until_ms <= now_ms) {
            remove_claim(s, i);
        } else if (strcmp(s->claims[i].name, name) == 0) {
            return s->grants_all;
        } else {
            i++;
        }
    }
    if (s->n_claims == s->room_claims) {
        const size_t room = s->room_claims == 0 ? FIRST_ROOM : s->room_claims * 2;

        s->claims = memory_resize(s->claims, s->room_claims, room, sizeof s->claims[0]);
        sim_require(s->claims != NULL, "out of memory");
        s->room_claims = room;
    }
    t = text_of(s->claims[s->n_claims].name, SIM_CLAIM_MAX);
    text_add(&t, name);
    s->claims[s->n_claims].until_ms = now_ms + lifetime_ms;
    s->n_claims++;
    return true;
}

static void tell(const struct sim_store *s, size_t i, struct fleet_random *random,
                 sim_listed_fn *listed, void *cookie)
{
    const struct sim_entry *const e = &s->members[i];

    if (e->before != NULL && s->stale != 0 && fleet_random_below(random, 100) < s->stale) {
        listed(cookie, &e->id, e->before, e->before_len);
    } else {
        listed(cookie, &e->id, e->value, e->len);
    }
}

/* The first steps of a shuffle. */
static void sample(struct sim_store *s, size_t most, struct fleet_random *random,
                   sim_listed_fn *listed, void *cookie)
{
    for (size_t i = 0; i < most; i++) {
        const size_t from = i + (size_t)fleet_random_below(random, s->n - i);
        const struct sim_entry e = s->members[i];

        s->members[i] = s->members[from];
        s->members[from] = e;
        sim_map_put(&s->places, s->members[i].id.bytes, (uint32_t)i);
        sim_map_put(&s->places, s->members[from].id.bytes, (uint32_t)from);
        tell(s, i, random, listed, cookie);
    }
}

size_t sim_store_list(struct sim_store *s, int64_t now_ms, size_t most, struct fleet_random *random,
                      sim_listed_fn *listed, void *cookie)
{
    expire(s, now_ms, s->n <= most ? 2 * s->n : SWEEP);
    if (s->n > most) {
        sample(s, most, random, listed, cookie);
    } else {
        for (size_t i = 0; i < s->n; i++) {
            tell(s, i, random, listed, cookie);
        }
    }
    return s->n;
}

void sim_store_empty(struct sim_store *s)
{
    while (s->n != 0) {
        remove_at(s, s->n - 1);
    }
    s->n_claims = 0;
}

void sim_store_fini(struct sim_store *s)
{
    sim_store_empty(s);
    memory_free(s->members);
    memory_free(s->claims);
    sim_map_fini(&s->places);
    *s = (struct sim_store){0};
}
