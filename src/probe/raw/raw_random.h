/* Randomness that can be had twice: all of it follows from a seed. */
#ifndef RAW_RANDOM_H
#define RAW_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#define RAW_RANDOM_SEED_LEN 32

struct raw_random {
    uint8_t seed[RAW_RANDOM_SEED_LEN];
    uint64_t counter;
};

/* seed: 32 bytes, or NULL for one of the system. */
enum rp_status raw_random_init(struct raw_random *r, const uint8_t *seed) RP_MUST_USE;
void raw_random_fini(struct raw_random *r);

enum rp_status raw_random_bytes(struct raw_random *r, uint8_t *out, size_t n) RP_MUST_USE;

#endif
