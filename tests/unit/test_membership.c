#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "keyring_rings.h"
#include "mailbox.h"
#include "membership.h"
#include "memory.h"
#include "message.h"
#include "message_mail.h"

#define DEADLINE_MS 10000
#define JOIN_MS 200

/* A keeper's membership, and the other end, which plays parent, courier and store. */
struct host {
    struct loop *loop;
    struct loop_timer deadline;
    struct log log;
    struct config config;
    struct fleet_secrets secrets;
    struct rp_keyring *keyring;
    struct metrics *metrics;
    struct channel *keeper;
    struct channel *courier;
    struct membership *membership;
    bool is_up;         /* the store, and it answers */
    bool loses_entries; /* of listings */
    unsigned n_settled;
    unsigned n_changed;
    unsigned n_gone;
    unsigned n_watched;
    unsigned n_put;
    unsigned n_erased;
    unsigned n_erased_when_gone;
    char watched[MESSAGE_MAIL_NAME_MAX + 1];
    struct message_place erased;
};

static uint8_t body[CHANNEL_MAIL_MAX];
static struct metrics_totals totals;

static void deadline_due(struct loop_timer *timer)
{
    (void)timer;
    fail_msg("it took too long");
}

static void tell(struct host *h, enum channel_type type, size_t n)
{
    membership_take(h->membership, type, body, n);
}

static void tell_state(struct host *h, bool is_up)
{
    h->is_up = is_up;
    tell(h, CHANNEL_MAIL_STATE, message_store_encode(is_up, body));
}

static void answer_put(struct host *h, const uint8_t *p, size_t n)
{
    const struct message_claimed claimed = {.ok = true, .is_ours = true};
    struct message_put m;

    assert_true(message_put_decode(p, n, &m));
    h->n_put += !m.is_claim;
    if (m.is_claim) {
        tell(h, CHANNEL_MAIL_CLAIMED, message_claimed_encode(&claimed, body));
    }
}

/* Nobody is there. */
static void answer_list(struct host *h)
{
    const struct message_listed listed = {
        .ok = true, .n = h->loses_entries, .total = h->loses_entries};

    tell(h, CHANNEL_MAIL_LISTED, message_listed_encode(&listed, body));
}

static void on_message(void *cookie, enum channel_type type, const uint8_t *p, size_t n)
{
    struct host *h = cookie;

    if (type == CHANNEL_MAIL_WATCH) {
        h->n_watched++;
        assert_true(message_watch_decode(p, n, h->watched));
    } else if (type == CHANNEL_MAIL_ERASE) {
        h->n_erased++;
        assert_true(message_erase_decode(p, n, &h->erased));
        tell(h, CHANNEL_MAIL_ERASED, 0);
    } else if (type == CHANNEL_MAIL_PUT && h->is_up) {
        answer_put(h, p, n);
    } else if (type == CHANNEL_MAIL_LIST && h->is_up) {
        answer_list(h);
    }
}

static void on_closed(void *cookie, const char *why)
{
    (void)cookie;
    (void)why;
}

static void nothing(void *cookie, enum channel_type type, const uint8_t *p, size_t n)
{
    (void)cookie;
    (void)type;
    (void)p;
    (void)n;
}

static void on_changed(void *cookie)
{
    struct host *h = cookie;
    int64_t next_ms;

    h->n_changed++;
    assert_int_equal(rp_keyring_advance(h->keyring, rp_clock_boot_ms(NULL), &next_ms), RP_OK);
}

static void on_settled(void *cookie)
{
    struct host *h = cookie;

    h->n_settled++;
    loop_stop(h->loop);
}

static void on_gone(void *cookie)
{
    struct host *h = cookie;

    h->n_gone++;
    h->n_erased_when_gone = h->n_erased;
    loop_stop(h->loop);
}

static void make_channels(struct host *h)
{
    const struct channel_peer keeper = {
        .message = nothing, .closed = on_closed, .cookie = h, .mail_room = MESSAGE_MAIL_ROOM};
    const struct channel_peer courier = {.rules = message_rules_of_courier,
                                         .n_rules = sizeof message_rules_of_courier /
                                                    sizeof message_rules_of_courier[0],
                                         .message = on_message,
                                         .closed = on_closed,
                                         .cookie = h};
    int fds[2];

    assert_true(channel_pair(fds));
    assert_int_equal(channel_new(h->loop, fds[0], &keeper, &h->keeper), RP_OK);
    assert_int_equal(channel_new(h->loop, fds[1], &courier, &h->courier), RP_OK);
}

static struct membership_start start_of(struct host *h)
{
    return (struct membership_start){.config = &h->config,
                                     .secrets = &h->secrets,
                                     .keyring = h->keyring,
                                     .loop = h->loop,
                                     .channel = h->keeper,
                                     .log = &h->log,
                                     .metrics = h->metrics,
                                     .changed = on_changed,
                                     .settled = on_settled,
                                     .gone = on_gone,
                                     .cookie = h};
}

static void begin(struct host *h)
{
    const struct membership_start start = start_of(h);

    assert_int_equal(membership_new(&start, &h->membership), RP_OK);
}

static int set_up(void **state)
{
    static struct host h;
    const struct rp_keyring_options options = {
        .rotate_ms = 60000, .accept_ms = 60000, .spare_keys = keyring_rings_spare(60000, 60000)};

    h = (struct host){.log = {.fd = -1, .least = LOG_LEVEL_ERROR + 1},
                      .config = {.rotate_ms = 60000, .accept_ms = 60000},
                      .secrets = {.n = 1}};
    h.deadline.due = deadline_due;
    h.config.fleet.name = (char *)"shop";
    h.config.fleet.join_timeout_ms = JOIN_MS;
    memset(h.secrets.secret[0], 0xa5, sizeof h.secrets.secret[0]);
    *state = &h;
    if (loop_new(&h.loop) != RP_OK || metrics_new(&h.metrics, NULL) != RP_OK ||
        rp_keyring_new(&options, &h.keyring, NULL) != RP_OK ||
        rp_keyring_keep(h.keyring, rp_clock_boot_ms(NULL), NULL, NULL) != RP_OK ||
        rp_keyring_domain_add(h.keyring, "site:a") != RP_OK) {
        return -1;
    }
    make_channels(&h);
    return 0;
}

static int tear_down(void **state)
{
    struct host *h = *state;

    membership_free(&h->membership);
    channel_free(&h->keeper);
    channel_free(&h->courier);
    rp_keyring_free(&h->keyring);
    metrics_free(&h->metrics);
    loop_free(&h->loop);
    return 0;
}

/* Until it is settled, or gone. */
static void run(struct host *h)
{
    assert_true(loop_timer_set(h->loop, &h->deadline, DEADLINE_MS));
    loop_run(h->loop);
    loop_timer_clear(&h->deadline);
}

static uint32_t rank_of(const struct host *h)
{
    const struct rings *rings = keyring_rings_state(h->keyring);

    return rings_rank(rings->ring[rings->sealing].id);
}

static uint64_t figure(struct host *h, unsigned cell)
{
    metrics_read(h->metrics, &totals);
    return totals.keeper[cell];
}

static void without_a_store_it_settles_alone(void **state)
{
    struct host *h = *state;

    begin(h);
    tell_state(h, false);
    run(h);
    assert_int_equal(h->n_settled, 1);
    assert_int_equal(rank_of(h), RINGS_RANK_ALONE);
    assert_int_equal(figure(h, METRICS_FLEET), 1);
    assert_int_equal(figure(h, METRICS_FLEET_JOINED), 0);
    assert_int_equal(figure(h, METRICS_FLEET_STORE_UP), 0);
    assert_int_equal(figure(h, METRICS_FLEET_EVENTS + METRICS_FLEET_EVENT_ALONE), 1);
}

static void where_nobody_is_it_founds(void **state)
{
    struct host *h = *state;

    begin(h);
    tell_state(h, true);
    run(h);
    assert_int_equal(h->n_settled, 1);
    assert_int_equal(rank_of(h), RINGS_RANK_FOUNDED);
    assert_true(h->n_changed >= 1);
    assert_int_equal(h->n_watched, 1);
    assert_memory_equal(h->watched, "reprise/1/shop/in-", 18);
    assert_int_equal(figure(h, METRICS_FLEET_JOINED), 1);
    assert_int_equal(figure(h, METRICS_FLEET_MEMBERS), 1);
    assert_int_equal(figure(h, METRICS_FLEET_IN_STEP), 1);
    assert_int_equal(figure(h, METRICS_FLEET_RING) >> 32, RINGS_RANK_FOUNDED);
}

static void a_listing_that_lost_an_entry_founds_nothing(void **state)
{
    struct host *h = *state;

    h->loses_entries = true;
    begin(h);
    tell_state(h, true);
    run(h);
    assert_int_equal(rank_of(h), RINGS_RANK_ALONE);
}

static void who_goes_on_with_the_fleets_ring_is_a_member(void **state)
{
    struct host *h = *state;

    begin(h);
    tell_state(h, true);
    run(h);
    membership_free(&h->membership);
    h->n_settled = 0;
    begin(h);
    run(h);
    assert_int_equal(h->n_settled, 1); /* without any mail */
    assert_int_equal(rank_of(h), RINGS_RANK_FOUNDED);
    assert_int_equal(figure(h, METRICS_FLEET_JOINED), 1);
    assert_int_equal(figure(h, METRICS_FLEET_EVENTS + METRICS_FLEET_EVENT_FOUNDED), 1);
}

static void who_leaves_takes_its_presence_away(void **state)
{
    struct host *h = *state;
    unsigned n_put;

    begin(h);
    tell_state(h, true);
    run(h);
    membership_leave(h->membership);
    assert_int_equal(h->n_gone, 0);
    run(h);
    assert_int_equal(h->n_gone, 1);
    assert_int_equal(h->n_erased_when_gone, 2); /* its claim to begin the fleet went before */
    assert_string_equal(h->erased.box, "reprise/1/shop/members");
    n_put = h->n_put;
    membership_leave(h->membership);
    tell_state(h, true);
    assert_int_equal(h->n_put, n_put);
}

static void who_leaves_does_not_wait_for_a_store_that_is_down(void **state)
{
    struct host *h = *state;

    begin(h);
    membership_leave(h->membership);
    assert_int_equal(h->n_gone, 1);
}

static void who_leaves_hears_that_the_store_goes_down(void **state)
{
    struct host *h = *state;

    begin(h);
    tell_state(h, true);
    membership_leave(h->membership);
    assert_int_equal(h->n_gone, 0);
    tell_state(h, false);
    assert_int_equal(h->n_gone, 1);
}

static void the_malformed_is_dropped(void **state)
{
    static const enum channel_type types[] = {
        CHANNEL_MAIL_STATE,  CHANNEL_MAIL_ENTRY,  CHANNEL_MAIL_LISTED, CHANNEL_MAIL_CLAIMED,
        CHANNEL_MAIL_ERASED, CHANNEL_MAIL_LETTER, CHANNEL_MAIL_WATCH,  CHANNEL_PING};
    struct host *h = *state;

    begin(h);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        for (size_t n = 0; n < 64; n++) {
            memset(body, n % 2 == 0 ? 0xff : 0, sizeof body);
            tell(h, types[i], n);
        }
    }
    tell_state(h, false);
    run(h);
    assert_int_equal(rank_of(h), RINGS_RANK_ALONE);
}

static void what_nobody_asked_for_changes_nothing(void **state)
{
    const struct message_claimed claimed = {.ok = true, .is_ours = true};
    const struct message_listed listed = {.ok = true};
    static const uint8_t junk[4000] = {1, MAILBOX_PULL};
    struct host *h = *state;

    begin(h);
    for (unsigned i = 0; i < 100; i++) {
        tell(h, CHANNEL_MAIL_CLAIMED, message_claimed_encode(&claimed, body));
        tell(h, CHANNEL_MAIL_LETTER, message_entry_encode("00", junk, sizeof junk, body));
        tell(h, CHANNEL_MAIL_ERASED, 0);
    }
    tell(h, CHANNEL_MAIL_LISTED, message_listed_encode(&listed, body));
    tell_state(h, false);
    run(h);
    assert_int_equal(rank_of(h), RINGS_RANK_ALONE);
}

static void survives_failing_allocations(void **state)
{
    struct host *h = *state;
    const struct membership_start start = start_of(h);
    enum rp_status status;
    long n = 0;

    do {
        memory_fail_after(n++);
        status = membership_new(&start, &h->membership);
        memory_fail_after(-1);
        assert_true(status == RP_OK || h->membership == NULL);
        assert_true(n < 1000);
    } while (status != RP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_store_it_settles_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(where_nobody_is_it_founds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_listing_that_lost_an_entry_founds_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(who_goes_on_with_the_fleets_ring_is_a_member, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(who_leaves_takes_its_presence_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_leaves_does_not_wait_for_a_store_that_is_down, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(who_leaves_hears_that_the_store_goes_down, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_malformed_is_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_nobody_asked_for_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(survives_failing_allocations, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
