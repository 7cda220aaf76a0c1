/*
 * The parent of reprised: makes what all share, starts keeper and workers, watches them, starts
 * them again, and ends them. It has no network connection and reads nothing that a peer sent.
 * Who may ask what of whom is in docs/PRIVSEP.md.
 */
#ifndef PARENT_H
#define PARENT_H

#include <reprise/status.h>

#include "config.h"

/* Returns after SIGTERM or SIGINT, all children waited for; or on failure to start. */
enum rp_status parent_run(const struct config *config, struct rp_error *err) RP_MUST_USE;

#endif
