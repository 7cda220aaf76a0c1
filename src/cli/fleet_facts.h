/* What /fleet.json says (docs/formats/fleet-json.md), read from whoever answered. */
#ifndef FLEET_FACTS_H
#define FLEET_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/status.h>

#define FLEET_FACTS_TEXT_SIZE 64
#define FLEET_FACTS_ID_SIZE 33
#define FLEET_FACTS_MEMBERS_MAX 1024
#define FLEET_FACTS_NONE (-1.0) /* of a time that is null */

struct fleet_facts_member {
    char id[FLEET_FACTS_ID_SIZE];
    char name[FLEET_FACTS_TEXT_SIZE];
    char address[FLEET_FACTS_TEXT_SIZE]; /* may be empty */
    char version[FLEET_FACTS_TEXT_SIZE];
    char ring[FLEET_FACTS_ID_SIZE]; /* empty: none yet */
    bool is_self;
    bool is_joining;
    bool in_step;
    bool was_replaced;
    bool has_reload_failed;
    bool has_two_secrets;
    bool speaks_second;
    bool is_measured; /* clock_ahead_s and clock_bound_s */
    int64_t epoch;    /* -1: none */
    double seen_age_s;
    double clock_ahead_s;
    double clock_bound_s;
    double uncertainty_s;
    double rotate_s;
    double accept_s;
};

struct fleet_facts {
    char fleet[FLEET_FACTS_TEXT_SIZE]; /* empty: in none, and nothing else is known */
    char ring[FLEET_FACTS_ID_SIZE];    /* empty: none yet */
    bool store_is_up;
    bool is_joined;
    int64_t epoch;
    double next_epoch_s;
    double pace_s;
    double foreign_age_s;
    unsigned n_secrets;
    char secrets[2][FLEET_FACTS_TEXT_SIZE]; /* marks */
    int64_t n_in_store;
    size_t n;
    struct fleet_facts_member *members; /* oneself first */
};

/* All text in it is printable, without space. RP_FORMAT: not what the format says. */
enum rp_status fleet_facts_read(const char *json, size_t n, struct fleet_facts *out,
                                struct rp_error *err) RP_MUST_USE;
void fleet_facts_fini(struct fleet_facts *facts);

#endif
