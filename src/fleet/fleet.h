/*
 * A host's membership in its fleet: joining, keeping in step, switching rings, re-seeding
 * (docs/formats/mailbox.md). A state machine without I/O, clock or threads: it is told what comes
 * from the store and what time it is, and says what is to go there. It works on the caller's
 * struct rings.
 *
 * Time is the boot-time clock of the host, in milliseconds. The wall clock is not known here.
 */
#ifndef FLEET_H
#define FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#include "mailbox.h"
#include "rings.h"
#include "seal.h"

#define FLEET_LIST_ALL 256   /* members that are listed in full */
#define FLEET_LIST_SAMPLE 32 /* of more */

/* What goes to the store. Nothing is waited for; answers come by the fleet_on_ functions. */
struct fleet_post {
    void (*watch)(void *cookie, const char *box);
    void (*put)(void *cookie, const char *box, const char *name, const uint8_t *value, size_t n,
                int64_t lifetime_ms);
    /* Answered by fleet_on_claimed. */
    void (*claim)(void *cookie, const char *box, const char *name, const uint8_t *value, size_t n,
                  int64_t lifetime_ms);
    /* Answered by fleet_on_listed. */
    void (*list)(void *cookie, const char *box, size_t most);
    void (*erase)(void *cookie, const char *box, const char *name);
    void *cookie;
};

/* Where rings change. draft: a copy to work on, or NULL (no memory); commit publishes it, abandon
 * drops it. state: what is published. fleet time = boot time + offset. */
struct fleet_keys {
    const struct rings *(*state)(void *cookie);
    struct rings *(*draft)(void *cookie);
    enum rp_status (*commit)(void *cookie);
    void (*abandon)(void *cookie);
    int64_t (*offset_ms)(void *cookie);
    void (*set_offset_ms)(void *cookie, int64_t offset_ms);
    void *cookie;
};

enum fleet_event {
    FLEET_JOINED,   /* a ring of the fleet is taken up and sealed by */
    FLEET_FOUNDED,  /* nobody was there: a new chain */
    FLEET_ALONE,    /* the store could not be reached in time: on its own until it can */
    FLEET_TOOK_UP,  /* another ring is held from now on */
    FLEET_SWITCHED, /* sealing by another ring */
    FLEET_DROPPED,  /* a ring is no longer held */
    FLEET_SEEDED,   /* this host began the next ring */
    FLEET_FOREIGN,  /* messages that this fleet's secret does not open: another secret? */
    FLEET_MISMATCH, /* a member is configured for another rotate or accept */
    FLEET_REFUSED,  /* a message that no sound member sends */
    FLEET_LATE,     /* the clock was behind and was set forward; ms */
    FLEET_N_EVENTS,
};

struct fleet_note {
    enum fleet_event event;
    const char *name;    /* of the member, NULL: not known; printable */
    const uint8_t *ring; /* 16 bytes, or NULL */
    int64_t ms;          /* FLEET_LATE; FLEET_JOINED: what it took */
};

struct fleet_options {
    const char *fleet;
    const uint8_t *secrets[2]; /* SEAL_SECRET_LEN bytes each; the first is spoken, both are
                                  understood; [1] may be NULL */
    const char *name;          /* of this host */
    const char *address;       /* for people; may be empty */
    const char *version;
    int64_t rotate_ms;
    int64_t accept_ms;
    int64_t reseed_ms; /* 0: never */
    int64_t budget_ms; /* of the join; 0: 1000 */
    bool is_member;    /* the rings are those of a former keeper: no need to join */
    /* As soon as it seals by a ring that only those with the first secret were given: all others go
     * at once, with what they would open. */
    bool only_own_rings;
    bool is_simulated; /* random numbers follow from seed, and keys are no secrets */
    uint64_t seed;
    struct fleet_post post;
    struct fleet_keys keys;
    void (*note)(void *cookie, const struct fleet_note *note);
    void *note_cookie;
};

struct fleet;

enum rp_status fleet_new(const struct fleet_options *options, int64_t now_ms,
                         struct fleet **out) RP_MUST_USE;
/* Wipes. Takes NULL, NULLs the pointer. */
void fleet_free(struct fleet **fleet);

/* Does what is due; the time when it wants to be called again. After it, and after every
 * fleet_on_ function, that time may be another: ask fleet_next_ms. */
void fleet_tick(struct fleet *fleet, int64_t now_ms);
int64_t fleet_next_ms(const struct fleet *fleet);

/* The store can be asked, or not any more. */
void fleet_on_store(struct fleet *fleet, int64_t now_ms, bool up);
/* The answer to post.list: each entry, then the end. ok false: there was none, or not all. */
void fleet_on_listing(struct fleet *fleet, int64_t now_ms, const char *name, const uint8_t *value,
                      size_t n);
void fleet_on_listed(struct fleet *fleet, int64_t now_ms, bool ok, size_t total);
/* Whether it is ours. ok false: the store did not say. */
void fleet_on_claimed(struct fleet *fleet, int64_t now_ms, bool ok, bool ours);
void fleet_on_letter(struct fleet *fleet, int64_t now_ms, const uint8_t *value, size_t n);

/* The presence goes; to be called before fleet_free by a host that stops for good. */
void fleet_leave(struct fleet *fleet);

/* What its presence says of its health, from the next one on: MAILBOX_HEALTH_ bits, without
 * MAILBOX_HEALTH_SECRETS, which the fleet knows by itself. */
void fleet_set_health(struct fleet *fleet, uint8_t health);

/* The join is over, well or not: connections may be accepted. */
bool fleet_is_settled(const struct fleet *fleet);

/* What the host knows of itself and the others. */
struct fleet_member {
    struct mailbox_id id;
    struct mailbox_presence presence; /* as last read */
    int64_t seen_ms;                  /* when its seq grew last */
    bool is_self;
};
/* The i-th in view, oneself first; NULL: no more. Borrowed until the next call. */
const struct fleet_member *fleet_member(const struct fleet *fleet, size_t i);
/* By how much its ring time is before this host's, give or take bound_ms, as its last answer
 * showed. False: it was not asked lately, as only few are. */
bool fleet_clock_of(const struct fleet *fleet, const struct mailbox_id *id, int64_t *ahead_ms,
                    int64_t *bound_ms);
/* Which of options.secrets it spoke by last: 0, or 1 where it has to be the second. */
unsigned fleet_secret_of(const struct fleet *fleet, const struct mailbox_id *id);
/* The mark of one of options.secrets (mailbox.md, "Rekeying"), 4 bytes, no secret; NULL: there is
 * none. */
const uint8_t *fleet_secret_mark(const struct fleet *fleet, unsigned i);
/* T of mailbox.md: how often members say that they are there, and list who is. */
int64_t fleet_pace_ms(const struct fleet *fleet);
/* How many entries the store says there are; members that are seen are fewer where it is large. */
size_t fleet_total(const struct fleet *fleet);
uint64_t fleet_count(const struct fleet *fleet, enum fleet_event event);

#endif
