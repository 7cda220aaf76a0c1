/* What is to happen, in the order of time; what is due at one instant in the order of its coming.
 */
#ifndef SIM_QUEUE_H
#define SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_event {
    int64_t at_ms;
    uint64_t order;
    int kind;
    uint32_t host;
    uint32_t life; /* of the host; an event of an earlier one is void */
    void *data;    /* the queue does not free it */
};

struct sim_queue {
    struct sim_event *heap;
    size_t n;
    size_t room;
    uint64_t n_pushed;
};

void sim_queue_push(struct sim_queue *q, const struct sim_event *event);

/* False: nothing is due by then. */
bool sim_queue_pop(struct sim_queue *q, int64_t by_ms, struct sim_event *out);

void sim_queue_fini(struct sim_queue *q);

/* Ends the program in one line: a simulation goes on from nothing else. */
void sim_require(bool condition, const char *what);

#endif
