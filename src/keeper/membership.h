/*
 * The keeper as a member of its fleet: joins the state machine (fleet.h) with the keyring's rings,
 * the clock, and the mail to the courier.
 */
#ifndef MEMBERSHIP_H
#define MEMBERSHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/keyring.h>
#include <reprise/status.h>

#include "channel.h"
#include "config.h"
#include "fleet_secret.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"

struct membership;

struct membership_start {
    const struct config *config; /* with a store */
    const struct fleet_secrets *secrets;
    struct rp_keyring *keyring; /* that we keep */
    struct loop *loop;
    struct channel *channel; /* to the parent */
    const struct log *log;
    struct metrics *metrics; /* NULL: nobody is told */
    /* The rings or the fleet time may be others: advance. */
    void (*changed)(void *cookie);
    /* Once: the fleet was found, or looked for long enough. */
    void (*settled)(void *cookie);
    /* It has taken leave. */
    void (*gone)(void *cookie);
    void *cookie;
};

/* start is copied; what it points to outlives the membership. */
enum rp_status membership_new(const struct membership_start *start,
                              struct membership **out) RP_MUST_USE;
void membership_free(struct membership **membership);

/* Mail of the courier. What is malformed is dropped. */
void membership_take(struct membership *membership, enum channel_type type, const uint8_t *body,
                     size_t n);

/* It takes leave of its fleet, and does nothing more; gone may come at once, or never, where the
 * store does not answer. */
void membership_leave(struct membership *membership);

#endif
