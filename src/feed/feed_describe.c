#include "feed.h"

/* In the largest unit that tells it exactly. */
static void add_duration(struct text *t, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}};

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (ms != 0 && ms % units[i].ms == 0) {
            text_addf(t, "%lld%s", (long long)(ms / units[i].ms), units[i].unit);
            return;
        }
    }
    text_addf(t, "%lldms", (long long)ms);
}

static void part(struct text *t, size_t start)
{
    if (t->len != start) {
        text_add(t, "; ");
    }
}

static void add_room(const struct feed_needs *needs, int64_t rotate_ms, int64_t accept_ms,
                     struct text *t)
{
    const int64_t left_ms = feed_plan_accept_ms(needs, rotate_ms, accept_ms);

    if (needs->room == FEED_ROOM_ONE) {
        text_add(t, "holds one key, which changes every ");
        add_duration(t, feed_plan_interval_ms(needs, rotate_ms, accept_ms));
        text_add(t, ": the tickets that are out then open no more");
    } else if (left_ms < accept_ms) {
        text_addf(t, "holds %u keys, so tickets open for ",
                  needs->room == FEED_ROOM_THREE ? 3 : needs->most);
        add_duration(t, left_ms);
        text_add(t, " after their key has sealed its last, not ");
        add_duration(t, accept_ms);
    }
}

bool feed_describe(const struct feed_kind *kind, const struct feed_needs *needs, int64_t rotate_ms,
                   int64_t accept_ms, struct text *out)
{
    const size_t start = out->len;

    add_room(needs, rotate_ms, accept_ms, out);
    if (needs->short_keys) {
        part(out, start);
        text_add(out, "its keys are AES-128, weaker than suites with AES-256 ask for");
    }
    if (kind->cost != NULL) {
        part(out, start);
        text_add(out, kind->cost);
    }
    if (rotate_ms < kind->least_rotate_ms) {
        part(out, start);
        text_add(out, "rotate is shorter than ");
        add_duration(out, kind->least_rotate_ms);
        text_add(out, ", so it will miss keys");
    }
    return out->len != start;
}
