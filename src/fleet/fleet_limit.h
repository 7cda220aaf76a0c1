/* How much a host answers: so many a second with a reserve, and no question twice. */
#ifndef FLEET_LIMIT_H
#define FLEET_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mailbox.h"

#define LIMIT_RATE 200 /* a second */
#define LIMIT_RESERVE 400
#define LIMIT_ANSWERED_MAX 4096

struct limit {
    int64_t thousandths; /* of an answer, that are left */
    int64_t at_ms;
};

/* Of the last ones answered; grows as it is used. */
struct limit_answered {
    struct mailbox_id *nonces;
    size_t room;
    size_t n;
    size_t next;
};

void limit_init(struct limit *l, int64_t now_ms);

/* Whether one more may be answered, which then counts. */
bool limit_take(struct limit *l, int64_t now_ms);

bool limit_was_answered(const struct limit_answered *a, const struct mailbox_id *nonce);

/* Without memory for more it forgets the oldest one. */
void limit_answer(struct limit_answered *a, const struct mailbox_id *nonce);

void limit_answered_fini(struct limit_answered *a);

#endif
