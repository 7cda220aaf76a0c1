#include "fleet_clock.h"

#define SLEW 1000 /* a thousandth */

/* A difference within the bound is none: else all would follow what the way of letters adds. */
static int64_t proven(const struct clock_sample *s)
{
    if (s->ahead_ms > s->bound_ms) {
        return s->ahead_ms - s->bound_ms;
    }
    return s->ahead_ms < -s->bound_ms ? s->ahead_ms + s->bound_ms : 0;
}

static struct clock_sample *place(struct fleet_clock *c, const struct mailbox_id *from)
{
    struct clock_sample *oldest = &c->samples[0];

    for (unsigned i = 0; i < c->n; i++) {
        if (mailbox_id_equal(&c->samples[i].from, from)) {
            return &c->samples[i];
        }
        if (c->samples[i].at_ms < oldest->at_ms) {
            oldest = &c->samples[i];
        }
    }
    if (c->n < CLOCK_SAMPLES_MAX) {
        c->n++;
        return &c->samples[c->n - 1];
    }
    return oldest;
}

void clock_add(struct fleet_clock *c, const struct mailbox_id *from, int64_t ahead_ms,
               int64_t bound_ms, int64_t now_ms)
{
    if (c->n == 0) {
        c->slewed_ms = now_ms;
    }
    *place(c, from) = (struct clock_sample){*from, ahead_ms, bound_ms, now_ms};
}

void clock_forget(struct fleet_clock *c, int64_t before_ms)
{
    for (unsigned i = c->n; i-- != 0;) {
        if (c->samples[i].at_ms < before_ms) {
            c->n--;
            c->samples[i] = c->samples[c->n];
        }
    }
}

static int64_t magnitude(int64_t ms)
{
    return ms < 0 ? -ms : ms;
}

/* The sample in the middle; of two, the one that asks for less. NULL: there is none. */
static const struct clock_sample *median(const struct fleet_clock *c)
{
    const struct clock_sample *sorted[CLOCK_SAMPLES_MAX];
    const struct clock_sample *low;
    const struct clock_sample *high;

    if (c->n == 0) {
        return NULL;
    }
    for (unsigned i = 0; i < c->n; i++) {
        unsigned j = i;

        for (; j != 0 && proven(sorted[j - 1]) > proven(&c->samples[i]); j--) {
            sorted[j] = sorted[j - 1];
        }
        sorted[j] = &c->samples[i];
    }
    low = sorted[(c->n - 1) / 2];
    high = sorted[c->n / 2];
    return magnitude(proven(low)) <= magnitude(proven(high)) ? low : high;
}

static int64_t limited(int64_t ms, int64_t most_ms)
{
    if (ms > most_ms) {
        return most_ms;
    }
    return ms < -most_ms ? -most_ms : ms;
}

bool clock_heard(const struct fleet_clock *c, const struct mailbox_id *from)
{
    for (unsigned i = 0; i < c->n; i++) {
        if (mailbox_id_equal(&c->samples[i].from, from)) {
            return true;
        }
    }
    return false;
}

int64_t clock_step(struct fleet_clock *c, int64_t now_ms, int64_t leap_ms, unsigned n_voices)
{
    const struct clock_sample *const m = median(c);
    const int64_t allowed_ms = now_ms > c->slewed_ms ? (now_ms - c->slewed_ms) / SLEW : 0;
    int64_t step_ms;

    if (m == NULL || proven(m) == 0) {
        c->slewed_ms = now_ms;
        return 0;
    }
    if (proven(m) >= leap_ms && c->n >= n_voices) {
        step_ms = proven(m);
        c->slewed_ms = now_ms;
    } else {
        step_ms = limited(proven(m), allowed_ms);
        c->slewed_ms += allowed_ms * SLEW;
    }
    for (unsigned i = 0; i < c->n; i++) {
        c->samples[i].ahead_ms -= step_ms;
    }
    return step_ms;
}

int64_t clock_late_ms(const struct fleet_clock *c)
{
    const struct clock_sample *const m = median(c);

    if (m == NULL) {
        return -1;
    }
    return m->ahead_ms + m->bound_ms > 0 ? m->ahead_ms + m->bound_ms : 0;
}
