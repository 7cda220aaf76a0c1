#include "fleet_question.h"

#include "fleet_letter.h"
#include "memory.h"

_Static_assert(MAILBOX_KEY_LEN == NOISE_PSK_LEN, "as derived");

bool question_allowed(const struct view_member *m, int64_t now_ms)
{
    return m->asked_ms == INT64_MIN || now_ms - m->asked_ms >= QUESTION_GAP_MS;
}

void question_end(struct question *q)
{
    noise_fini(&q->noise);
    memory_wipe(q, sizeof *q);
}

unsigned question_room(const struct fleet *f)
{
    unsigned n = 0;

    for (unsigned i = 0; i < FLEET_QUESTIONS_MAX; i++) {
        n += f->questions[i].type == 0 ? 1 : 0;
    }
    return n;
}

/* One that is free; NULL: none. Old ones wait to their end: where letters take long, asking again
 * in their place would hear no answer at all. */
static struct question *place(struct fleet *f)
{
    for (unsigned i = 0; i < FLEET_QUESTIONS_MAX; i++) {
        if (f->questions[i].type == 0) {
            return &f->questions[i];
        }
    }
    return NULL;
}

static enum rp_status begin(struct fleet *f, struct view_member *m, enum mailbox_type type,
                            int64_t now_ms, struct question **out)
{
    struct question *const q = place(f);
    enum rp_status status = RP_FULL;

    if (q != NULL) {
        status = fleet_header(f, type, &m->about.id, &q->header);
    }
    if (status == RP_OK) {
        q->type = type;
        q->asked_ms = now_ms;
        q->secret = m->secret;
        m->asked_ms = now_ms;
    }
    *out = q;
    return status;
}

void question_pull(struct fleet *f, struct view_member *m, int64_t now_ms)
{
    uint8_t message[MAILBOX_HEADER_LEN + MAILBOX_ID_LEN + NOISE_OVERHEAD];
    uint8_t prologue[SEAL_PROLOGUE_MAX];
    struct question *q;
    enum rp_status status = begin(f, m, MAILBOX_PULL, now_ms, &q);

    if (status == RP_OK) {
        const struct seal *const s = &f->seals[q->secret];
        const size_t n = seal_prologue(s, &q->header, prologue);

        mailbox_header_encode(&q->header, message);
        status = noise_ask(&q->noise, s->psk, prologue, n, m->about.presence.invite.bytes,
                           MAILBOX_ID_LEN, message + MAILBOX_HEADER_LEN);
    }
    if (status == RP_OK) {
        fleet_letter_put(f, &q->header, message, sizeof message);
    } else if (q != NULL) {
        question_end(q);
    }
}

void question_time(struct fleet *f, struct view_member *m, int64_t now_ms)
{
    struct question *q;
    enum rp_status status = begin(f, m, MAILBOX_TIME, now_ms, &q);

    if (status == RP_OK) {
        status = fleet_letter_seal(f, q->secret, &q->header, NULL, 0);
    }
    if (status != RP_OK && q != NULL) {
        question_end(q);
    }
}

struct question *question_find(struct fleet *f, enum mailbox_type type,
                               const struct mailbox_id *from, const struct mailbox_id *nonce)
{
    for (unsigned i = 0; i < FLEET_QUESTIONS_MAX; i++) {
        struct question *const q = &f->questions[i];

        if (q->type == type && mailbox_id_equal(&q->header.to, from) &&
            mailbox_id_equal(&q->header.nonce, nonce)) {
            return q;
        }
    }
    return NULL;
}

unsigned question_n_pulls(const struct fleet *f, int64_t now_ms, int64_t age_ms)
{
    unsigned n = 0;

    for (unsigned i = 0; i < FLEET_QUESTIONS_MAX; i++) {
        const struct question *const q = &f->questions[i];

        n += q->type == MAILBOX_PULL && now_ms - q->asked_ms <= age_ms ? 1 : 0;
    }
    return n;
}

void question_expire(struct fleet *f, int64_t now_ms)
{
    for (unsigned i = 0; i < FLEET_QUESTIONS_MAX; i++) {
        struct question *const q = &f->questions[i];

        if (q->type != 0 && now_ms - q->asked_ms >= QUESTION_WAIT_MS) {
            question_end(q);
        }
    }
}

int64_t question_next_ms(const struct fleet *f)
{
    int64_t next = FLEET_NEVER;

    for (unsigned i = 0; i < FLEET_QUESTIONS_MAX; i++) {
        const struct question *const q = &f->questions[i];

        if (q->type != 0 && q->asked_ms + QUESTION_WAIT_MS < next) {
            next = q->asked_ms + QUESTION_WAIT_MS;
        }
    }
    return next;
}
