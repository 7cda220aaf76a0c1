#include "session_time.h"

static int64_t to_ring(int64_t fleet_ms, int64_t base_ms)
{
    int64_t ms;

    if (__builtin_sub_overflow(fleet_ms, base_ms, &ms)) {
        ms = fleet_ms < base_ms ? INT64_MIN : INT64_MAX;
    }
    if (ms < -SESSION_TIME_ZERO) {
        return 0;
    }
    return ms > INT64_MAX - SESSION_TIME_ZERO ? INT64_MAX : ms + SESSION_TIME_ZERO;
}

static int64_t to_fleet(int64_t ring_ms, int64_t base_ms)
{
    int64_t ms;

    if (__builtin_add_overflow(ring_ms - SESSION_TIME_ZERO, base_ms, &ms)) {
        ms = base_ms < 0 ? INT64_MIN : INT64_MAX;
    }
    return ms;
}

void session_time_to_ring(struct session_meta *m, int64_t base_ms)
{
    m->origin_ms = to_ring(m->origin_ms, base_ms);
    m->sealed_ms = to_ring(m->sealed_ms, base_ms);
}

void session_time_to_fleet(struct session_meta *m, int64_t base_ms)
{
    m->origin_ms = to_fleet(m->origin_ms, base_ms);
    m->sealed_ms = to_fleet(m->sealed_ms, base_ms);
}
