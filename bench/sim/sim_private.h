/* Between the files of the simulation. */
#ifndef SIM_PRIVATE_H
#define SIM_PRIVATE_H

#include "sim.h"

enum sim_kind {
    SIM_TICK,
    SIM_PUT,
    SIM_LETTER,
    SIM_LIST,
    SIM_LISTED,
    SIM_CLAIM,
    SIM_CLAIMED,
    SIM_UNCLAIM,
    SIM_TICKET,
    SIM_PRESENT,
};

/* sim_host.c: a host's posts, keys and notes. */
void sim_host_begin(struct sim *s, uint32_t host, const struct sim_start *start, bool is_member);
void sim_host_end(struct sim *s, uint32_t host);
/* After something came to it: checks, and the next tick. */
void sim_host_after(struct sim_host *h);
void sim_host_tick(struct sim_host *h);
void sim_host_count(struct sim_host *h);

/* sim_mail.c: between hosts and store. */
struct fleet_post sim_post(struct sim_host *h);
void sim_mail_event(struct sim *s, const struct sim_event *e);

/* sim_ticket.c */
void sim_ticket_event(struct sim *s, const struct sim_event *e);
const uint8_t *sim_root(const struct rings *r, const uint8_t *ring, uint64_t epoch,
                        int64_t fleet_ms);

#endif
