/* From 16 bytes to a number. */
#ifndef SIM_MAP_H
#define SIM_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_KEY_LEN 16

struct sim_map_place {
    uint8_t key[SIM_KEY_LEN];
    uint32_t value;
    uint8_t state; /* 0 empty, 1 in use, 2 was in use */
};

struct sim_map {
    struct sim_map_place *places;
    size_t room; /* a power of two */
    size_t n;    /* in use */
    size_t full; /* in use or once */
};

/* NULL: not there. Borrowed until the next call that puts one. */
uint32_t *sim_map_find(const struct sim_map *m, const uint8_t key[static SIM_KEY_LEN]);
void sim_map_put(struct sim_map *m, const uint8_t key[static SIM_KEY_LEN], uint32_t value);
void sim_map_remove(struct sim_map *m, const uint8_t key[static SIM_KEY_LEN]);
void sim_map_fini(struct sim_map *m);

#endif
