#include "interrupt.h"

#include <signal.h>

static void caught(uv_signal_t *handle, int number)
{
    struct interrupt *i = handle->data;

    (void)number;
    for (unsigned k = 0; k < i->n; k++) {
        (void)uv_signal_stop(&i->signals[k]);
    }
    i->told(i->cookie);
}

enum rp_status interrupt_watch(struct interrupt *i, uv_loop_t *loop, void *cookie,
                               void (*told)(void *cookie))
{
    static const int numbers[INTERRUPT_SIGNALS] = {SIGINT, SIGTERM};

    i->cookie = cookie;
    i->told = told;
    while (i->n < INTERRUPT_SIGNALS) {
        const int number = numbers[i->n];
        uv_signal_t *s = &i->signals[i->n];

        if (uv_signal_init(loop, s) != 0) {
            return RP_SYSTEM;
        }
        i->n++;
        s->data = i;
        uv_unref((uv_handle_t *)s);
        if (uv_signal_start(s, caught, number) != 0) {
            return RP_SYSTEM;
        }
    }
    return RP_OK;
}

void interrupt_close(struct interrupt *i)
{
    for (unsigned k = 0; k < i->n; k++) {
        uv_close((uv_handle_t *)&i->signals[k], NULL);
    }
}
