/* The keeper: owns chain and window, advances the epochs, adds the domains. No network. */
#ifndef KEEPER_H
#define KEEPER_H

#include <reprise/keyring.h>

#include "config.h"
#include "fleet_secret.h"
#include "log.h"
#include "metrics.h"

struct keeper_start {
    const struct config *config;
    struct rp_keyring *keyring;
    const struct fleet_secrets *secrets; /* NULL, or n 0: no fleet */
    int channel_fd;                      /* to the parent; taken over */
    struct log log;
    struct metrics *metrics; /* NULL: nobody is told of the keys */
};

/*
 * In the forked child. keeper_begin maps the chain, while still privileged (locked memory);
 * keeper_run follows after the privileges were dropped and returns the exit status.
 */
enum rp_status keeper_begin(const struct keeper_start *start, struct rp_error *err) RP_MUST_USE;
int keeper_run(const struct keeper_start *start);

#endif
