#include "stepper.h"

#define STEPS_MAX 64

static void ready(uv_poll_t *poll, int status, int events)
{
    struct stepper *s = poll->data;

    (void)events;
    if (status < 0) {
        /* libuv saw an error on the socket and stopped; the next call of ours tells which. */
        s->events = 0;
    }
    stepper_go_on(s);
}

static void closed(uv_handle_t *handle)
{
    const struct stepper *s = handle->data;

    s->kind->closed(s->cookie);
}

bool stepper_init(struct stepper *s, uv_loop_t *loop, int fd, const struct stepper_kind *kind,
                  void *cookie)
{
    *s = (struct stepper){.kind = kind, .cookie = cookie};
    if (uv_poll_init(loop, &s->poll, fd) != 0) {
        return false;
    }
    s->poll.data = s;
    return true;
}

void stepper_watch(struct stepper *s, int events)
{
    if (s->events == events) {
        return;
    }
    s->events = events;
    if (uv_poll_start(&s->poll, events, ready) != 0) {
        s->kind->lost(s->cookie);
    }
}

void stepper_go_on(struct stepper *s)
{
    enum step step = STEP_ON;

    if (s->kind->turn != NULL) {
        s->kind->turn(s->cookie);
    }
    for (unsigned i = 0; i < STEPS_MAX && step == STEP_ON; i++) {
        step = s->kind->step(s->cookie);
    }
    switch (step) {
    case STEP_ON:
        /* What libssl holds raises no event, but there is room to write as good as always. */
        stepper_watch(s, UV_READABLE | UV_WRITABLE);
        return;
    case STEP_READ:
        stepper_watch(s, UV_READABLE);
        return;
    case STEP_WRITE:
        stepper_watch(s, UV_WRITABLE);
        return;
    case STEP_OVER:
        s->kind->over(s->cookie);
        return;
    }
}

void stepper_close(struct stepper *s)
{
    uv_close((uv_handle_t *)&s->poll, closed);
}
