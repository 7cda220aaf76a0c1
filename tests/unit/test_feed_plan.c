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

/* xorshift64 */
static uint64_t draw(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static int64_t draw_odd(uint64_t *random)
{
    static const int64_t odd[] = {INT64_MIN, INT64_MIN + 1, -1,       0, 1, 999, ROTATE,
                                  ACCEPT,    INT64_MAX - 1, INT64_MAX};
    const uint64_t i = draw(random) % (sizeof odd / sizeof odd[0] + 4);

    return i < sizeof odd / sizeof odd[0] ? odd[i] : (int64_t)(draw(random) >> draw(random) % 64);
}

static void spoil(struct window_keys *listed, uint64_t *random)
{
    listed->n = 1 + draw(random) % 6;
    listed->rotate_ms = draw(random) % 4 != 0 ? ROTATE : draw_odd(random);
    listed->accept_ms = draw(random) % 4 != 0 ? ACCEPT : draw_odd(random);
    for (size_t i = 0; i < listed->n; i++) {
        struct window_listed *const key = &listed->keys[i];

        key->epoch = draw(random) % 3 != 0 ? 6 - i : (uint64_t)draw_odd(random);
        key->base_ms = draw(random) % 3 != 0 ? BASE : draw_odd(random);
        key->opens_until_ms = draw(random) % 3 != 0 ? BASE + 10 * ROTATE : draw_odd(random);
        key->seals = draw(random) % 2 == 0;
    }
}

/* As a process that was taken over may leave the window. */
static void a_spoilt_window_does_no_harm(void **state)
{
    static const struct feed_needs *const rooms[] = {&any, &three, &one};
    struct feed_keys *const keys = memory_new(1, sizeof *keys);
    struct window_keys *const listed = window_in(5);
    uint64_t random = 0x9e3779b97f4a7c15;
    unsigned n_planned = 0;

    (void)state;
    assert_non_null(keys);
    for (unsigned round = 0; round < 3000; round++) {
        const struct feed_needs *const needs = rooms[round % 3];
        int64_t offset_ms;

        spoil(listed, &random);
        offset_ms = draw(&random) % 2 == 0 ? OFFSET : draw_odd(&random);
        if (feed_plan(needs, listed, offset_ms, keys) != RP_OK) {
            assert_int_equal(keys->n, 0);
            continue;
        }
        n_planned++;
        assert_true(keys->n >= 1 && keys->n <= FEED_KEYS_MAX);
        assert_int_equal(keys->keys[0].role, KEY_SEALS);
        assert_true(needs->room != FEED_ROOM_THREE || keys->n == 3);
        assert_true(needs->room != FEED_ROOM_ONE || keys->n == 1);
    }
    assert_true(n_planned > 100);
    memory_free(keys);
    feed_kit_window_free(listed);
}

static void what_is_wiped_is_empty(void **state)
{
    static const struct feed_keys none;
    struct window_keys *const listed = window_in(9);
    struct feed_keys *const keys = feed_kit_plan(&any, listed, OFFSET);

    (void)state;
    feed_keys_wipe(keys);
    assert_memory_equal(keys, &none, sizeof none);
    memory_free(keys);
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

/* Within a ring. Keys of another ring may be numbered alike, and are there all the same. */
static void numbered_names_differ_in_their_first_byte(void **state)
{
    const struct feed_needs needs = {.room = FEED_ROOM_ANY, .numbered_name = true, .most = 256};
    struct window_keys *const listed = window_in(256);
    struct feed_keys *keys;
    bool seen[256] = {false};

    (void)state;
    feed_kit_add(listed, 2, BASE - ROTATE, 257, false);
    keys = feed_kit_plan(&needs, listed, OFFSET);
    assert_int_equal(keys->n, listed->n);
    for (size_t i = 0; i < keys->n; i++) {
        if (keys->keys[i].stek.name[1] == 2) {
            assert_int_equal(keys->keys[i].stek.name[0], 1);
            continue;
        }
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
        cmocka_unit_test(a_spoilt_window_does_no_harm),
        cmocka_unit_test(what_is_wiped_is_empty),
        cmocka_unit_test(dates_are_unix_time),
        cmocka_unit_test(by_its_dates_a_server_seals_with_ours_and_then_with_the_next),
        cmocka_unit_test(short_keys_are_derived_from_the_long_ones),
        cmocka_unit_test(numbered_names_differ_in_their_first_byte),
        cmocka_unit_test(three_are_the_one_before_the_sealing_one_and_the_next),
        cmocka_unit_test(a_ring_s_first_epoch_has_a_filler_before_it),
        cmocka_unit_test(three_without_a_next_one_are_refused),
        cmocka_unit_test(of_a_ring_that_took_over_the_other_ring_s_last_comes_before),
        cmocka_unit_test(the_first_key_of_a_ring_that_takes_over_next_is_the_next),
        cmocka_unit_test(without_that_key_the_oldest_of_the_ring_is_taken),
        cmocka_unit_test(what_is_left_of_accept_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
