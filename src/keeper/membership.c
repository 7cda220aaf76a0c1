#include "membership.h"

#include <stddef.h>
#include <string.h>

#include "fleet.h"
#include "fleet_report.h"
#include "keyring_rings.h"
#include "member_report.h"
#include "memory.h"
#include "message_mail.h"

#define MARGIN_MS 1000 /* that a start waits beyond the time for a join, whatever happens */

struct membership {
    struct loop_timer tick;
    struct loop_timer bound; /* of the start */
    struct membership_start start;
    struct fleet *fleet;
    struct fleet_report report;
    struct member_report *members; /* NULL: nobody is told */
    uint64_t generation;           /* of the window, when its owner heard of a change last */
    int64_t offset_ms;             /* the same */
    size_t n_entries;              /* of the listing that is coming */
    unsigned n_erasing;            /* what the courier has not answered */
    bool is_up;
    bool is_settled;
    bool is_leaving;
    uint8_t body[CHANNEL_MAIL_MAX]; /* of the message that is being written */
};

static struct membership *membership_of(void *cookie)
{
    return cookie;
}

/* Letters and boxes, to the courier. Mail may get lost, also here. */

static bool mail(struct membership *m, enum channel_type type, size_t n)
{
    return n != 0 && channel_mail(m->start.channel, type, m->body, n);
}

static void post_watch(void *cookie, const char *box)
{
    struct membership *m = membership_of(cookie);

    (void)mail(m, CHANNEL_MAIL_WATCH, message_watch_encode(box, m->body));
}

static void put(struct membership *m, const char *box, const char *name,
                const struct message_put *what)
{
    (void)mail(m, CHANNEL_MAIL_PUT, message_put_encode(box, name, what, m->body));
}

static void post_put(void *cookie, const char *box, const char *name, const uint8_t *value,
                     size_t n, int64_t lifetime_ms)
{
    const struct message_put what = {.lifetime_ms = lifetime_ms, .value = value, .len = n};

    put(membership_of(cookie), box, name, &what);
}

static void post_claim(void *cookie, const char *box, const char *name, const uint8_t *value,
                       size_t n, int64_t lifetime_ms)
{
    const struct message_put what = {
        .is_claim = true, .lifetime_ms = lifetime_ms, .value = value, .len = n};

    put(membership_of(cookie), box, name, &what);
}

static void post_list(void *cookie, const char *box, size_t most)
{
    struct membership *m = membership_of(cookie);

    m->n_entries = 0;
    (void)mail(m, CHANNEL_MAIL_LIST, message_list_encode(box, (unsigned)most, m->body));
}

static void post_erase(void *cookie, const char *box, const char *name)
{
    struct membership *m = membership_of(cookie);

    m->n_erasing += mail(m, CHANNEL_MAIL_ERASE, message_erase_encode(box, name, m->body)) ? 1 : 0;
}

/* Rings, of the keyring. */

static const struct rings *keys_state(void *cookie)
{
    return keyring_rings_state(membership_of(cookie)->start.keyring);
}

static struct rings *keys_draft(void *cookie)
{
    return keyring_rings_draft(membership_of(cookie)->start.keyring);
}

static enum rp_status keys_commit(void *cookie)
{
    return keyring_rings_commit(membership_of(cookie)->start.keyring);
}

static void keys_abandon(void *cookie)
{
    keyring_rings_abandon(membership_of(cookie)->start.keyring);
}

static int64_t keys_offset_ms(void *cookie)
{
    return keyring_rings_offset_ms(membership_of(cookie)->start.keyring);
}

static void keys_set_offset_ms(void *cookie, int64_t offset_ms)
{
    keyring_rings_set_offset_ms(membership_of(cookie)->start.keyring, offset_ms);
}

static void on_note(void *cookie, const struct fleet_note *note)
{
    const struct membership *m = membership_of(cookie);

    fleet_report_note(m->start.log, m->fleet, note);
}

/* Afterwards. */

static void settle(struct membership *m)
{
    if (!m->is_settled) {
        m->is_settled = true;
        loop_timer_clear(&m->bound);
        m->start.settled(m->start.cookie);
    }
}

static void bound_due(struct loop_timer *timer)
{
    settle((struct membership *)((char *)timer - offsetof(struct membership, bound)));
}

static void tell_owner(struct membership *m)
{
    const int64_t offset_ms = keyring_rings_offset_ms(m->start.keyring);
    struct rp_keyring_info info;

    rp_keyring_info(m->start.keyring, &info);
    if (info.generation != m->generation || offset_ms != m->offset_ms) {
        m->generation = info.generation;
        m->offset_ms = offset_ms;
        m->start.changed(m->start.cookie);
    }
}

static void tell_members(struct membership *m, int64_t now_ms)
{
    const struct member_report_now now = {
        .rings = keyring_rings_state(m->start.keyring),
        .now_ms = now_ms,
        .offset_ms = m->offset_ms,
    };

    if (m->members != NULL && m->n_entries == 0) {
        member_report(m->members, m->fleet, metrics_members(m->start.metrics), &now);
    }
}

/* Whatever the fleet was told, this follows. */
static void follow(struct membership *m)
{
    const int64_t now_ms = rp_clock_boot_ms(NULL);
    const int64_t next_ms = fleet_next_ms(m->fleet);

    if (m->is_leaving) {
        return;
    }
    tell_owner(m);
    if (m->start.metrics != NULL) {
        const struct fleet_report_clock clock = {now_ms, m->offset_ms};

        fleet_report(&m->report, m->fleet, keyring_rings_state(m->start.keyring), m->start.metrics,
                     &clock);
    }
    tell_members(m, now_ms);
    if (fleet_is_settled(m->fleet)) {
        settle(m);
    }
    if (!loop_timer_set(m->start.loop, &m->tick, next_ms > now_ms ? next_ms - now_ms : 0)) {
        loop_stop(m->start.loop); /* the whole process is best replaced */
    }
}

static void tick_due(struct loop_timer *timer)
{
    struct membership *m = (struct membership *)timer;

    fleet_tick(m->fleet, rp_clock_boot_ms(NULL));
    follow(m);
}

/* Mail of the courier. */

static void take_state(struct membership *m, const uint8_t *body, size_t n)
{
    bool is_up;

    if (message_store_decode(body, n, &is_up)) {
        m->is_up = is_up;
        m->n_erasing = 0;
        m->report.store_is_up = is_up;
        fleet_on_store(m->fleet, rp_clock_boot_ms(NULL), is_up);
    }
}

static void take_entry(struct membership *m, const uint8_t *body, size_t n)
{
    struct message_entry entry;

    if (message_entry_decode(body, n, &entry)) {
        m->n_entries++;
        fleet_on_listing(m->fleet, rp_clock_boot_ms(NULL), entry.name, entry.value, entry.len);
    }
}

static void take_listed(struct membership *m, const uint8_t *body, size_t n)
{
    struct message_listed listed;

    if (message_listed_decode(body, n, &listed)) {
        fleet_on_listed(m->fleet, rp_clock_boot_ms(NULL), listed.ok && listed.n == m->n_entries,
                        listed.total);
        m->n_entries = 0;
    }
}

static void take_claimed(struct membership *m, const uint8_t *body, size_t n)
{
    struct message_claimed claimed;

    if (message_claimed_decode(body, n, &claimed)) {
        fleet_on_claimed(m->fleet, rp_clock_boot_ms(NULL), claimed.ok, claimed.is_ours);
    }
}

static void take_letter(struct membership *m, const uint8_t *body, size_t n)
{
    struct message_entry letter;

    if (message_entry_decode(body, n, &letter)) {
        fleet_on_letter(m->fleet, rp_clock_boot_ms(NULL), letter.value, letter.len);
    }
}

static void take_leave_further(struct membership *m, enum channel_type type, const uint8_t *body,
                               size_t n)
{
    bool is_up = true;

    if ((type == CHANNEL_MAIL_ERASED && m->n_erasing == 0) ||
        (type == CHANNEL_MAIL_STATE && message_store_decode(body, n, &is_up) && !is_up)) {
        m->start.gone(m->start.cookie);
    }
}

void membership_take(struct membership *m, enum channel_type type, const uint8_t *body, size_t n)
{
    if (type == CHANNEL_MAIL_ERASED && m->n_erasing != 0) {
        m->n_erasing--;
    }
    if (m->is_leaving) {
        take_leave_further(m, type, body, n);
        return;
    }
    if (type == CHANNEL_MAIL_STATE) {
        take_state(m, body, n);
    } else if (type == CHANNEL_MAIL_ENTRY) {
        take_entry(m, body, n);
    } else if (type == CHANNEL_MAIL_LISTED) {
        take_listed(m, body, n);
    } else if (type == CHANNEL_MAIL_CLAIMED) {
        take_claimed(m, body, n);
    } else if (type == CHANNEL_MAIL_LETTER) {
        take_letter(m, body, n);
    }
    follow(m);
}

void membership_leave(struct membership *m)
{
    if (m->is_leaving) {
        return;
    }
    m->is_leaving = true;
    loop_timer_clear(&m->tick);
    loop_timer_clear(&m->bound);
    fleet_leave(m->fleet);
    if (!m->is_up) {
        m->start.gone(m->start.cookie);
    }
}

/* Its beginning and end. */

/* Who keeps on with rings of the fleet is a member; who never found it still looks for it. */
static bool is_member(const struct rp_keyring *keyring)
{
    const struct rings *rings = keyring_rings_state(keyring);

    return rings != NULL && rings_rank(rings->ring[rings->sealing].id) != RINGS_RANK_ALONE;
}

static enum rp_status init(struct membership *m)
{
    const struct config *config = m->start.config;
    const struct fleet_secrets *secrets = m->start.secrets;
    const int64_t now_ms = rp_clock_boot_ms(NULL);
    char host[CONFIG_FLEET_TEXT_MAX + 1];
    struct fleet_options options = {
        .fleet = config->fleet.name,
        .secrets = {secrets->secret[0], secrets->n > 1 ? secrets->secret[1] : NULL},
        .name = host,
        .address = config->fleet.address != NULL ? config->fleet.address : "",
        .version = REPRISE_VERSION,
        .rotate_ms = config->rotate_ms,
        .accept_ms = config->accept_ms,
        .reseed_ms = config->fleet.reseed_ms,
        .budget_ms = config->fleet.join_timeout_ms,
        .is_member = is_member(m->start.keyring),
        .only_own_rings = secrets->at_once,
        .post = {post_watch, post_put, post_claim, post_list, post_erase, m},
        .keys = {keys_state, keys_draft, keys_commit, keys_abandon, keys_offset_ms,
                 keys_set_offset_ms, m},
        .note = on_note,
        .note_cookie = m,
    };

    fleet_report_host(config, host);
    return fleet_new(&options, now_ms, &m->fleet);
}

enum rp_status membership_new(const struct membership_start *start, struct membership **out)
{
    struct membership *m = memory_new(1, sizeof *m);
    enum rp_status status;

    *out = NULL;
    if (m == NULL) {
        return RP_NO_MEMORY;
    }
    m->start = *start;
    m->tick.due = tick_due;
    m->bound.due = bound_due;
    status = start->metrics != NULL ? member_report_new(&m->members) : RP_OK;
    if (status == RP_OK) {
        status = init(m);
    }
    if (status == RP_OK && (!loop_timer_set(start->loop, &m->tick, 0) ||
                            !loop_timer_set(start->loop, &m->bound,
                                            start->config->fleet.join_timeout_ms + MARGIN_MS))) {
        status = RP_NO_MEMORY;
    }
    if (status != RP_OK) {
        membership_free(&m);
    }
    *out = m;
    return status;
}

void membership_free(struct membership **out)
{
    struct membership *m = *out;

    *out = NULL;
    if (m != NULL) {
        loop_timer_clear(&m->tick);
        loop_timer_clear(&m->bound);
        fleet_free(&m->fleet);
        member_report_free(&m->members);
        memory_wipe(m->body, sizeof m->body);
        memory_free(m);
    }
}
