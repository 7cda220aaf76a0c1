/*
 * The rings that a host holds: by one of them it seals, by all it opens (docs/formats/keyring.md,
 * docs/formats/mailbox.md). Plain state, no clock, no memory but the caller's; the chain segment
 * keeps one, a simulation as many as it likes. Secret.
 *
 * Times are this host's fleet time in milliseconds. A change that fails leaves the state spoilt:
 * work on a copy.
 */
#ifndef RINGS_H
#define RINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "derive.h"
#include "ratchet.h"

#define RINGS_HELD_MAX 4        /* with a chain */
#define RINGS_MAX 16            /* those, and others of which only roots are left */
#define RINGS_LEAD_MAX 8        /* epochs ahead that open */
#define RINGS_GAP_MAX (1 << 24) /* more missed epochs are not stepped through */

struct ring {
    uint8_t id[RATCHET_ID_LEN];
    int64_t genesis_ms;
    uint64_t epoch; /* that it is in; never goes back */
    int64_t
        sealed_until_ms; /* when it was last sealed by here; INT64_MAX: it is; INT64_MIN: never */
    bool held;
    uint8_t unused[7];
    uint8_t chain[RATCHET_LEN]; /* of epoch + 1; zero unless held */
};

struct ring_root {
    uint64_t epoch;
    int64_t opens_until_ms;
    uint32_t ring; /* its place */
    uint32_t unused;
    uint8_t root[DERIVE_ROOT_LEN];
};

/*
 * Roots stand by ring, in the order of the rings, newest first within each. There is to be room for
 * all roots of one ring, ceil(accept / rotate) + 1 + RINGS_LEAD_MAX; where there is none for those
 * of all, the ones go first that open for the shortest time and are not of the ring that seals.
 */
struct rings {
    int64_t rotate_ms;
    int64_t accept_ms;
    uint32_t n;
    uint32_t sealing; /* place of the ring that seals */
    uint32_t lead;    /* epochs ahead that open, 1 to RINGS_LEAD_MAX */
    uint32_t n_roots;
    uint32_t max_roots;
    uint32_t unused;
    struct ring ring[RINGS_MAX];
    struct ring_root roots[]; /* max_roots */
};

size_t rings_size(unsigned max_roots);

/* A ring as another host gave it. */
struct rings_import {
    const uint8_t *id;
    int64_t genesis_ms; /* by this host's fleet time */
    uint64_t epoch;
    const uint8_t *chain; /* of epoch + 1; NULL: roots only */
    uint64_t first;       /* epoch of the first root */
    const uint8_t *roots; /* n_roots times DERIVE_ROOT_LEN, oldest first */
    size_t n_roots;
};

/* Ranks of ring ids, in their first four bytes (mailbox.md, "Which ring wins"). */
#define RINGS_RANK_ALONE 0xffffffffu
#define RINGS_RANK_FOUNDED 0xfffffffeu
uint32_t rings_rank(const uint8_t id[static RATCHET_ID_LEN]);

/* What says under which secret a ring began, in the four bytes that follow the rank. */
#define RINGS_MARK_LEN 4
const uint8_t *rings_mark(const uint8_t id[static RATCHET_ID_LEN]);

/* Negative: a wins. */
int rings_compare(const uint8_t a[static RATCHET_ID_LEN], const uint8_t b[static RATCHET_ID_LEN]);

/* Empties it, but for max_roots, and begins a ring in it by which it seals. */
enum rp_status rings_begin(struct rings *r, uint32_t rank, int64_t genesis_ms, int64_t rotate_ms,
                           int64_t accept_ms) RP_MUST_USE;

/* One more, that is held and not sealed by; genesis_ms may be in the future. *place: which. RP_FULL
 * as in rings_take_up. */
enum rp_status rings_seed(struct rings *r, uint32_t rank, int64_t genesis_ms,
                          unsigned *place) RP_MUST_USE;
/* The same with a mark that is not random. */
enum rp_status rings_seed_marked(struct rings *r, uint32_t rank,
                                 const uint8_t mark[static RINGS_MARK_LEN], int64_t genesis_ms,
                                 unsigned *place) RP_MUST_USE;

/*
 * Takes a ring up, to open by it, and steps it to its epoch at fleet_ms; where its id is there,
 * only what is new: a chain for one that had none, and with it the genesis; roots. Roots that are
 * expired at fleet_ms are left out, and a ring of which nothing would be had. RP_INVALID: what it
 * says is not possible (roots beyond the epoch after its own, an epoch or a genesis more than
 * RINGS_GAP_MAX epochs away). RP_FULL: RINGS_MAX are there, or RINGS_HELD_MAX held; make room by
 * rings_forget or rings_drop.
 */
enum rp_status rings_take_up(struct rings *r, const struct rings_import *in,
                             int64_t fleet_ms) RP_MUST_USE;

/* From fleet_ms on it seals by that one, which is held. */
void rings_seal_by(struct rings *r, unsigned place, int64_t fleet_ms);

/* It is held no longer: its chain is wiped; its roots stay until they expire. Not what seals. */
void rings_drop(struct rings *r, unsigned place);

/* The same with its roots, at once. Places after it move down. */
void rings_forget(struct rings *r, unsigned place);

/* -1: not there. */
int rings_find(const struct rings *r, const uint8_t id[static RATCHET_ID_LEN]);

/* Milliseconds since genesis, negative before it; saturates. */
int64_t rings_time(const struct rings *r, unsigned place, int64_t fleet_ms);

/* Fleet time at which rings_advance has something to do. */
int64_t rings_next_ms(const struct rings *r);

/* All keys of the ring that seals have expired long since: begin anew. */
bool rings_lost(const struct rings *r, int64_t fleet_ms);

/* Steps every held ring to its epoch at fleet_ms, never back, and derives what lead asks for; drops
 * roots that no longer open, and rings of which nothing is left. Places may move as by
 * rings_forget. Only where it is not lost. */
enum rp_status rings_advance(struct rings *r, int64_t fleet_ms) RP_MUST_USE;

#endif
