#include "feed_lead.h"

#include "order.h"

#define NEXT 1 /* its place in a plan, behind the one that seals */

static int64_t handed_out_s(const struct feed_keys *keys, int64_t lead_ms)
{
    const int64_t begins_s = keys->keys[NEXT].begins_s;
    const int64_t epoch_s = begins_s - keys->keys[0].begins_s;

    return begins_s - order_least(lead_ms / 1000, epoch_s - epoch_s / 4);
}

static bool has_next(const struct feed_keys *keys)
{
    return keys->n > NEXT && keys->keys[NEXT].role == KEY_NEXT;
}

size_t feed_lead_key(const struct feed_keys *keys, int64_t lead_ms, int64_t now_s)
{
    return has_next(keys) && now_s >= handed_out_s(keys, lead_ms) ? NEXT : 0;
}

int64_t feed_lead_again_s(const struct feed_keys *keys, int64_t lead_ms, int64_t now_s)
{
    return has_next(keys) && now_s < handed_out_s(keys, lead_ms) ? handed_out_s(keys, lead_ms)
                                                                 : INT64_MAX;
}
