#include "fleet_answer.h"

#include <string.h>

#include "fleet_letter.h"
#include "fleet_presence.h"
#include "fleet_rings.h"
#include "memory.h"

/* Of a message that fits: what is left beside its head and as many rings as there are. */
#define HEAD_LEN (8 + 8 + 1)
#define RING_LEN (16 + 1 + 8 + 8 + MAILBOX_KEY_LEN + 8 + 2)
#define ROOM (MAILBOX_MESSAGE_MAX - MAILBOX_HEADER_LEN - NOISE_OVERHEAD)
#define ALL_ROOTS_MAX ((ROOM - HEAD_LEN - MAILBOX_RINGS_MAX * RING_LEN) / MAILBOX_KEY_LEN)

_Static_assert(RINGS_MAX == MAILBOX_RINGS_MAX && RINGS_HELD_MAX == MAILBOX_HELD_MAX, "all of them");
_Static_assert(RATCHET_LEN == MAILBOX_KEY_LEN && DERIVE_ROOT_LEN == MAILBOX_KEY_LEN, "as kept");

static void refuse(struct fleet *f, int64_t now_ms)
{
    fleet_note_event(f, now_ms, &(struct fleet_note){.event = FLEET_REFUSED});
}

/* The newest roots of a ring, without gap and up to that of its next epoch; oldest first in out. */
static void add_roots(const struct rings *r, uint32_t place, uint8_t *out, struct mailbox_ring *to)
{
    const unsigned share = r->n_roots > ALL_ROOTS_MAX ? ALL_ROOTS_MAX / r->n : MAILBOX_ROOTS_MAX;
    const unsigned most = share < MAILBOX_ROOTS_MAX ? share : MAILBOX_ROOTS_MAX;
    uint32_t first = 0;
    unsigned n = 0;

    while (first < r->n_roots &&
           (r->roots[first].ring != place || r->roots[first].epoch > r->ring[place].epoch + 1)) {
        first++;
    }
    if (first == r->n_roots || (to->held && r->roots[first].epoch != to->epoch + 1)) {
        return;
    }
    while (n < most && first + n < r->n_roots && r->roots[first + n].ring == place &&
           r->roots[first + n].epoch + n == r->roots[first].epoch) {
        n++;
    }
    for (unsigned i = 0; i < n; i++) {
        memcpy(out + (size_t)i * MAILBOX_KEY_LEN, r->roots[first + n - 1 - i].root,
               MAILBOX_KEY_LEN);
    }
    to->first = r->roots[first + n - 1].epoch;
    to->n_roots = n;
    to->roots = out;
}

/* roots: room for all of r. */
static void describe(const struct rings *r, int64_t fleet_ms, uint8_t *roots,
                     struct mailbox_rings *out)
{
    *out = (struct mailbox_rings){.rotate_ms = r->rotate_ms, .accept_ms = r->accept_ms, .n = r->n};
    for (uint32_t i = 0; i < r->n; i++) {
        struct mailbox_ring *const to = &out->rings[i];

        memcpy(to->id.bytes, r->ring[i].id, sizeof to->id.bytes);
        memcpy(to->chain, r->ring[i].chain, sizeof to->chain);
        to->held = r->ring[i].held;
        to->seals = i == r->sealing;
        to->ring_ms = rings_time(r, i, fleet_ms);
        to->epoch = r->ring[i].epoch;
        add_roots(r, i, roots, to);
        roots += (size_t)to->n_roots * MAILBOX_KEY_LEN;
    }
}

static void send_rings(struct fleet *f, int64_t now_ms, const struct mailbox_header *pull,
                       struct noise *noise)
{
    const struct rings *const r = fleet_rings(f);
    const size_t roots_len = (size_t)r->n_roots * MAILBOX_KEY_LEN;
    const size_t room = HEAD_LEN + MAILBOX_RINGS_MAX * RING_LEN + roots_len;
    uint8_t *const roots = memory_new(roots_len + 1, 1);
    uint8_t *const payload = memory_new(room, 1);
    uint8_t *const message = memory_new(MAILBOX_HEADER_LEN + room + NOISE_OVERHEAD, 1);
    struct mailbox_rings rings = {0};
    struct mailbox_header header = {MAILBOX_RINGS, f->self.id, pull->from, pull->nonce};
    size_t n;

    if (roots == NULL || payload == NULL || message == NULL) {
        goto done;
    }
    describe(r, fleet_time_ms(f, now_ms), roots, &rings);
    n = mailbox_rings_encode(&rings, payload, room);
    mailbox_header_encode(&header, message);
    if (n != 0 && n <= ROOM &&
        noise_answer(noise, payload, n, message + MAILBOX_HEADER_LEN) == RP_OK) {
        fleet_letter_put(f, &header, message, MAILBOX_HEADER_LEN + n + NOISE_OVERHEAD);
    }
done:
    memory_wipe(&rings, sizeof rings);
    if (roots != NULL) {
        memory_wipe(roots, roots_len);
    }
    if (payload != NULL) {
        memory_wipe(payload, room);
    }
    memory_free(roots);
    memory_free(payload);
    memory_free(message);
}

/* By the secret that this host speaks: members ask it by no other. */
static enum rp_status hear(const struct fleet *f, const struct mailbox_header *header,
                           const uint8_t *message, size_t n, struct noise *noise,
                           uint8_t invite[static MAILBOX_ID_LEN])
{
    uint8_t prologue[SEAL_PROLOGUE_MAX];
    const size_t len = seal_prologue(&f->seals[0], header, prologue);

    return noise_hear(noise, f->seals[0].psk, prologue, len, message + MAILBOX_HEADER_LEN,
                      n - MAILBOX_HEADER_LEN, invite);
}

void fleet_answer_pull(struct fleet *f, int64_t now_ms, const struct mailbox_header *header,
                       const uint8_t *message, size_t n)
{
    uint8_t invite[MAILBOX_ID_LEN];
    struct noise noise = {0};
    enum rp_status status = RP_FORMAT;

    if (!f->is_member || limit_was_answered(&f->answered, &header->nonce)) {
        return;
    }
    if (n == MAILBOX_HEADER_LEN + MAILBOX_ID_LEN + NOISE_OVERHEAD) {
        status = hear(f, header, message, n, &noise, invite);
    }
    if (status == RP_FORMAT) {
        refuse(f, now_ms);
    }
    if (status == RP_OK && fleet_presence_invited(f, invite) && limit_take(&f->pulls, now_ms)) {
        limit_answer(&f->answered, &header->nonce);
        send_rings(f, now_ms, header, &noise);
    }
    noise_fini(&noise);
}

void fleet_answer_time(struct fleet *f, int64_t now_ms, const struct mailbox_header *header,
                       const uint8_t *message, size_t n)
{
    const struct rings *const r = fleet_rings(f);
    uint8_t plain[MAILBOX_TIME_ANSWER_LEN];
    struct mailbox_time answer = {.question = header->nonce};
    struct mailbox_header opened;
    struct mailbox_header own;
    enum rp_status status = RP_FORMAT;
    unsigned secret = 0;

    if (!f->is_member || limit_was_answered(&f->answered, &header->nonce)) {
        return;
    }
    if (n == SEAL_OVERHEAD) {
        status = fleet_open(f, message, n, &opened, plain, &secret);
    }
    if (status == RP_FORMAT) {
        refuse(f, now_ms);
    }
    if (status != RP_OK || !limit_take(&f->times, now_ms) ||
        fleet_header(f, MAILBOX_TIME_ANSWER, &header->from, &own) != RP_OK) {
        return;
    }
    limit_answer(&f->answered, &header->nonce);
    memcpy(answer.ring.bytes, r->ring[r->sealing].id, sizeof answer.ring.bytes);
    answer.ring_ms = rings_time(r, r->sealing, fleet_time_ms(f, now_ms));
    mailbox_time_encode(&answer, plain);
    (void)fleet_letter_seal(f, secret, &own, plain, sizeof plain);
}
