#include "sim_map.h"

#include <string.h>

#include "memory.h"
#include "sim_queue.h"

#define FIRST_ROOM 64

enum {
    EMPTY,
    USED,
    GONE,
};

/* Keys are random in their last bytes. */
static size_t start(const struct sim_map *m, const uint8_t *key)
{
    uint64_t word;

    memcpy(&word, key + SIM_KEY_LEN - sizeof word, sizeof word);
    return (size_t)word & (m->room - 1);
}

static struct sim_map_place *find(const struct sim_map *m, const uint8_t *key)
{
    if (m->room == 0) {
        return NULL;
    }
    for (size_t i = start(m, key); m->places[i].state != EMPTY; i = (i + 1) & (m->room - 1)) {
        if (m->places[i].state == USED && memcmp(m->places[i].key, key, SIM_KEY_LEN) == 0) {
            return &m->places[i];
        }
    }
    return NULL;
}

uint32_t *sim_map_find(const struct sim_map *m, const uint8_t key[static SIM_KEY_LEN])
{
    struct sim_map_place *const p = find(m, key);

    return p != NULL ? &p->value : NULL;
}

static void insert(struct sim_map *m, const uint8_t *key, uint32_t value)
{
    size_t i = start(m, key);

    while (m->places[i].state != EMPTY) {
        i = (i + 1) & (m->room - 1);
    }
    memcpy(m->places[i].key, key, SIM_KEY_LEN);
    m->places[i].value = value;
    m->places[i].state = USED;
    m->n++;
    m->full++;
}

static void grow(struct sim_map *m)
{
    const struct sim_map old = *m;

    m->room = old.n * 4 < FIRST_ROOM ? FIRST_ROOM : old.room;
    while (m->room < old.n * 4) {
        m->room *= 2;
    }
    m->places = memory_new(m->room, sizeof m->places[0]);
    sim_require(m->places != NULL, "out of memory");
    m->n = 0;
    m->full = 0;
    for (size_t i = 0; i < old.room; i++) {
        if (old.places[i].state == USED) {
            insert(m, old.places[i].key, old.places[i].value);
        }
    }
    memory_free(old.places);
}

void sim_map_put(struct sim_map *m, const uint8_t key[static SIM_KEY_LEN], uint32_t value)
{
    struct sim_map_place *const p = find(m, key);

    if (p != NULL) {
        p->value = value;
        return;
    }
    if ((m->full + 1) * 2 > m->room) {
        grow(m);
    }
    insert(m, key, value);
}

void sim_map_remove(struct sim_map *m, const uint8_t key[static SIM_KEY_LEN])
{
    struct sim_map_place *const p = find(m, key);

    if (p != NULL) {
        p->state = GONE;
        m->n--;
    }
}

void sim_map_fini(struct sim_map *m)
{
    memory_free(m->places);
    *m = (struct sim_map){0};
}
