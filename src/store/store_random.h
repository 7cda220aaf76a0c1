/* Numbers that spread and sample, and guard nothing. */
#ifndef STORE_RANDOM_H
#define STORE_RANDOM_H

#include <stdint.h>

/* The next one; *state is any number at the beginning. */
uint64_t store_random(uint64_t *state);

#endif
