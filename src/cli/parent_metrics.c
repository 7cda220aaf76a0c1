#include "parent_state.h"

#include <reprise/clock.h>

static void count_children(const struct parent *parent, metrics_cell *cells)
{
    const uint64_t number = parent->running != NULL ? parent->running->number : 0;
    unsigned n_ready = 0;
    unsigned n_draining = 0;
    bool keeper = false;

    for (const struct child *c = parent->children; c != NULL; c = c->next) {
        const bool stays = c->fate == CHILD_STAYS && parent->phase < PARENT_DRAINING;

        if (c->kind == &parent_keeper_kind) {
            keeper = keeper || c->ready;
        } else if (c->kind == &parent_worker_kind && stays && c->generation == number) {
            n_ready += c->ready;
        } else if (c->kind == &parent_worker_kind && !stays) {
            n_draining += c->pid != 0;
        }
    }
    metrics_set(&cells[METRICS_KEEPER_READY], keeper);
    metrics_set(&cells[METRICS_WORKERS_READY], n_ready);
    metrics_set(&cells[METRICS_WORKERS_DRAINING], n_draining);
}

void parent_metrics_update(const struct parent *parent)
{
    metrics_cell *cells = metrics_parent(parent->metrics);

    if (parent_generation(parent) == NULL) {
        return;
    }
    metrics_set(&cells[METRICS_DRAINING], parent->phase >= PARENT_DRAINING);
    metrics_set(&cells[METRICS_WORKERS_WANTED], parent_generation(parent)->config->workers);
    count_children(parent, cells);
}

enum rp_status parent_metrics_begin(struct parent *parent, struct rp_error *err)
{
    const enum rp_status status = metrics_new(&parent->metrics, err);

    if (status == RP_OK) {
        metrics_cell *cells = metrics_parent(parent->metrics);

        parent->log.n_lost_ever = &cells[METRICS_PARENT_LOST];
        metrics_set(&cells[METRICS_STARTED_S], (uint64_t)rp_clock_wall_s(NULL));
    }
    return status;
}

void parent_metrics_count(const struct parent *parent, enum metrics_parent_cell cell)
{
    metrics_add(&metrics_parent(parent->metrics)[cell], 1);
}

void parent_metrics_reloaded(const struct parent *parent)
{
    parent_metrics_count(parent, METRICS_RELOADS_OK);
    metrics_set(&metrics_parent(parent->metrics)[METRICS_RELOADED_S],
                (uint64_t)rp_clock_wall_s(NULL));
}

metrics_cell *parent_metrics_lost(const struct child *child)
{
    const struct parent *parent = child->owner;

    switch (child->kind->role) {
    case METRICS_ROLE_KEEPER:
        return &metrics_keeper(parent->metrics)[METRICS_KEEPER_LOST];
    case METRICS_ROLE_WORKER:
        return &metrics_worker(parent->metrics, child->slot)->cells[METRICS_WORKER_LOST];
    case METRICS_ROLE_FEEDER:
        return &metrics_feeder(parent->metrics)[METRICS_FEEDER_LOST];
    case METRICS_ROLE_COURIER: /* which has one of its own */
    case METRICS_N_ROLES:
        break;
    }
    return NULL;
}
