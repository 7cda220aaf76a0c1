/*
 * Time, as the program hands it to the library.
 *
 * libreprise never reads a clock by itself. Epochs and lifetimes run on the boot-time clock, which
 * no NTP answer moves; the wall clock serves only to tell libssl a session's age in its own terms.
 */
#ifndef REPRISE_CLOCK_H
#define REPRISE_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "api.h"

RP_BEGIN

struct rp_clock {
    /* Milliseconds since boot, suspended time included; equal in all processes of a host. */
    int64_t (*boot_ms)(void *cookie);
    /* Seconds since 1970, as time(NULL) gives them. */
    int64_t (*wall_s)(void *cookie);
    void *cookie;
};

/* Strict ISO C (-std=c17) hides the system's clocks: define _GNU_SOURCE, or bring your own. */
#ifdef CLOCK_BOOTTIME

static inline int64_t rp_clock_boot_ms(void *cookie)
{
    struct timespec now = {0, 0};

    (void)cookie;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int64_t rp_clock_wall_s(void *cookie)
{
    (void)cookie;
    return (int64_t)time(NULL);
}

/* The system's clocks. Inline, so that they are read by the program and not by the library. */
static inline struct rp_clock rp_clock_system(void)
{
    const struct rp_clock clock = {rp_clock_boot_ms, rp_clock_wall_s, NULL};

    return clock;
}

#endif

RP_END

#endif
