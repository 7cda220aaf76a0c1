/*
 * Runs many visits on one loop, so many at a time in all and so many at each address; those of one
 * address in the order in which they were added, the addresses in turn, those last that do not
 * answer.
 *
 * Not thread-safe.
 */
#ifndef RUNNER_H
#define RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include <reprise/status.h>

#include "visitor.h"

enum task_begin {
    TASK_GO,        /* the order is filled in */
    TASK_SKIP,      /* there is nothing to do: ended is not called */
    TASK_ELSEWHERE, /* address was changed: the task comes next there */
};

/* One visit to come, or several one after the other. Embedded in what it is for; the runner's while
 * it is queued or runs. */
struct task {
    size_t address;
    bool may_lag; /* runner_run_prompt does not wait for it where nobody answers */
    /* Its turn has come. */
    enum task_begin (*begin)(struct task *task, struct visitor_order *order);
    /* The visit is over; the task may be added again. sessions as in visitor.h. */
    void (*ended)(struct task *task, const struct visit *visit, SSL_SESSION *const *sessions,
                  size_t n_sessions);
    struct task *next; /* the runner's */
};

struct runner_config {
    uv_loop_t *loop;
    size_t n_addresses;
    unsigned concurrency;
    unsigned per_address;
    uint64_t timeout_ms;
    uint64_t began_ns; /* uv_hrtime */
};

struct runner;

enum rp_status runner_new(const struct runner_config *config, struct runner **out) RP_MUST_USE;

/* Drops the task once the runner was stopped. */
void runner_add(struct runner *r, struct task *task);

/* Runs the loop until no task is left, or until runner_stop. */
void runner_run(struct runner *r);

/* The same, but until what is left are tasks that may lag, at addresses that have been tried for a
 * second and have not answered yet. They go on while the loop runs the next time. */
void runner_run_prompt(struct runner *r);

/* No task is left at the address. */
bool runner_is_done_at(const struct runner *r, size_t address);

/* A visit is under way there. */
bool runner_is_active_at(const struct runner *r, size_t address);

/* Runs the loop for so long; nothing is queued. Ends early by runner_stop. */
void runner_wait(struct runner *r, uint64_t ms);

/* Drops what is queued and ends what runs, without a word to the tasks; for good. From the loop. */
void runner_stop(struct runner *r);
bool runner_is_stopped(const struct runner *r);

/* Visits that were made, and tasks that are still to be run. */
unsigned runner_n_visits(const struct runner *r);
size_t runner_n_left(const struct runner *r);

/* After runner_run. Runs the loop until its handles are closed; NULLs the pointer. */
void runner_free(struct runner **r);

#endif
