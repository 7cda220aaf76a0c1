#include "feed_kit.h"

#include "derive.h"

#define ROTATE 60000
#define ACCEPT 240000
#define BASE 7000
#define OFFSET INT64_C(1800000000000)

static const struct feed_needs any = {.room = FEED_ROOM_ANY};
static const struct feed_needs three = {.room = FEED_ROOM_THREE};
static const struct feed_needs one = {.room = FEED_ROOM_ONE};

/* One ring in that epoch, as a host alone has it. */
static struct window_keys *window_in(uint64_t epoch)
{
    struct window_keys *const keys = feed_kit_window(ROTATE, ACCEPT);

    for (uint64_t e = epoch + 1; e + 4 >= epoch && e <= epoch + 1; e--) {
        feed_kit_add(keys, 1, BASE, e, e == epoch);
    }
    return keys;
}

static void assert_is(const struct format_key *key, uint8_t ring, uint64_t epoch,
                      enum key_role role)
{
    uint64_t found;

    memcpy(&found, &key->stek.name[2], sizeof found);
    assert_int_equal(key->stek.name[1], ring);
    assert_int_equal(found, epoch);
    assert_int_equal(key->role, role);
}

static void all_of_the_window_the_sealing_one_first(void **state)
{
    struct window_keys *const listed = window_in(9);
    struct feed_keys *const keys = feed_kit_plan(&any, listed, OFFSET);

    (void)state;
    assert_int_equal(keys->n, listed->n);
    assert_is(&keys->keys[0], 1, 9, KEY_SEALS);
    assert_is(&keys->keys[1], 1, 10, KEY_NEXT);
    for (size_t i = 2; i < keys->n; i++) {
        assert_is(&keys->keys[i], 1, 10 - i, KEY_OPENS);
    }
    memory_free(keys);
    feed_kit_window_free(listed);
}

static void others_come_by_their_ends(void **state)
{
    struct window_keys *const listed = window_in(2);
    struct feed_keys *keys;

    (void)state;
    feed_kit_add(listed, 2, BASE - 100, 3, false);
    feed_kit_add(listed, 2, BASE - 100, 2, false);
    feed_kit_add(listed, 3, BASE + 100, 2, false);
    keys = feed_kit_plan(&any, listed, OFFSET);
    assert_int_equal(keys->n, listed->n);
    assert_is(&keys->keys[2], 2, 3, KEY_OPENS);
    assert_is(&keys->keys[3], 3, 2, KEY_OPENS);
    assert_is(&keys->keys[4], 2, 2, KEY_OPENS);
    for (size_t i = 3; i < keys->n; i++) {
        assert_true(keys->keys[i].ends_s <= keys->keys[i - 1].ends_s);
    }
    memory_free(keys);
    feed_kit_window_free(listed);
}

static void a_name_is_given_once(void **state)
{
    struct window_keys *const listed = window_in(2);
    struct feed_keys *keys;

    (void)state;
    feed_kit_add(listed, 1, BASE + 1, 2, false);
    keys = feed_kit_plan(&any, listed, OFFSET);
    assert_int_equal(keys->n, listed->n - 1);
    memory_free(keys);
    feed_kit_window_free(listed);
}

static void a_server_with_less_room_gets_those_that_open_longest(void **state)
{
    const struct feed_needs needs = {.room = FEED_ROOM_ANY, .most = 3};
    struct window_keys *const listed = window_in(9);
    struct feed_keys *const keys = feed_kit_plan(&needs, listed, OFFSET);

    (void)state;
    assert_int_equal(keys->n, 3);
    assert_is(&keys->keys[0], 1, 9, KEY_SEALS);
    assert_is(&keys->keys[1], 1, 10, KEY_NEXT);
    assert_is(&keys->keys[2], 1, 8, KEY_OPENS);
    memory_free(keys);
    feed_kit_window_free(listed);
}

static void there_are_never_more_than_there_is_room_for(void **state)
{
    struct window_keys *const listed = window_in(2);
    struct feed_keys *keys;

    (void)state;
    while (listed->n < FEED_KEYS_MAX + 100) {
        feed_kit_add(listed, 2, BASE - 1, listed->n, false);
    }
    keys = feed_kit_plan(&any, listed, OFFSET);
    assert_int_equal(keys->n, FEED_KEYS_MAX);
    memory_free(keys);
    feed_kit_window_free(listed);
}

static void without_a_key_that_seals_there_is_no_plan(void **state)
{
    struct window_keys *const listed = window_in(5);
    struct feed_keys *const keys = memory_new(1, sizeof *keys);

    (void)state;
    assert_non_null(keys);
    keys->n = 7;
    listed->keys[1].seals = false;
    assert_int_equal(feed_plan(&any, listed, OFFSET, keys), RP_NOT_FOUND);
    assert_int_equal(keys->n, 0);
    listed->n = 0;
    assert_int_equal(feed_plan(&any, listed, OFFSET, keys), RP_NOT_FOUND);
    memory_free(keys);
    feed_kit_window_free(listed);
}

static void what_makes_no_sense_is_refused(void **state)
{
    static const struct feed_needs *const rooms[] = {&any, &three, &one};
    struct feed_keys *const keys = memory_new(1, sizeof *keys);

    (void)state;
    assert_non_null(keys);
    for (size_t i = 0; i < 3; i++) {
        struct window_keys *const listed = window_in(5);

        listed->rotate_ms = 0;
        assert_int_equal(feed_plan(rooms[i], listed, OFFSET, keys), RP_INVALID);
        listed->rotate_ms = ROTATE;
        listed->accept_ms = -1;
        assert_int_equal(feed_plan(rooms[i], listed, OFFSET, keys), RP_INVALID);
        listed->accept_ms = ACCEPT;
        listed->n = 1;
        listed->keys[0].seals = true;
        listed->keys[0].epoch = UINT64_MAX;
        assert_int_equal(feed_plan(rooms[i], listed, OFFSET, keys), RP_INVALID);
        listed->keys[0].epoch = 5;
        listed->keys[0].base_ms = INT64_MAX - 1;
        assert_int_equal(feed_plan(rooms[i], listed, OFFSET, keys), RP_INVALID);
        listed->keys[0].base_ms = BASE;
        listed->keys[0].opens_until_ms = INT64_MAX;
        assert_int_equal(feed_plan(rooms[i], listed, OFFSET, keys), RP_INVALID);
        assert_int_equal(keys->n, 0);
        feed_kit_window_free(listed);
    }
    memory_free(keys);
}

static void plans_are_told_apart(void **state)
{
    struct window_keys *const listed = window_in(9);
    struct feed_keys *const a = feed_kit_plan(&any, listed, OFFSET);
    struct feed_keys *const b = feed_kit_plan(&any, listed, OFFSET);

    (void)state;
    assert_true(feed_keys_same(a, b));
    b->keys[2].stek.hmac[31] ^= 1;
    assert_false(feed_keys_same(a, b));
    b->keys[2].stek.hmac[31] ^= 1;
    b->keys[2].ends_s++;
    assert_false(feed_keys_same(a, b));
    b->keys[2].ends_s--;
    b->n--;
    assert_false(feed_keys_same(a, b));
    feed_keys_wipe(b);
    assert_int_equal(b->n, 0);
    assert_int_equal(b->keys[0].stek.aes[0], 0);
    memory_free(a);
    memory_free(b);
    feed_kit_window_free(listed);
}

/* What a server seals with that takes the newest of those that have begun and have not ended. */
static const struct format_key *newest(const struct feed_keys *keys, int64_t now_s)
{
    const struct format_key *found = NULL;

    for (size_t i = 0; i < keys->n; i++) {
        const struct format_key *const key = &keys->keys[i];

        if (key->begins_s <= now_s && now_s < key->ends_s &&
            (found == NULL || key->begins_s > found->begins_s)) {
            found = key;
        }
    }
    return found;
}

static void dates_are_unix_time(void **state)
{
    struct window_keys *const listed = window_in(9);
    struct feed_keys *const keys = feed_kit_plan(&any, listed, OFFSET + 999);

    (void)state;
    assert_int_equal(keys->keys[0].begins_s, OFFSET / 1000 + 7 + 9 * 60);
    assert_int_equal(keys->keys[0].ends_s, OFFSET / 1000 + 7 + 10 * 60 + 240);
    assert_int_equal(keys->keys[1].begins_s, OFFSET / 1000 + 7 + 10 * 60);
    memory_free(keys);
    feed_kit_window_free(listed);
}

static void by_its_dates_a_server_seals_with_ours_and_then_with_the_next(void **state)
{
    struct window_keys *const listed = window_in(9);
    const int64_t begins_s = (OFFSET + BASE + 9 * ROTATE) / 1000;
    struct feed_keys *keys;

    (void)state;
    /* Other rings', that began later than ours, have begun since, or are yet to begin. */
    feed_kit_add(listed, 2, BASE + 8 * ROTATE + 30000, 2, false);
    feed_kit_add(listed, 2, BASE + 8 * ROTATE + 30000, 1, false);
    feed_kit_add(listed, 2, BASE + 8 * ROTATE + 30000, 0, false);
    feed_kit_add(listed, 3, BASE - 5 * ROTATE, 15, false);
    keys = feed_kit_plan(&any, listed, OFFSET);
    for (int64_t s = 0; s < ROTATE / 1000; s++) {
        assert_ptr_equal(newest(keys, begins_s + s), &keys->keys[0]);
        assert_ptr_equal(newest(keys, begins_s + s + ROTATE / 1000), &keys->keys[1]);
    }
    for (size_t i = 0; i < keys->n; i++) {
        assert_true(keys->keys[i].begins_s <= keys->keys[i].ends_s);
        assert_true(keys->keys[i].begins_s <= begins_s || i == 1);
    }
    memory_free(keys);
    feed_kit_window_free(listed);
}

static void short_keys_are_derived_from_the_long_ones(void **state)
{
    const struct feed_needs needs = {.room = FEED_ROOM_ANY, .short_keys = true};
    struct window_keys *const listed = window_in(9);
    struct feed_keys *const keys = feed_kit_plan(&needs, listed, OFFSET);
    struct stek stek;

    (void)state;
    assert_int_equal(keys->n, listed->n);
    assert_int_equal(derive_short_stek(&listed->keys[1].stek, &stek), RP_OK);
    assert_int_equal(keys->keys[0].stek.key_len, 16);
    assert_memory_equal(&keys->keys[0].stek, &stek, sizeof stek);
    memory_free(keys);
    feed_kit_window_free(listed);
}

static void numbered_names_differ_in_their_first_byte(void **state)
{
    const struct feed_needs needs = {.room = FEED_ROOM_ANY, .numbered_name = true, .most = 256};
    struct window_keys *const listed = window_in(256);
    struct feed_keys *keys;
    bool seen[256] = {false};

    (void)state;
    feed_kit_add(listed, 2, BASE - ROTATE, 257, false);
    feed_kit_add(listed, 2, BASE - ROTATE, 3, false);
    keys = feed_kit_plan(&needs, listed, OFFSET);
    assert_int_equal(keys->n, listed->n - 1);
    for (size_t i = 0; i < keys->n; i++) {
        assert_false(seen[keys->keys[i].stek.name[0]]);
        seen[keys->keys[i].stek.name[0]] = true;
    }
    assert_is(&keys->keys[0], 1, 256, KEY_SEALS);
    assert_is(&keys->keys[1], 1, 257, KEY_NEXT);
    assert_int_equal(keys->keys[0].stek.name[0], 0);
    assert_int_equal(keys->keys[1].stek.name[0], 1);
    memory_free(keys);
    feed_kit_window_free(listed);
}

static void three_are_the_one_before_the_sealing_one_and_the_next(void **state)
{
    (void)state;
    for (uint64_t epoch = 1; epoch < 20; epoch++) {
        struct window_keys *const listed = window_in(epoch);
        struct feed_keys *const keys = feed_kit_plan(&three, listed, OFFSET);

        assert_int_equal(keys->n, 3);
        assert_is(&keys->keys[0], 1, epoch, KEY_SEALS);
        assert_is(&keys->keys[1], 1, epoch + 1, KEY_NEXT);
        assert_is(&keys->keys[2], 1, epoch - 1, KEY_OPENS);
        memory_free(keys);
        feed_kit_window_free(listed);
    }
}

static void a_ring_s_first_epoch_has_a_filler_before_it(void **state)
{
    struct window_keys *const listed = window_in(0);
    struct feed_keys *keys = feed_kit_plan(&three, listed, OFFSET);
    struct stek filler;

    (void)state;
    assert_int_equal(keys->n, 3);
    assert_is(&keys->keys[0], 1, 0, KEY_SEALS);
    assert_is(&keys->keys[1], 1, 1, KEY_NEXT);
    assert_int_equal(derive_filler_stek(&keys->keys[1].stek, &filler), RP_OK);
    assert_int_equal(keys->keys[2].role, KEY_OPENS);
    assert_memory_equal(&keys->keys[2].stek, &filler, sizeof filler);
    memory_free(keys);
    listed->keys[0].epoch = 2;
    listed->keys[1] = listed->keys[0];
    listed->n = 0;
    feed_kit_add(listed, 1, BASE, 2, false);
    feed_kit_add(listed, 1, BASE, 1, false);
    feed_kit_add(listed, 1, BASE, 0, true);
    keys = feed_kit_plan(&three, listed, OFFSET);
    assert_is(&keys->keys[2], 1, 2, KEY_OPENS);
    memory_free(keys);
    feed_kit_window_free(listed);
}

static void three_without_a_next_one_are_refused(void **state)
{
    struct window_keys *const listed = window_in(3);
    struct feed_keys *const keys = memory_new(1, sizeof *keys);

    (void)state;
    assert_non_null(keys);
    listed->keys++;
    listed->n--;
    assert_int_equal(feed_plan(&three, listed, OFFSET, keys), RP_INVALID);
    assert_int_equal(keys->n, 0);
    listed->keys--;
    memory_free(keys);
    feed_kit_window_free(listed);
}

static void of_a_ring_that_took_over_the_other_ring_s_last_comes_before(void **state)
{
    struct window_keys *const listed = window_in(0);
    struct feed_keys *keys;

    (void)state;
    for (uint64_t epoch = 7; epoch >= 3; epoch--) {
        feed_kit_add(listed, 2, BASE - 6 * ROTATE, epoch, false);
    }
    keys = feed_kit_plan(&three, listed, OFFSET);
    assert_is(&keys->keys[0], 1, 0, KEY_SEALS);
    assert_is(&keys->keys[1], 1, 1, KEY_NEXT);
    assert_is(&keys->keys[2], 2, 5, KEY_OPENS);
    memory_free(keys);
    feed_kit_window_free(listed);
}

static void the_first_key_of_a_ring_that_takes_over_next_is_the_next(void **state)
{
    struct window_keys *const listed = window_in(5);
    struct feed_keys *keys;

    (void)state;
    feed_kit_add(listed, 2, BASE + 6 * ROTATE, 1, false);
    feed_kit_add(listed, 2, BASE + 6 * ROTATE, 0, false);
    keys = feed_kit_plan(&three, listed, OFFSET);
    assert_is(&keys->keys[0], 1, 5, KEY_SEALS);
    assert_is(&keys->keys[1], 2, 0, KEY_NEXT);
    assert_is(&keys->keys[2], 1, 4, KEY_OPENS);
    assert_int_equal(keys->keys[1].begins_s, (OFFSET + BASE + 6 * ROTATE) / 1000);
    memory_free(keys);
    /* Two of which nobody knows which wins, or one that begins an epoch later: not yet. */
    feed_kit_add(listed, 3, BASE + 6 * ROTATE, 0, false);
    keys = feed_kit_plan(&three, listed, OFFSET);
    assert_is(&keys->keys[1], 1, 6, KEY_NEXT);
    memory_free(keys);
    listed->n--;
    listed->keys[listed->n - 1].base_ms += ROTATE;
    listed->keys[listed->n - 2].base_ms += ROTATE;
    keys = feed_kit_plan(&three, listed, OFFSET);
    assert_is(&keys->keys[1], 1, 6, KEY_NEXT);
    memory_free(keys);
    feed_kit_window_free(listed);
}

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

static void without_that_key_the_oldest_of_the_ring_is_taken(void **state)
{
    struct window_keys *const listed = window_in(9); /* 5 to 10; k is 5 */
    struct feed_keys *keys = feed_kit_plan(&one, listed, OFFSET);

    (void)state;
    assert_is(&keys->keys[0], 1, 5, KEY_SEALS);
    memory_free(keys);
    listed->n--;
    feed_kit_add(listed, 2, BASE - 1, 5, false);
    keys = feed_kit_plan(&one, listed, OFFSET);
    assert_int_equal(keys->n, 1);
    assert_is(&keys->keys[0], 1, 6, KEY_SEALS);
    memory_free(keys);
    feed_kit_window_free(listed);
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

static void what_is_left_of_accept_is_told(void **state)
{
    (void)state;
    assert_int_equal(feed_plan_accept_ms(&any, ROTATE, ACCEPT), ACCEPT);
    assert_int_equal(feed_plan_accept_ms(&three, ROTATE, ACCEPT), ROTATE);
    assert_int_equal(feed_plan_accept_ms(&three, ROTATE, ROTATE / 2), ROTATE / 2);
    assert_int_equal(feed_plan_accept_ms(&one, ROTATE, ACCEPT), 0);
    assert_int_equal(feed_plan_interval_ms(&any, ROTATE, ACCEPT), ROTATE);
    assert_int_equal(feed_plan_interval_ms(&three, ROTATE, ACCEPT), ROTATE);
    assert_int_equal(feed_plan_interval_ms(&one, ROTATE, ACCEPT), 5 * ROTATE);
    assert_int_equal(feed_plan_interval_ms(&one, ROTATE, ACCEPT - 1), 4 * ROTATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_the_window_the_sealing_one_first),
        cmocka_unit_test(others_come_by_their_ends),
        cmocka_unit_test(a_name_is_given_once),
        cmocka_unit_test(a_server_with_less_room_gets_those_that_open_longest),
        cmocka_unit_test(there_are_never_more_than_there_is_room_for),
        cmocka_unit_test(without_a_key_that_seals_there_is_no_plan),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(plans_are_told_apart),
        cmocka_unit_test(dates_are_unix_time),
        cmocka_unit_test(by_its_dates_a_server_seals_with_ours_and_then_with_the_next),
        cmocka_unit_test(short_keys_are_derived_from_the_long_ones),
        cmocka_unit_test(numbered_names_differ_in_their_first_byte),
        cmocka_unit_test(three_are_the_one_before_the_sealing_one_and_the_next),
        cmocka_unit_test(a_ring_s_first_epoch_has_a_filler_before_it),
        cmocka_unit_test(three_without_a_next_one_are_refused),
        cmocka_unit_test(of_a_ring_that_took_over_the_other_ring_s_last_comes_before),
        cmocka_unit_test(the_first_key_of_a_ring_that_takes_over_next_is_the_next),
        cmocka_unit_test(all_hosts_choose_the_same_only_key),
        cmocka_unit_test(without_that_key_the_oldest_of_the_ring_is_taken),
        cmocka_unit_test(who_is_told_late_opens_all_the_same),
        cmocka_unit_test(what_is_left_of_accept_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
