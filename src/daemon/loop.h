/*
 * The event loop of a process: descriptors, timers and signals over one epoll set, called directly:
 * a loop of libuv around it was measured to cost a system call a turn, and a uv_poll per socket up
 * to 12 % of a resumed handshake. Not thread-safe; a child of fork makes a loop of its own and
 * never touches its parent's, not even to free it.
 */
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <reprise/status.h>

struct loop;

enum rp_status loop_new(struct loop **out) RP_MUST_USE;
void loop_free(struct loop **loop); /* stops what still runs */

/* Runs until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Milliseconds on the boot-time clock, read once per turn of the loop. */
int64_t loop_now_ms(const struct loop *loop);

/*
 * A descriptor that is watched, in storage of the caller, which keeps it at its place until
 * loop_unwatch. After loop_unwatch the callback does not come any more, not even for what the same
 * turn of the loop had found.
 */
struct loop_watch {
    int fd;
    uint32_t events; /* EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET ... */
    void (*ready)(struct loop_watch *watch, uint32_t events);
};
bool loop_watch(struct loop *loop, struct loop_watch *watch) RP_MUST_USE;
bool loop_rewatch(struct loop *loop, struct loop_watch *watch, uint32_t events) RP_MUST_USE;
void loop_unwatch(struct loop *loop, struct loop_watch *watch);

/* loop_unwatch and close in one; nobody else, no other process either, has the descriptor. */
void loop_close(struct loop *loop, struct loop_watch *watch);

/*
 * One-shot timers, in storage of the caller, zeroed but for due. Setting one that is set moves it.
 * Only setting one that is not set can fail.
 */
struct loop_timer {
    void (*due)(struct loop_timer *timer);
    int64_t due_ms; /* private from here on */
    struct loop *loop;
    unsigned place; /* in the loop's heap; 0: not set */
};
bool loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t delay_ms) RP_MUST_USE;
void loop_timer_clear(struct loop_timer *timer);

/* Signals of this process, blocked and read from a signalfd. One callback for all; once a loop. */
bool loop_signals(struct loop *loop, const int *signals, unsigned n,
                  void (*caught)(int signal, void *cookie), void *cookie) RP_MUST_USE;

#endif
