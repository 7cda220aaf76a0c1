#include "sim_random.h"

#include <openssl/rand.h>

#include "fleet_random.h"

/* What takes the place of a function without context has nowhere else to keep it. */
static struct fleet_random generator;

void sim_random_begin(uint64_t seed)
{
    generator = (struct fleet_random){true, ~seed};
}

int RAND_bytes(unsigned char *buf, int num)
{
    return fleet_random_bytes(&generator, buf, (size_t)num) == RP_OK ? 1 : 0;
}

int RAND_priv_bytes(unsigned char *buf, int num)
{
    return RAND_bytes(buf, num);
}
