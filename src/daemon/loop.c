/*
 * Sockets: one epoll set. Timers: a binary heap, whose first says how long the set is waited for. A
 * connection can so push its time-out back with every record for the price of a heap operation.
 *
 * epoll waits by the monotonic clock, timers run on the boot-time clock, which goes on while the
 * machine sleeps: so no turn waits longer than TURN_MAX_MS.
 */
#include "loop.h"

#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <reprise/clock.h>

#include "memory.h"

#define BATCH 128
#define TURN_MAX_MS 10000

struct loop {
    bool running;
    bool stopped;
    int epoll_fd;
    int64_t now_ms;

    struct epoll_event found[BATCH]; /* of the turn; data.ptr NULL: no longer watched */
    unsigned n_found;
    unsigned next_found;

    struct loop_timer **heap; /* from 1: heap[0] is not used */
    unsigned n_heap;
    unsigned heap_size;

    struct loop_watch signals;
    sigset_t signals_before;
    void (*caught)(int signal, void *cookie);
    void *caught_cookie;
};

static void read_clock(struct loop *loop)
{
    loop->now_ms = rp_clock_boot_ms(NULL);
}

/* The heap. */

static void heap_put(struct loop *loop, unsigned place, struct loop_timer *timer)
{
    loop->heap[place] = timer;
    timer->place = place;
}

static void heap_up(struct loop *loop, unsigned place)
{
    struct loop_timer *timer = loop->heap[place];

    while (place > 1 && loop->heap[place / 2]->due_ms > timer->due_ms) {
        heap_put(loop, place, loop->heap[place / 2]);
        place /= 2;
    }
    heap_put(loop, place, timer);
}

static void heap_down(struct loop *loop, unsigned place)
{
    struct loop_timer *timer = loop->heap[place];

    for (;;) {
        unsigned child = place * 2;

        if (child > loop->n_heap) {
            break;
        }
        if (child < loop->n_heap && loop->heap[child + 1]->due_ms < loop->heap[child]->due_ms) {
            child++;
        }
        if (loop->heap[child]->due_ms >= timer->due_ms) {
            break;
        }
        heap_put(loop, place, loop->heap[child]);
        place = child;
    }
    heap_put(loop, place, timer);
}

static void heap_take_out(struct loop *loop, struct loop_timer *timer)
{
    const unsigned place = timer->place;
    struct loop_timer *last = loop->heap[loop->n_heap];

    loop->n_heap--;
    timer->place = 0;
    if (last != timer) {
        heap_put(loop, place, last);
        heap_up(loop, place);
        heap_down(loop, last->place);
    }
}

static bool heap_reserve(struct loop *loop)
{
    if (loop->n_heap + 1 >= loop->heap_size) {
        const unsigned size = loop->heap_size != 0 ? loop->heap_size * 2 : 64;
        struct loop_timer **grown =
            memory_resize(loop->heap, loop->heap_size, size, sizeof(void *));

        if (grown == NULL) {
            return false;
        }
        loop->heap = grown;
        loop->heap_size = size;
    }
    return true;
}

static int ms_to_first(const struct loop *loop)
{
    int64_t delay_ms = TURN_MAX_MS;

    if (loop->n_heap != 0 && loop->heap[1]->due_ms - loop->now_ms < delay_ms) {
        delay_ms = loop->heap[1]->due_ms - loop->now_ms;
    }
    return delay_ms > 0 ? (int)delay_ms : 0;
}

static void run_timers(struct loop *loop)
{
    /* A timer that is set again for this very turn waits for the next. */
    unsigned n = loop->n_heap;

    while (n-- > 0 && loop->n_heap != 0 && loop->heap[1]->due_ms <= loop->now_ms) {
        struct loop_timer *timer = loop->heap[1];

        heap_take_out(loop, timer);
        timer->due(timer);
    }
}

/* Descriptors. */

static void run_watches(struct loop *loop, unsigned n)
{
    loop->n_found = n;
    for (loop->next_found = 0; loop->next_found < loop->n_found;) {
        const struct epoll_event found = loop->found[loop->next_found++];
        struct loop_watch *watch = found.data.ptr;

        if (watch != NULL) {
            watch->ready(watch, found.events);
        }
    }
    loop->n_found = 0;
}

static void forget(struct loop *loop, const struct loop_watch *watch)
{
    for (unsigned i = loop->next_found; i < loop->n_found; i++) {
        if (loop->found[i].data.ptr == watch) {
            loop->found[i].data.ptr = NULL;
        }
    }
}

static bool control(struct loop *loop, int operation, struct loop_watch *watch)
{
    struct epoll_event event = {.events = watch->events};

    event.data.ptr = watch;
    return epoll_ctl(loop->epoll_fd, operation, watch->fd, &event) == 0;
}

/* Public functions. */

enum rp_status loop_new(struct loop **out)
{
    struct loop *loop = memory_new(1, sizeof *loop);

    *out = NULL;
    if (loop == NULL) {
        return RP_NO_MEMORY;
    }
    loop->signals.fd = -1;
    read_clock(loop);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0) {
        loop_free(&loop);
        return RP_SYSTEM;
    }
    *out = loop;
    return RP_OK;
}

void loop_free(struct loop **out)
{
    struct loop *loop = *out;

    *out = NULL;
    if (loop == NULL) {
        return;
    }
    if (loop->signals.fd >= 0) {
        (void)close(loop->signals.fd);
        (void)sigprocmask(SIG_SETMASK, &loop->signals_before, NULL);
    }
    if (loop->epoll_fd >= 0) {
        (void)close(loop->epoll_fd);
    }
    for (unsigned i = 1; i <= loop->n_heap; i++) {
        loop->heap[i]->place = 0;
    }
    memory_free(loop->heap);
    memory_free(loop);
}

void loop_run(struct loop *loop)
{
    read_clock(loop);
    loop->running = true;
    while (!loop->stopped) {
        const int n = epoll_wait(loop->epoll_fd, loop->found, BATCH, ms_to_first(loop));

        read_clock(loop);
        run_watches(loop, n > 0 ? (unsigned)n : 0);
        if (!loop->stopped) {
            run_timers(loop);
        }
    }
    loop->stopped = false;
    loop->running = false;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

int64_t loop_now_ms(const struct loop *loop)
{
    return loop->now_ms;
}

bool loop_watch(struct loop *loop, struct loop_watch *watch)
{
    return control(loop, EPOLL_CTL_ADD, watch);
}

bool loop_rewatch(struct loop *loop, struct loop_watch *watch, uint32_t events)
{
    watch->events = events;
    return control(loop, EPOLL_CTL_MOD, watch);
}

void loop_unwatch(struct loop *loop, struct loop_watch *watch)
{
    (void)control(loop, EPOLL_CTL_DEL, watch);
    forget(loop, watch);
}

void loop_close(struct loop *loop, struct loop_watch *watch)
{
    /* epoll drops a file that is closed by itself. */
    (void)close(watch->fd);
    forget(loop, watch);
}

bool loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t delay_ms)
{
    int64_t due_ms;

    if (!loop->running) {
        read_clock(loop);
    }
    if (delay_ms < 0) {
        delay_ms = 0;
    }
    due_ms = delay_ms < INT64_MAX - loop->now_ms ? loop->now_ms + delay_ms : INT64_MAX;
    if (timer->place != 0) {
        timer->due_ms = due_ms;
        heap_up(loop, timer->place);
        heap_down(loop, timer->place);
    } else {
        if (!heap_reserve(loop)) {
            return false;
        }
        timer->due_ms = due_ms;
        timer->loop = loop;
        loop->n_heap++;
        heap_put(loop, loop->n_heap, timer);
        heap_up(loop, loop->n_heap);
    }
    return true;
}

void loop_timer_clear(struct loop_timer *timer)
{
    if (timer->place != 0) {
        heap_take_out(timer->loop, timer);
    }
}

static void signals_ready(struct loop_watch *watch, uint32_t events)
{
    struct loop *loop = (struct loop *)((char *)watch - offsetof(struct loop, signals));
    struct signalfd_siginfo info;

    (void)events;
    while (read(watch->fd, &info, sizeof info) == (ssize_t)sizeof info) {
        loop->caught((int)info.ssi_signo, loop->caught_cookie);
    }
}

bool loop_signals(struct loop *loop, const int *signals, unsigned n,
                  void (*caught)(int signal, void *cookie), void *cookie)
{
    sigset_t set;

    (void)sigemptyset(&set);
    for (unsigned i = 0; i < n; i++) {
        (void)sigaddset(&set, signals[i]);
    }
    if (loop->signals.fd >= 0 || sigprocmask(SIG_BLOCK, &set, &loop->signals_before) != 0) {
        return false;
    }
    loop->caught = caught;
    loop->caught_cookie = cookie;
    loop->signals.events = EPOLLIN;
    loop->signals.ready = signals_ready;
    loop->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (loop->signals.fd < 0 || !loop_watch(loop, &loop->signals)) {
        (void)sigprocmask(SIG_SETMASK, &loop->signals_before, NULL);
        if (loop->signals.fd >= 0) {
            (void)close(loop->signals.fd);
            loop->signals.fd = -1;
        }
        return false;
    }
    return true;
}
