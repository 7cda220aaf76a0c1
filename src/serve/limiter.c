#include "limiter.h"

#include <stddef.h>

#define SECOND_MS 1000

static void tell_withheld(struct limiter *l)
{
    if (l->n_withheld != 0) {
        LOG_LINE(l->log, LOG_LEVEL_WARNING, "lines withheld", LOG_S("kind", l->message),
                 LOG_N("count", l->n_withheld));
    }
    l->n_written = 0;
    l->n_withheld = 0;
}

static void second_over(struct loop_timer *timer)
{
    struct limiter *l = (struct limiter *)((char *)timer - offsetof(struct limiter, timer));

    l->counting = false;
    tell_withheld(l);
}

void limiter_init(struct limiter *l, struct loop *loop, const struct log *log, const char *message)
{
    *l = (struct limiter){.loop = loop, .log = log, .message = message};
    l->timer.due = second_over;
}

void limiter_fini(struct limiter *l)
{
    if (l->loop != NULL) {
        loop_timer_clear(&l->timer);
        tell_withheld(l);
    }
}

void limiter_line(struct limiter *l, enum log_level level, const struct log_field *fields, size_t n)
{
    if (!l->counting) {
        l->counting = loop_timer_set(l->loop, &l->timer, SECOND_MS);
    }
    if (l->n_written >= LIMITER_PER_SECOND) {
        l->n_withheld++;
        return;
    }
    l->n_written++;
    log_line(l->log, level, l->message, fields, n);
}
