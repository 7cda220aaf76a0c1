#include "fleet_random.h"

#include <limits.h>
#include <string.h>

#include <openssl/rand.h>

/* splitmix64 of Sebastiano Vigna, public domain. */
static uint64_t next(struct fleet_random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

enum rp_status fleet_random_bytes(struct fleet_random *r, uint8_t *out, size_t n)
{
    if (!r->is_simulated) {
        return n <= INT_MAX && RAND_bytes(out, (int)n) == 1 ? RP_OK : RP_CRYPTO;
    }
    while (n != 0) {
        const uint64_t word = next(r);
        const size_t len = n < sizeof word ? n : sizeof word;

        memcpy(out, &word, len);
        out += len;
        n -= len;
    }
    return RP_OK;
}

uint64_t fleet_random_below(struct fleet_random *r, uint64_t n)
{
    uint64_t word = 0;

    if (fleet_random_bytes(r, (uint8_t *)&word, sizeof word) != RP_OK) {
        return 0;
    }
    return word % n;
}

int64_t fleet_random_around(struct fleet_random *r, int64_t ms)
{
    const int64_t tenth = ms / 10;

    return ms - tenth + (int64_t)fleet_random_below(r, (uint64_t)tenth * 2 + 1);
}
