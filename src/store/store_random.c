#include "store_random.h"

/* xorshift64* of Sebastiano Vigna, public domain. */
uint64_t store_random(uint64_t *state)
{
    uint64_t x = *state != 0 ? *state : 1;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1d;
}
