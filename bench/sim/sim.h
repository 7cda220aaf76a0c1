/*
 * A fleet in simulated time: the real rings and membership code of any number of hosts, which meet
 * in a simulated store. Clocks run apart, letters take their time and get lost, hosts come, go,
 * sleep and are cut off, all from one seed.
 *
 * What must always hold is checked as it goes, and ends the program:
 * - no epoch of a ring goes back on a host;
 * - every ring that a host has was begun by a host of the simulation;
 * - no host switches to a ring that a member in its view does not hold;
 * - no host loses a root that still opens for want of room, nor a ring but its own one from before
 *   it joined, or one of many of hosts that were alone.
 *
 * Times are milliseconds of the simulation, from 0 on, unless said otherwise.
 */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fleet.h"
#include "sim_map.h"
#include "sim_queue.h"
#include "sim_store.h"

struct sim_options {
    uint32_t n_hosts; /* at most; none is started */
    uint64_t seed;
    int64_t rotate_ms;
    int64_t accept_ms;
    int64_t reseed_ms;
    int64_t budget_ms;  /* 0: as usual */
    int64_t latency_ms; /* to the store, about */
    unsigned loss;      /* letters of a hundred that get lost */
    int drift_ppm;      /* clocks are wrong by at most so much, either way */
    bool is_traced;     /* says on stderr what hosts do */
};

/* What a host is told, where it differs; zeroes: as the others. */
struct sim_start {
    const uint8_t *secrets[2];
    int64_t rotate_ms;
    int64_t accept_ms;
    bool only_own_rings;
};

struct sim;

struct sim_host {
    struct sim *sim;
    struct fleet *fleet; /* NULL: it does not run */
    struct rings *rings;
    struct mailbox_id id;
    int64_t offset_ms;
    int64_t boot_ms; /* of its clock, at since_ms */
    int64_t since_ms;
    int64_t tick_ms;   /* that is waited for; INT64_MAX: none */
    int64_t awake_ms;  /* it sleeps until then */
    int64_t cut_ms;    /* since when it has no store; INT64_MAX: it has */
    int64_t joined_ms; /* what it took; -1: it did not */
    int64_t started_ms;
    int drift_ppm;
    uint32_t life;
    bool is_cut;
    bool only_own_rings;
    uint8_t side;
    bool is_dirty; /* its rings have changed */
    bool has_switched;
    bool is_counted; /* among the members that agree or do not */
    uint8_t sealing[RATCHET_ID_LEN];
};

struct sim_stats {
    uint64_t n_sealed; /* tickets, presented later at another host */
    uint64_t n_presented;
    uint64_t n_resumed;
    uint64_t n_puts;
    uint64_t n_lists;
    uint64_t n_claims;
    uint64_t n_letters;
    uint64_t n_bytes; /* put and listed */
    uint64_t events[FLEET_N_EVENTS];
    int64_t split_ms;      /* how long there were two rings that seal, all in all */
    int64_t split_most_ms; /* at a stretch */
};

/* Sees what is put, before the store does; true: it is swallowed. */
typedef bool sim_spy_fn(void *cookie, const char *box, const uint8_t *value, size_t n);

struct sim {
    struct sim_options options;
    int64_t ticket_ms;
    int64_t now_ms;
    struct sim_queue queue;
    struct sim_host *hosts;
    struct sim_map ids;         /* of hosts */
    struct sim_map known;       /* rings that were begun */
    struct sim_map seals;       /* by which ring how many members seal */
    struct sim_store stores[2]; /* the second one is for those on the other side of a split */
    bool is_down;
    unsigned max_roots;
    struct rings *draft;
    struct fleet_random random;
    int64_t split_since_ms; /* INT64_MAX: all agree */
    struct sim_stats stats;
    sim_spy_fn *spy;
    void *spy_cookie;
};

void sim_init(struct sim *s, const struct sim_options *options);
void sim_fini(struct sim *s);

void sim_run(struct sim *s, int64_t for_ms);

/* From now on one ticket is sealed every so often, and presented later somewhere else. */
void sim_try_tickets(struct sim *s, int64_t every_ms);

/* start: NULL: as all. */
void sim_start(struct sim *s, uint32_t host, const struct sim_start *start);
void sim_stop(struct sim *s, uint32_t host); /* it takes leave */
void sim_kill(struct sim *s, uint32_t host); /* with all that it knew */
/* Its keeper dies and is replaced on the same rings. */
void sim_replace(struct sim *s, uint32_t host);
/* It does nothing for so long, and where its clock stands still it does not know. */
void sim_sleep(struct sim *s, uint32_t host, int64_t for_ms, bool clock_stops);
void sim_cut(struct sim *s, uint32_t host, bool is_cut);
void sim_store_down(struct sim *s, bool is_down);
/* To which of two stores, that know nothing of each other, it goes from now on. */
void sim_take_side(struct sim *s, uint32_t host, uint8_t side);

int64_t sim_boot_ms(const struct sim_host *h, int64_t now_ms);
bool sim_is_awake(const struct sim *s, uint32_t host);

/* Rings by which members with a store seal. */
size_t sim_n_rings(const struct sim *s);

/* Whether one opens now what the other seals now. */
bool sim_opens(struct sim *s, uint32_t by, uint32_t sealed_at);

#endif
