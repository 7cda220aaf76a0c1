/* What the fleet tells of its members beyond what they say themselves. */
#include "fleet.h"
#include "fleet_state.h"

bool fleet_clock_of(const struct fleet *f, const struct mailbox_id *id, int64_t *ahead_ms,
                    int64_t *bound_ms)
{
    for (unsigned i = 0; i < f->clock.n; i++) {
        const struct clock_sample *const s = &f->clock.samples[i];

        if (mailbox_id_equal(&s->from, id)) {
            *ahead_ms = s->ahead_ms;
            *bound_ms = s->bound_ms;
            return true;
        }
    }
    *ahead_ms = 0;
    *bound_ms = 0;
    return false;
}

unsigned fleet_secret_of(const struct fleet *f, const struct mailbox_id *id)
{
    const struct view_member *const m = view_find(&f->view, id);

    return m != NULL ? m->secret : 0;
}

const uint8_t *fleet_secret_mark(const struct fleet *f, unsigned i)
{
    return i < f->n_seals ? f->seals[i].mark : NULL;
}
