/* What a fleet knows, for the files that make it up; and what all of them need. */
#ifndef FLEET_STATE_H
#define FLEET_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fleet.h"
#include "fleet_clock.h"
#include "fleet_limit.h"
#include "fleet_random.h"
#include "fleet_view.h"
#include "noise.h"

#define FLEET_QUESTIONS_MAX 8
#define FLEET_DROPPED_MAX 16
#define FLEET_NEVER INT64_MAX
#define FLEET_SILENCE 4          /* paces, after which a host is taken for gone */
#define FLEET_CLAIM_WAIT_MS 5000 /* that the store has to answer a claim */

/* One that waits for its answer. Secret. */
struct question {
    enum mailbox_type type; /* PULL, TIME; 0: none */
    struct mailbox_header header;
    int64_t asked_ms;
    unsigned secret;
    struct noise noise; /* of a PULL */
};

/* Beside a ring: what its state does not say. */
struct ring_use {
    uint8_t id[RATCHET_ID_LEN];
    int64_t used_ms; /* when somebody was last seen to seal by it, or it came */
    int64_t late_ms; /* by how much its time may be behind */
};

/* Until the host is a member. */
struct join {
    bool has_heard;
    int64_t claimed_until_ms;     /* nobody else founds while this host looks again */
    int64_t patient_until_ms;     /* it does not found before */
    uint8_t best[RATCHET_ID_LEN]; /* of the rings that those who answered seal by */
    struct mailbox_id giver;
    int64_t asked_ms; /* first; FLEET_NEVER: nobody yet */
    int64_t known_ms; /* since when all that were there are in the view; FLEET_NEVER: not yet */
    size_t n_known;
    int64_t round_ms; /* when others are asked, if nobody answers */
    int64_t decide_ms;
    int64_t patience_ms; /* between rounds, and between listings where nobody is there */
};

enum fleet_claim {
    CLAIM_NONE,
    CLAIM_FOUND,
    CLAIM_SEED,
};

struct fleet {
    struct fleet_post post;
    struct fleet_keys keys;
    void (*note)(void *cookie, const struct fleet_note *note);
    void *note_cookie;

    struct seal seals[2];
    unsigned n_seals;
    int64_t budget_ms;
    struct fleet_random random;
    struct fleet_member self;
    struct mailbox_id old_invite;
    int64_t invite_until_ms;

    bool is_up; /* the store */
    bool is_member;
    bool is_settled;
    bool was_settled_alone; /* what it sealed before it was a member may be shown to others */
    bool is_changed;        /* what it says of itself, and has not said */
    bool is_view_known;     /* listed in full, or the sample of it, as a member */
    int64_t now_ms;         /* as told last */
    int64_t begun_ms;
    int64_t list_due_ms;
    int64_t listing_until_ms; /* 0: no listing is under way */
    size_t listing_most;
    int64_t beat_due_ms; /* without a store nothing else is due */
    int64_t listed_ms;
    unsigned n_listings; /* as a member, up to 2 */
    int64_t presence_due_ms;
    int64_t presence_ms;
    int64_t time_due_ms;
    int64_t pull_due_ms;
    int64_t seed_jitter_ms; /* of the ring that is sealed by */
    uint8_t seed_jitter_of[RATCHET_ID_LEN];
    enum fleet_claim claim;
    int64_t claim_until_ms;
    int64_t claim_retry_ms;
    uint8_t claim_ring[RATCHET_ID_LEN];

    struct join join;
    struct view view;
    size_t total;    /* as the store says */
    size_t size;     /* as it is believed */
    size_t n_listed; /* entries of the listing under way */
    struct fleet_clock clock;
    struct question questions[FLEET_QUESTIONS_MAX];
    struct limit pulls;
    struct limit times;
    struct limit_answered answered;
    struct ring_use uses[RINGS_MAX];
    uint8_t dropped[FLEET_DROPPED_MAX][RATCHET_ID_LEN];
    unsigned next_dropped;

    bool only_own_rings;
    unsigned n_single_listings; /* since a member was seen that understands two secrets */

    uint64_t counts[FLEET_N_EVENTS];
    int64_t quiet_until_ms[FLEET_N_EVENTS];
};

/* Counts, and tells the owner; of what others can bring about, once a minute. */
void fleet_note_event(struct fleet *f, int64_t now_ms, const struct fleet_note *note);

#endif
