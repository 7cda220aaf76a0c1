/*
 * In a simulation RAND_bytes and RAND_priv_bytes of libcrypto are those of a seed, as far as our
 * own code calls them: so ids of rings, on which the course of everything depends, follow from it.
 */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stdint.h>

void sim_random_begin(uint64_t seed);

#endif
