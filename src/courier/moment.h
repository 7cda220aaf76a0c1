/* What is not in the shared counters but in their reader. */
#ifndef MOMENT_H
#define MOMENT_H

#include <stdint.h>

struct moment {
    int64_t boot_ms;
    int64_t wall_s;
    uint64_t courier_lost; /* log lines; the courier cannot write to the shared counters */
    const char *fleet;     /* its name; NULL: none */
};

/* Seconds since then; 0 if it is still to come. */
static inline double moment_age_s(const struct moment *now, int64_t since_ms)
{
    return now->boot_ms > since_ms ? (double)(now->boot_ms - since_ms) / 1000 : 0;
}

#endif
