/* Random numbers for ids, nonces and choices: libcrypto's, or in a simulation those of a seed. */
#ifndef FLEET_RANDOM_H
#define FLEET_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

struct fleet_random {
    bool is_simulated;
    uint64_t state;
};

enum rp_status fleet_random_bytes(struct fleet_random *r, uint8_t *out, size_t n) RP_MUST_USE;

/* 0 to n - 1, n at least 1: for choices, which may be a hair uneven. 0 if libcrypto fails. */
uint64_t fleet_random_below(struct fleet_random *r, uint64_t n);

/* ms, at least 0, more or less up to a tenth. */
int64_t fleet_random_around(struct fleet_random *r, int64_t ms);

#endif
