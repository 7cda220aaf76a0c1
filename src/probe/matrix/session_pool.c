#include "session_pool.h"

#include "memory.h"

/* What an offer may take to arrive. */
#define LIFETIME_MARGIN_MS 300

enum rp_status session_pool_add(struct session_pool *pool, SSL_SESSION *session, size_t visit,
                                int64_t now_ms)
{
    if (pool->n == pool->room) {
        const size_t room = pool->room == 0 ? 8 : 2 * pool->room;
        struct pooled_session *items =
            memory_resize(pool->items, pool->room, room, sizeof *pool->items);

        if (items == NULL) {
            return RP_NO_MEMORY;
        }
        pool->items = items;
        pool->room = room;
    }
    if (SSL_SESSION_up_ref(session) != 1) {
        return RP_NO_MEMORY;
    }
    pool->items[pool->n++] =
        (struct pooled_session){.session = session, .visit = visit, .at_ms = now_ms};
    return RP_OK;
}

static bool is_old(const struct pooled_session *s, int64_t now_ms)
{
    const int64_t lifetime_ms = (int64_t)SSL_SESSION_get_ticket_lifetime_hint(s->session) * 1000;

    return lifetime_ms != 0 && now_ms - s->at_ms + LIFETIME_MARGIN_MS >= lifetime_ms;
}

/* Smaller is better. */
static size_t rank(const struct pooled_session *s, const struct session_wish *wish)
{
    const bool apart = wish->by_visit && s->visit % wish->n_visits != wish->visit % wish->n_visits;

    return apart ? (size_t)s->n_offers + ((size_t)1 << 16) : s->n_offers;
}

bool session_pool_pick(struct session_pool *pool, const struct session_wish *wish, size_t *out)
{
    struct pooled_session *best = NULL;

    for (size_t i = 0; i < pool->n; i++) {
        struct pooled_session *s = &pool->items[i];

        if (s->spent || (wish->unused && s->n_offers != 0) || is_old(s, wish->now_ms)) {
            continue;
        }
        if (best == NULL || rank(s, wish) < rank(best, wish)) {
            best = s;
        }
    }
    if (best == NULL) {
        return false;
    }
    best->n_offers++;
    *out = (size_t)(best - pool->items);
    return true;
}

void session_pool_fini(struct session_pool *pool)
{
    for (size_t i = 0; i < pool->n; i++) {
        SSL_SESSION_free(pool->items[i].session);
    }
    memory_free(pool->items);
    *pool = (struct session_pool){0};
}
