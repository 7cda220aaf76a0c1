/*
 * The parent of reprised: makes what all share, starts keeper and workers, watches them, starts
 * them again, reloads, and ends them. It has no network connection and reads nothing that a peer
 * sent. Who may ask what of whom is in docs/PRIVSEP.md.
 */
#ifndef PARENT_H
#define PARENT_H

#include <reprise/status.h>

#include "config.h"
#include "inherited.h"

/* How we were started, for whoever is executed after us. */
struct parent_start {
    const char *program; /* its path */
    char *const *argv;
    struct inherited *inherited; /* what is of use is taken out of it */
};

/*
 * Returns after SIGTERM or SIGINT, all children waited for; or on failure to start. config is taken
 * over, also on failure; the file that it was read from is read again on SIGHUP.
 */
enum rp_status parent_run(struct config *config, const struct parent_start *start,
                          struct rp_error *err) RP_MUST_USE;

#endif
