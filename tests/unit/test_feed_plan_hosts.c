/* Plans of the hosts of a fleet, which have to fit each other's. */
#include "feed_kit.h"

#include "feed_kinds.h"
#include "lighttpd_kit.h"

#define ROTATE 60000
#define ACCEPT 240000
#define OFFSET INT64_C(1800000000000)

static const struct feed_needs any = {.room = FEED_ROOM_ANY};
static const struct feed_needs three = {.room = FEED_ROOM_THREE};
static const struct feed_needs one = {.room = FEED_ROOM_ONE};

/* A fleet's rings as one host has them. */
struct host {
    struct rings *rings;
    struct window_keys *listed;
};

static void host_begin(struct host *h, int64_t genesis_ms, int64_t rotate_ms, int64_t accept_ms)
{
    h->rings = memory_new(1, rings_size(RINGS_KIT_ROOTS));
    assert_non_null(h->rings);
    h->rings->max_roots = RINGS_KIT_ROOTS;
    assert_int_equal(rings_begin(h->rings, RINGS_RANK_FOUNDED, genesis_ms, rotate_ms, accept_ms),
                     RP_OK);
    h->listed = feed_kit_window(rotate_ms, accept_ms);
}

/* By what the join exchange gives: the ring's chain and the roots that are live. */
static void host_join(struct host *h, const struct host *from, int64_t base_ms, int64_t fleet_ms)
{
    host_begin(h, fleet_ms - 1, from->rings->rotate_ms, from->rings->accept_ms);
    assert_int_equal(
        rings_kit_take_up(h->rings, from->rings, from->rings->sealing, base_ms, fleet_ms), RP_OK);
    rings_seal_by(h->rings, h->rings->n - 1, fleet_ms);
    rings_drop(h->rings, 0);
}

static void host_end(struct host *h)
{
    memory_free(h->rings);
    feed_kit_window_free(h->listed);
}

static struct feed_keys *host_plan(struct host *h, const struct feed_needs *needs, int64_t fleet_ms)
{
    assert_int_equal(rings_advance(h->rings, fleet_ms), RP_OK);
    feed_kit_list(h->listed, h->rings);
    return feed_kit_plan(needs, h->listed, OFFSET);
}

#define FAR 123456789 /* between the fleet times of two hosts */

/* Hosts that join in the middle of it, with the live window alone, choose the same key each time,
 * it opens until after the epoch, and it stays for as long as that may be. */
static void agree_on_the_only_key(int64_t rotate_ms, int64_t accept_ms, int64_t n_epochs)
{
    const int64_t interval_ms = feed_plan_interval_ms(&one, rotate_ms, accept_ms);
    uint8_t name[16] = {0};
    int64_t n_changes = 0;
    struct host a;
    struct host b;

    host_begin(&a, 0, rotate_ms, accept_ms);
    host_join(&b, &a, FAR, FAR);
    for (int64_t e = 0; e < n_epochs; e++) {
        const int64_t now_ms = e * rotate_ms + e * 7919 % rotate_ms;
        struct feed_keys *const by_a = host_plan(&a, &one, now_ms);
        struct feed_keys *by_b;

        if (e % 29 == 28) {
            host_end(&b);
            host_join(&b, &a, FAR, now_ms + FAR);
        }
        by_b = host_plan(&b, &one, now_ms + FAR);
        assert_int_equal(by_a->n, 1);
        assert_int_equal(by_b->n, 1);
        assert_memory_equal(&by_a->keys[0].stek, &by_b->keys[0].stek, sizeof(struct stek));
        assert_true(by_a->keys[0].ends_s >= (OFFSET + (e + 1) * rotate_ms) / 1000);
        n_changes += memcmp(name, by_a->keys[0].stek.name, 16) != 0 ? 1 : 0;
        memcpy(name, by_a->keys[0].stek.name, 16);
        memory_free(by_a);
        memory_free(by_b);
    }
    assert_int_equal(n_changes, (n_epochs * rotate_ms + interval_ms - 1) / interval_ms);
    host_end(&a);
    host_end(&b);
}

static void all_hosts_choose_the_same_only_key(void **state)
{
    static const struct {
        int64_t rotate_ms;
        int64_t accept_ms;
        int64_t n_epochs;
    } cases[] = {{60000, 0, 500},       {60000, 59999, 500},       {60000, 60000, 2000},
                 {60000, 150000, 2000}, {3600000, 86400000, 2000}, {60000, 255 * 60000, 1200}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        agree_on_the_only_key(cases[i].rotate_ms, cases[i].accept_ms, cases[i].n_epochs);
    }
}

static void assert_opens(const struct feed_keys *at, const struct feed_keys *from)
{
    assert_non_null(feed_kit_find(at, from->keys[0].stek.name));
}

/*
 * Of two hosts, one's server is told later by lag_ms, through a re-seed: neither issues a ticket
 * that the other could not open.
 */
static void open_each_other_s(const struct feed_needs *needs, int64_t lag_ms)
{
    struct host a;
    struct host b;
    unsigned seeded = 0;

    host_begin(&a, 0, ROTATE, ACCEPT);
    host_join(&b, &a, 0, 0);
    for (int64_t now_ms = 2 * ROTATE; now_ms < 12 * ROTATE; now_ms += 1000) {
        struct feed_keys *told;
        struct feed_keys *late;

        if (seeded == 0 && now_ms == 6 * ROTATE - 3 * ROTATE / 4) {
            assert_int_equal(rings_seed(a.rings, 1, 6 * ROTATE, &seeded), RP_OK);
            assert_int_equal(rings_kit_take_up(b.rings, a.rings, seeded, 0, now_ms), RP_OK);
        }
        if (now_ms == 6 * ROTATE) {
            rings_seal_by(a.rings, 1, now_ms);
        }
        if (now_ms - lag_ms == 6 * ROTATE) {
            rings_seal_by(b.rings, b.rings->n - 1, now_ms);
        }
        told = host_plan(&a, needs, now_ms);
        late = host_plan(&b, needs, now_ms - lag_ms);
        assert_opens(told, late);
        assert_opens(late, told);
        memory_free(told);
        memory_free(late);
    }
    host_end(&a);
    host_end(&b);
}

static void who_is_told_late_opens_all_the_same(void **state)
{
    (void)state;
    for (int64_t lag_ms = 0; lag_ms <= ROTATE / 2; lag_ms += 5000) {
        open_each_other_s(&any, lag_ms);
        open_each_other_s(&three, lag_ms);
    }
}

static void look(struct lighttpd *server, const struct feed_keys *keys, int64_t now_s)
{
    const struct feed_target target = {.folder = "/run", .file = "stek", .now_s = now_s};
    struct feed_files files = {0};

    assert_int_equal(feed_make_files(&feed_lighttpd, keys, &target, &files), RP_OK);
    lighttpd_poll(server, &files.items[0], now_s);
    feed_files_fini(&files);
}

/* Through a re-seed, with servers that look at other times. */
static void what_one_lighttpd_seals_the_other_opens(void **state)
{
    static const int64_t rotates_s[] = {128, 150, 300, 700};

    (void)state;
    for (size_t i = 0; i < sizeof rotates_s / sizeof rotates_s[0]; i++) {
        const int64_t rotate_s = rotates_s[i];
        struct lighttpd servers[2] = {0};
        unsigned seeded = 0;
        struct host host;

        host_begin(&host, 0, rotate_s * 1000, 2 * rotate_s * 1000);
        for (int64_t s = 0; s < 12 * rotate_s; s += 2) {
            const int64_t now_s = OFFSET / 1000 + s;
            struct feed_keys *keys;

            if (seeded == 0 && s >= 6 * rotate_s - 3 * rotate_s / 4) {
                assert_int_equal(rings_seed(host.rings, 1, 6 * rotate_s * 1000, &seeded), RP_OK);
            }
            if (s >= 6 * rotate_s && host.rings->sealing == 0) {
                rings_seal_by(host.rings, 1, s * 1000);
            }
            keys = host_plan(&host, &feed_lighttpd.needs, s * 1000);
            for (int64_t server = 0; server < 2; server++) {
                if (s % 64 == 36 * server) {
                    look(&servers[server], keys, now_s);
                }
            }
            if (s > 2 * rotate_s) {
                lighttpd_assert_opens(&servers[0], lighttpd_sealing(&servers[1], now_s));
                lighttpd_assert_opens(&servers[1], lighttpd_sealing(&servers[0], now_s));
                assert_memory_equal(lighttpd_sealing(&servers[0], now_s)->stek.name,
                                    keys->keys[0].stek.name, 16);
            }
            memory_free(keys);
        }
        host_end(&host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_hosts_choose_the_same_only_key),
        cmocka_unit_test(who_is_told_late_opens_all_the_same),
        cmocka_unit_test(what_one_lighttpd_seals_the_other_opens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
