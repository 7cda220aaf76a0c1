#include "fleet_limit.h"

#include "memory.h"

#define FIRST_ROOM 16

void limit_init(struct limit *l, int64_t now_ms)
{
    *l = (struct limit){.thousandths = LIMIT_RESERVE * 1000, .at_ms = now_ms};
}

bool limit_take(struct limit *l, int64_t now_ms)
{
    const int64_t since_ms = now_ms > l->at_ms ? now_ms - l->at_ms : 0;
    const int64_t full_ms = LIMIT_RESERVE * 1000 / LIMIT_RATE;

    l->thousandths += (since_ms < full_ms ? since_ms : full_ms) * LIMIT_RATE;
    l->thousandths = l->thousandths < LIMIT_RESERVE * 1000 ? l->thousandths : LIMIT_RESERVE * 1000;
    l->at_ms += since_ms;
    if (l->thousandths < 1000) {
        return false;
    }
    l->thousandths -= 1000;
    return true;
}

bool limit_was_answered(const struct limit_answered *a, const struct mailbox_id *nonce)
{
    for (size_t i = 0; i < a->n; i++) {
        if (mailbox_id_equal(&a->nonces[i], nonce)) {
            return true;
        }
    }
    return false;
}

static void grow(struct limit_answered *a)
{
    const size_t room = a->room == 0 ? FIRST_ROOM : a->room * 2;
    void *grown;

    if (room > LIMIT_ANSWERED_MAX) {
        return;
    }
    grown = memory_resize(a->nonces, a->room, room, sizeof a->nonces[0]);
    if (grown != NULL) {
        a->nonces = grown;
        a->room = room;
        a->next = a->n;
    }
}

void limit_answer(struct limit_answered *a, const struct mailbox_id *nonce)
{
    if (a->n == a->room) {
        grow(a);
    }
    if (a->room == 0) {
        return;
    }
    a->next %= a->room;
    a->nonces[a->next] = *nonce;
    a->next++;
    a->n += a->n < a->room ? 1 : 0;
}

void limit_answered_fini(struct limit_answered *a)
{
    memory_free(a->nonces);
    *a = (struct limit_answered){0};
}
