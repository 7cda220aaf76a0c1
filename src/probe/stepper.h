/*
 * Drives a connection over a libuv loop by steps that each do what they can and say what they wait
 * for. After a number of steps in one turn, timers and other connections get theirs.
 */
#ifndef STEPPER_H
#define STEPPER_H

#include <stdbool.h>

#include <uv.h>

/* What a step found: it may go on, must wait for the socket, or the connection is over. */
enum step {
    STEP_ON,
    STEP_READ,
    STEP_WRITE,
    STEP_OVER,
};

struct stepper_kind {
    void (*turn)(void *cookie); /* before the steps of a turn; NULL: nothing */
    enum step (*step)(void *cookie);
    void (*over)(void *cookie); /* a step said so */
    void (*lost)(void *cookie); /* the socket cannot be watched */
    void (*closed)(void *cookie);
};

struct stepper {
    const struct stepper_kind *kind;
    void *cookie;
    uv_poll_t poll;
    int events; /* that are waited for; 0 once libuv has stopped */
};

/* False: the socket cannot be watched, and nothing is to be closed. kind is borrowed. */
bool stepper_init(struct stepper *s, uv_loop_t *loop, int fd, const struct stepper_kind *kind,
                  void *cookie);

/* Waits for UV_READABLE or UV_WRITABLE, or both. */
void stepper_watch(struct stepper *s, int events);

/* A turn: steps until one waits or it is over. */
void stepper_go_on(struct stepper *s);

/* kind->closed comes from the loop. The descriptor is the caller's to close, after this. */
void stepper_close(struct stepper *s);

#endif
