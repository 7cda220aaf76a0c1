#include "fleet_presence.h"

#include <string.h>

#include <openssl/crypto.h>

#include "fleet_letter.h"
#include "fleet_rings.h"
#include "memory.h"

#define BOX "members"
#define SOON_MS 100   /* changes that follow on one another go together */
#define AGAIN_MS 1000 /* a change is written twice: the first one may get lost */
#define AGAINS 4      /* at least, in a pace */

static bool change_invite(struct fleet *f, int64_t now_ms)
{
    if (now_ms < f->invite_until_ms) {
        return true;
    }
    f->old_invite = f->self.presence.invite;
    f->invite_until_ms = now_ms + FLEET_SILENCE * fleet_pace_ms(f);
    return fleet_random_bytes(&f->random, f->self.presence.invite.bytes, MAILBOX_ID_LEN) == RP_OK;
}

static void tell_rings(struct fleet *f, struct mailbox_presence *p, int64_t now_ms)
{
    const struct rings *const r = fleet_rings(f);

    p->n_held = 0;
    for (uint32_t i = 0; i < r->n && p->n_held < MAILBOX_HELD_MAX; i++) {
        if (r->ring[i].held) {
            struct mailbox_held *const h = &p->held[p->n_held];

            memcpy(h->ring.bytes, r->ring[i].id, sizeof h->ring.bytes);
            h->ring_ms = rings_time(r, i, fleet_time_ms(f, now_ms));
            h->epoch = r->ring[i].epoch;
            h->seals = i == r->sealing;
            p->n_held++;
        }
    }
}

static void describe(struct fleet *f, int64_t now_ms)
{
    struct mailbox_presence *const p = &f->self.presence;
    const int64_t late_ms = fleet_rings_late_ms(f, now_ms);

    p->seq++;
    p->is_member = f->is_member;
    p->uncertainty_ms = late_ms < UINT32_MAX ? (uint32_t)late_ms : UINT32_MAX;
    tell_rings(f, p, now_ms);
    f->self.seen_ms = now_ms;
}

void fleet_presence_put(struct fleet *f, int64_t now_ms)
{
    uint8_t plain[MAILBOX_PRESENCE_MAX];
    uint8_t message[MAILBOX_PRESENCE_MAX + SEAL_OVERHEAD];
    char box[LETTER_BOX_MAX];
    char name[LETTER_NAME_MAX];
    struct mailbox_header header;
    const int64_t pace_ms = fleet_pace_ms(f);
    const int64_t again_ms = pace_ms / AGAINS < AGAIN_MS ? pace_ms / AGAINS : AGAIN_MS;
    size_t n;

    f->presence_due_ms =
        now_ms + fleet_random_around(&f->random, f->is_changed ? again_ms : pace_ms);
    f->is_changed = false;
    f->presence_ms = now_ms;
    if (!change_invite(f, now_ms) || fleet_header(f, MAILBOX_PRESENCE, NULL, &header) != RP_OK) {
        return;
    }
    describe(f, now_ms);
    n = mailbox_presence_encode(&f->self.presence, plain);
    if (n == 0 || seal_message(&f->seals[0], &header, plain, n, message) != RP_OK) {
        return;
    }
    fleet_box(f, BOX, box);
    fleet_id_name("", f->self.id.bytes, name);
    f->post.put(f->post.cookie, box, name, message, n + SEAL_OVERHEAD, FLEET_SILENCE * pace_ms);
}

void fleet_presence_soon(struct fleet *f, int64_t now_ms)
{
    const int64_t earliest_ms = f->presence_ms + SOON_MS;
    const int64_t due_ms = now_ms > earliest_ms ? now_ms : earliest_ms;

    f->presence_due_ms = due_ms < f->presence_due_ms ? due_ms : f->presence_due_ms;
    f->is_changed = true;
}

void fleet_presence_erase(struct fleet *f)
{
    char box[LETTER_BOX_MAX];
    char name[LETTER_NAME_MAX];

    fleet_box(f, BOX, box);
    fleet_id_name("", f->self.id.bytes, name);
    f->post.erase(f->post.cookie, box, name);
}

static bool names(const char *name, const struct mailbox_id *id)
{
    char right[LETTER_NAME_MAX];

    fleet_id_name("", id->bytes, right);
    return strcmp(name, right) == 0;
}

static void judge(struct fleet *f, int64_t now_ms, struct view_member *m)
{
    if (m->is_mismatch && !m->was_mismatch) {
        fleet_note_event(
            f, now_ms,
            &(struct fleet_note){.event = FLEET_MISMATCH, .name = m->about.presence.name});
    }
    m->was_mismatch = m->is_mismatch;
}

void fleet_presence_hear(struct fleet *f, int64_t now_ms, const char *name, const uint8_t *value,
                         size_t n)
{
    uint8_t plain[MAILBOX_PRESENCE_MAX];
    struct mailbox_presence presence;
    struct mailbox_header header;
    struct view_member *m = NULL;
    enum rp_status status = RP_FORMAT;
    unsigned secret;

    if (n >= SEAL_OVERHEAD && n <= sizeof plain + SEAL_OVERHEAD) {
        status = fleet_open(f, value, n, &header, plain, &secret);
    }
    if (status == RP_FORMAT) {
        fleet_note_event(f, now_ms, &(struct fleet_note){.event = FLEET_FOREIGN});
    }
    if (status != RP_OK || mailbox_id_equal(&header.from, &f->self.id)) {
        return;
    }
    if (header.type != MAILBOX_PRESENCE || !names(name, &header.from) ||
        !mailbox_presence_decode(plain, n - SEAL_OVERHEAD, &presence)) {
        fleet_note_event(f, now_ms, &(struct fleet_note){.event = FLEET_REFUSED});
        return;
    }
    m = view_hear(&f->view, &header.from, &presence, secret, now_ms);
    if (m != NULL) {
        judge(f, now_ms, m);
    }
}

bool fleet_presence_invited(const struct fleet *f, const uint8_t invite[static MAILBOX_ID_LEN])
{
    const struct mailbox_id *const invites[] = {&f->self.presence.invite, &f->old_invite};
    static const struct mailbox_id none;

    for (unsigned i = 0; i < 2; i++) {
        if (!mailbox_id_equal(invites[i], &none) &&
            CRYPTO_memcmp(invite, invites[i]->bytes, MAILBOX_ID_LEN) == 0) {
            return true;
        }
    }
    return false;
}
