/*
 * The old parent, whom we were executed by to take everything over (docs/formats/handover.md). The
 * new parent's side. If the old one dies, that is as good as its consent.
 */
#ifndef PREDECESSOR_H
#define PREDECESSOR_H

#include <stdbool.h>

#include <reprise/status.h>

#include "channel.h"

struct parent;

struct predecessor {
    struct channel *channel; /* NULL: there is none, or no longer */
    bool waits;              /* for the end of the old keeper */
    bool told;               /* that all is ready */
};

/*
 * fd: its end of the socket pair, taken over; -1: there is nobody. same_ring: its keyring is ours.
 * Starts the keeper, at once or when the old one has ended.
 */
enum rp_status predecessor_begin(struct parent *parent, int fd, bool same_ring,
                                 struct rp_error *err) RP_MUST_USE;

/* All of ours are ready: tells it, and, when it goes, the service manager. */
void predecessor_ready(struct parent *parent);

void predecessor_fini(struct parent *parent);

#endif
