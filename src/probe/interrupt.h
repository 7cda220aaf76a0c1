/*
 * SIGINT and SIGTERM on a libuv loop: the first of them is told, and from then on they do what they
 * always do, so that a second one ends a program that does not come to an end.
 */
#ifndef INTERRUPT_H
#define INTERRUPT_H

#include <reprise/status.h>
#include <uv.h>

#define INTERRUPT_SIGNALS 2

/* Begins as zeroes. */
struct interrupt {
    uv_signal_t signals[INTERRUPT_SIGNALS];
    unsigned n;
    void *cookie;
    void (*told)(void *cookie);
};

/* They keep no loop running. interrupt_close also after a failure. */
enum rp_status interrupt_watch(struct interrupt *i, uv_loop_t *loop, void *cookie,
                               void (*told)(void *cookie)) RP_MUST_USE;

/* The loop has to run once more before *i can go. Takes zeroes. */
void interrupt_close(struct interrupt *i);

#endif
