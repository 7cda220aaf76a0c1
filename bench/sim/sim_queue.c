#include "sim_queue.h"

#include <stdio.h>
#include <stdlib.h>

#include "memory.h"

#define FIRST_ROOM 1024

void sim_require(bool condition, const char *what)
{
    if (!condition) {
        (void)fprintf(stderr, "simulation: %s\n", what);
        abort();
    }
}

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->order < b->order);
}

void sim_queue_push(struct sim_queue *q, const struct sim_event *event)
{
    struct sim_event e = *event;
    size_t i = q->n;

    if (q->n == q->room) {
        const size_t room = q->room == 0 ? FIRST_ROOM : q->room * 2;

        q->heap = memory_resize(q->heap, q->room, room, sizeof q->heap[0]);
        sim_require(q->heap != NULL, "out of memory");
        q->room = room;
    }
    e.order = q->n_pushed++;
    q->n++;
    while (i != 0 && is_before(&e, &q->heap[(i - 1) / 2])) {
        q->heap[i] = q->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    q->heap[i] = e;
}

bool sim_queue_pop(struct sim_queue *q, int64_t by_ms, struct sim_event *out)
{
    struct sim_event last;
    size_t i = 0;

    if (q->n == 0 || q->heap[0].at_ms > by_ms) {
        return false;
    }
    *out = q->heap[0];
    q->n--;
    last = q->heap[q->n];
    for (size_t child = 1; child < q->n; child = 2 * i + 1) {
        if (child + 1 < q->n && is_before(&q->heap[child + 1], &q->heap[child])) {
            child++;
        }
        if (!is_before(&q->heap[child], &last)) {
            break;
        }
        q->heap[i] = q->heap[child];
        i = child;
    }
    q->heap[i] = last;
    return true;
}

void sim_queue_fini(struct sim_queue *q)
{
    memory_free(q->heap);
    *q = (struct sim_queue){0};
}
