/*
 * The members that a host has read of in the store and not seen silent for too long. Where the
 * store has more than are listed at once, the view is the sample that was listed last.
 *
 * Memory grows with what is seen, up to 256 members, and as many that fell silent: so an old
 * PRESENCE that is shown again brings nobody back.
 */
#ifndef FLEET_VIEW_H
#define FLEET_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fleet.h"
#include "fleet_random.h"

struct view_member {
    struct fleet_member about;
    unsigned secret;   /* which one opened what it says */
    uint32_t listing;  /* in which it was there last */
    int64_t asked_ms;  /* INT64_MIN: never */
    bool has_grown;    /* it has said more since it was seen first, so it lives */
    bool is_mismatch;  /* configured for other epochs: no ring fits both */
    bool was_mismatch; /* said so */
};

/* One that fell silent, and the last that was heard of it. */
struct view_gone {
    struct mailbox_id id;
    uint64_t seq;
};

struct view {
    int64_t rotate_ms;
    int64_t accept_ms;
    struct view_member *members;
    size_t n;
    size_t room;
    struct view_gone *gone;
    size_t n_gone;
    size_t next_gone;
    uint32_t listing;
    bool is_sample;
};

void view_init(struct view *v, int64_t rotate_ms, int64_t accept_ms);
void view_fini(struct view *v);

/* What a member says of itself, authentic; NULL: nothing new, or no memory. Borrowed until the next
 * call that changes the view. */
struct view_member *view_hear(struct view *v, const struct mailbox_id *from,
                              const struct mailbox_presence *presence, unsigned secret,
                              int64_t now_ms);

/* A listing has ended: who was silent for longer goes, and of a sample who is not in it. */
void view_listed(struct view *v, int64_t now_ms, int64_t silence_ms, bool is_sample);

/* Members that are in the listing under way. */
size_t view_n_listed(const struct view *v);

struct view_member *view_find(const struct view *v, const struct mailbox_id *id);

/* Whether it says that it holds a ring, or seals by it. */
bool view_member_holds(const struct view_member *m, const uint8_t *ring);
bool view_member_seals(const struct view_member *m, const uint8_t *ring);

/* Of members that can share a ring with this host: not those that join, nor mismatches. */
bool view_counts(const struct view_member *m);
size_t view_n(const struct view *v);
bool view_all_hold(const struct view *v, const uint8_t *ring);
bool view_any_seals(const struct view *v, const uint8_t *ring);
/* The best ring that one of them seals by; NULL: none. Borrowed likewise. */
const uint8_t *view_best(const struct view *v);

/* One of those that count and fit, at random; NULL: none. */
typedef bool view_fits_fn(const struct view_member *m, const void *cookie);
struct view_member *view_pick(const struct view *v, struct fleet_random *random, view_fits_fn *fits,
                              const void *cookie);

#endif
