/*
 * The store that simulated hosts meet in: what it holds, and how well it keeps it. Letters do not
 * stay in it: they are passed on.
 */
#ifndef SIM_STORE_H
#define SIM_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fleet_random.h"
#include "mailbox.h"
#include "sim_map.h"

#define SIM_NAME_LEN (2 * MAILBOX_ID_LEN)
#define SIM_CLAIM_MAX 48

/* A PRESENCE, and the one before it. */
struct sim_entry {
    struct mailbox_id id;
    uint8_t *value;
    uint8_t *before;
    size_t len;
    size_t before_len;
    int64_t until_ms;
};

struct sim_claim {
    char name[SIM_CLAIM_MAX];
    int64_t until_ms;
};

struct sim_store {
    struct sim_entry *members;
    size_t n;
    size_t room;
    size_t cursor; /* of the search for what has expired */
    struct sim_map places;
    struct sim_claim *claims;
    size_t n_claims;
    size_t room_claims;
    bool grants_all;    /* every claim, to everybody */
    bool forgets_never; /* presence stays, whatever its lifetime */
    unsigned stale;     /* of a hundred entries that are read: so many are older ones */
};

void sim_store_put(struct sim_store *s, int64_t now_ms, const struct mailbox_id *id,
                   const uint8_t *value, size_t n, int64_t lifetime_ms);
void sim_store_erase(struct sim_store *s, const struct mailbox_id *id);
bool sim_store_claim(struct sim_store *s, int64_t now_ms, const char *name, int64_t lifetime_ms);
void sim_store_unclaim(struct sim_store *s, const char *name);

/* One that was picked is borrowed until the next call. */
typedef void sim_listed_fn(void *cookie, const struct mailbox_id *id, const uint8_t *value,
                           size_t n);
/* How many there are. */
size_t sim_store_list(struct sim_store *s, int64_t now_ms, size_t most, struct fleet_random *random,
                      sim_listed_fn *listed, void *cookie);

void sim_store_empty(struct sim_store *s);
void sim_store_fini(struct sim_store *s);

#endif
