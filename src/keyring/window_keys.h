/*
 * All keys of a domain at once, for who hands them on to another server. Any process that maps the
 * window; lock-free as the look-ups of window.h.
 */
#ifndef WINDOW_KEYS_H
#define WINDOW_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "key_file.h"
#include "window.h"

struct window_listed {
    struct stek stek; /* secret */
    uint64_t epoch;
    int64_t base_ms;        /* genesis of its ring, fleet time; what tells rings apart */
    int64_t opens_until_ms; /* fleet time */
    bool seals;
};

/* Of one generation of the window. Static keys are not listed: generation, and no key. */
struct window_keys {
    uint64_t generation;
    int64_t rotate_ms;
    int64_t accept_ms;
    size_t n;
    struct window_listed *keys; /* in the order of the window: first those of the ring that seals */
    size_t room;
};

/* Memory for all that a window of this keyring can hold. */
enum rp_status window_keys_new(const struct rp_keyring *keyring,
                               struct window_keys **out) RP_MUST_USE;
void window_keys_free(struct window_keys **keys); /* wipes */

/* False: the keeper published so often meanwhile that no whole slot was read; *out is empty. */
bool window_keys_list(const struct rp_keyring *keyring, unsigned domain, struct window_keys *out);

#endif
