/*
 * Looking keys up in the window: lock-free, from any thread and process, whatever the keeper does
 * or wherever it was killed. The layout of the segment and who writes what is in
 * docs/formats/keyring.md.
 *
 * A look-up copies the key out; the caller wipes the copy.
 */
#ifndef WINDOW_H
#define WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include <reprise/keyring.h>

#include "derive.h"

struct window_key {
    struct domain_keys keys; /* secret */
    uint64_t epoch;          /* for static keys, the file's place in the list */
    int64_t opens_until_ms;  /* fleet time; INT64_MAX: no end is known (static keys) */
    int64_t base_ms; /* fleet time from which its ring counts: its genesis; 0: static keys */
    bool seals;      /* it is the one that seals now */
};

enum window_hit {
    WINDOW_FOUND,
    WINDOW_EXPIRED,      /* found, but it no longer opens; nothing is copied */
    WINDOW_OTHER_DOMAIN, /* the name is another domain's */
    WINDOW_ABSENT,
};

/* Fleet time, in milliseconds. */
int64_t window_fleet_ms(const struct rp_keyring *keyring, int64_t boot_ms);

/*
 * A domain's place, for the functions below. False: there is no such domain. Places stay as they
 * are while the keyring lives.
 */
bool window_domain(const struct rp_keyring *keyring, const char *name, unsigned *place);

/*
 * How the ring in the window rotates; false: there is nothing in it, or static keys.
 */
bool window_rotation(const struct rp_keyring *keyring, int64_t *rotate_ms, int64_t *accept_ms);

/* The key that seals; false when there is none, or when it would no longer open at fleet_ms. */
bool window_sealing(const struct rp_keyring *keyring, unsigned domain, int64_t fleet_ms,
                    struct window_key *out);

/* By the name in front of a ticket. */
enum window_hit window_by_name(const struct rp_keyring *keyring, unsigned domain, int64_t fleet_ms,
                               const uint8_t name[static 16], struct window_key *out);

/* By the hint in front of a session ID; never WINDOW_OTHER_DOMAIN. */
enum window_hit window_by_hint(const struct rp_keyring *keyring, unsigned domain, int64_t fleet_ms,
                               const uint8_t hint[static 4], struct window_key *out);

void window_key_wipe(struct window_key *key);

#endif
