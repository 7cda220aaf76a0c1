#include "keyring_fixture.h"

#define ROTATE 100

static void an_empty_window_holds_nothing(void **state)
{
    static const uint8_t name[16];
    struct rp_keyring *keyring = keyring_make(ROTATE, 200, 4);
    struct window_key key;
    unsigned place;

    (void)state;
    assert_false(window_domain(keyring, "0", &place));
    assert_false(window_sealing(keyring, 0, GENESIS, &key));
    assert_int_equal(window_by_name(keyring, 0, GENESIS, name, &key), WINDOW_ABSENT);
    assert_int_equal(window_by_hint(keyring, 0, GENESIS, name, &key), WINDOW_ABSENT);
    rp_keyring_free(&keyring);
}

static void a_name_is_found_in_its_own_domain_only(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, 200, 3);
    uint8_t unknown[16];
    struct window_key key;
    struct domain_keys own;
    struct domain_keys other;

    (void)state;
    assert_true(keyring_expected(keyring, 1, 0, &own));
    assert_true(keyring_expected(keyring, 2, 0, &other));
    assert_int_equal(window_by_name(keyring, 1, GENESIS, own.stek.name, &key), WINDOW_FOUND);
    assert_true(keyring_same(&key.keys, &own));
    assert_true(key.seals);
    assert_int_equal(key.epoch, 0);
    assert_int_equal(key.opens_until_ms, GENESIS + ROTATE + 200);
    assert_int_equal(window_by_name(keyring, 1, GENESIS, other.stek.name, &key),
                     WINDOW_OTHER_DOMAIN);
    for (unsigned i = 0; i < 16; i++) {
        memcpy(unknown, own.stek.name, 16);
        unknown[i] ^= 1;
        assert_int_equal(window_by_name(keyring, 1, GENESIS, unknown, &key), WINDOW_ABSENT);
    }
    rp_keyring_free(&keyring);
}

static void a_hint_is_found_in_its_own_domain_only(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, 200, 2);
    struct window_key key;
    struct domain_keys own;
    struct domain_keys other;

    (void)state;
    assert_true(keyring_expected(keyring, 0, 1, &own));
    assert_true(keyring_expected(keyring, 1, 1, &other));
    assert_int_equal(window_by_hint(keyring, 0, GENESIS, own.id_hint, &key), WINDOW_FOUND);
    assert_true(keyring_same(&key.keys, &own));
    assert_false(key.seals);
    assert_int_equal(window_by_hint(keyring, 0, GENESIS, other.id_hint, &key), WINDOW_ABSENT);
    rp_keyring_free(&keyring);
}

static void a_place_out_of_range_holds_nothing(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, 200, 2);
    struct window_key key;
    struct domain_keys own;

    (void)state;
    assert_true(keyring_expected(keyring, 0, 0, &own));
    assert_false(window_sealing(keyring, 2, GENESIS, &key));
    assert_false(window_sealing(keyring, UINT32_MAX, GENESIS, &key));
    assert_int_equal(window_by_hint(keyring, UINT32_MAX, GENESIS, own.id_hint, &key),
                     WINDOW_ABSENT);
    assert_int_equal(window_by_name(keyring, UINT32_MAX, GENESIS, own.stek.name, &key),
                     WINDOW_OTHER_DOMAIN);
    rp_keyring_free(&keyring);
}

static void the_next_epoch_opens_and_does_not_seal(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, 200, 1);
    struct window_key key;
    struct domain_keys current;
    struct domain_keys next;

    (void)state;
    assert_true(keyring_expected(keyring, 0, 0, &current));
    assert_true(keyring_expected(keyring, 0, 1, &next));
    assert_int_equal(window_by_name(keyring, 0, GENESIS, next.stek.name, &key), WINDOW_FOUND);
    assert_true(keyring_same(&key.keys, &next));
    assert_false(key.seals);
    assert_int_equal(key.opens_until_ms, GENESIS + 2 * ROTATE + 200);
    assert_true(window_sealing(keyring, 0, GENESIS, &key));
    assert_true(keyring_same(&key.keys, &current));

    (void)keyring_step(keyring, GENESIS + ROTATE);
    assert_true(window_sealing(keyring, 0, GENESIS + ROTATE, &key));
    assert_true(keyring_same(&key.keys, &next));
    assert_int_equal(window_by_name(keyring, 0, GENESIS + ROTATE, current.stek.name, &key),
                     WINDOW_FOUND);
    assert_false(key.seals);
    rp_keyring_free(&keyring);
}

/* To the millisecond, with a keeper that is on time and with one that has stopped. */
static void check_boundaries(int64_t accept_ms)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, accept_ms, 1);
    struct window_key key;

    for (uint64_t epoch = 0; epoch < 5; epoch++) {
        const int64_t until = GENESIS + ((int64_t)epoch + 1) * ROTATE + accept_ms;
        struct domain_keys keys;

        (void)keyring_step(keyring, GENESIS + (int64_t)epoch * ROTATE);
        assert_true(keyring_expected(keyring, 0, epoch, &keys));
        assert_int_equal(window_by_name(keyring, 0, until - 1, keys.stek.name, &key), WINDOW_FOUND);
        assert_int_equal(key.opens_until_ms, until);
        assert_int_equal(window_by_name(keyring, 0, until, keys.stek.name, &key), WINDOW_EXPIRED);
        assert_int_equal(window_by_hint(keyring, 0, until - 1, keys.id_hint, &key), WINDOW_FOUND);
        assert_int_equal(window_by_hint(keyring, 0, until, keys.id_hint, &key), WINDOW_EXPIRED);
        assert_true(window_sealing(keyring, 0, until - 1, &key));
        assert_false(window_sealing(keyring, 0, until, &key));
    }
    for (uint64_t epoch = 4; epoch < 20; epoch++) {
        const int64_t until = GENESIS + ((int64_t)epoch + 1) * ROTATE + accept_ms;
        struct domain_keys keys;

        (void)keyring_step(keyring, until - 1);
        assert_true(keyring_expected(keyring, 0, epoch, &keys));
        assert_int_equal(window_by_name(keyring, 0, until - 1, keys.stek.name, &key), WINDOW_FOUND);
        (void)keyring_step(keyring, until);
        assert_int_equal(window_by_name(keyring, 0, until, keys.stek.name, &key), WINDOW_ABSENT);
    }
    rp_keyring_free(&keyring);
}

static void keys_stop_to_open_at_their_instant(void **state)
{
    static const int64_t accepts[] = {1, 99, 100, 101, 250, 300, 25500};

    (void)state;
    for (size_t i = 0; i < sizeof accepts / sizeof accepts[0]; i++) {
        check_boundaries(accepts[i]);
    }
}

static void fleet_time_is_boot_time_and_an_offset(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, 200, 1);
    struct rp_keyring_info info;

    (void)state;
    assert_int_equal(window_fleet_ms(keyring, 5), 5);
    atomic_store(&keyring->writable->offset_ms, 7 * ROTATE);
    assert_int_equal(window_fleet_ms(keyring, GENESIS), GENESIS + 7 * ROTATE);
    assert_int_equal(keyring_step(keyring, GENESIS), GENESIS + ROTATE);
    rp_keyring_info(keyring, &info);
    assert_int_equal(info.epoch, 7);
    assert_int_equal(window_fleet_ms(keyring, INT64_MAX), INT64_MAX);
    atomic_store(&keyring->writable->offset_ms, -5);
    assert_int_equal(window_fleet_ms(keyring, INT64_MIN), INT64_MIN);
    rp_keyring_free(&keyring);
}

static void a_forked_reader_follows_the_keeper(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, 200, 1);
    int go[2];
    struct domain_keys next;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(go), 0);
    assert_true(keyring_expected(keyring, 0, 1, &next));
    child = fork();
    if (child == 0) {
        struct window_key key;
        int64_t next_ms;
        char c;
        bool good;

        (void)close(go[1]);
        good = rp_keyring_advance(keyring, GENESIS, &next_ms) == RP_NOT_KEEPER;
        rp_keyring_read_only(keyring);
        good = good && read(go[0], &c, 1) == 0 &&
               window_sealing(keyring, 0, GENESIS + ROTATE, &key) &&
               keyring_same(&key.keys, &next) &&
               rp_keyring_keep(keyring, GENESIS, NULL, NULL) == RP_NOT_KEEPER;
        rp_keyring_free(&keyring);
        _exit(good ? 0 : 1);
    }
    (void)close(go[0]);
    (void)keyring_step(keyring, GENESIS + ROTATE);
    (void)close(go[1]);
    assert_child_succeeds(child);
    rp_keyring_free(&keyring);
}

static void a_child_that_frees_wipes_nothing(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, 200, 1);
    struct window_key key;
    const pid_t child = fork();

    (void)state;
    if (child == 0) {
        rp_keyring_free(&keyring);
        _exit(0);
    }
    assert_child_succeeds(child);
    assert_true(window_sealing(keyring, 0, GENESIS, &key));
    assert_int_equal(keyring_step(keyring, GENESIS + ROTATE), GENESIS + 2 * ROTATE);
    rp_keyring_free(&keyring);
}

static void a_keeper_that_frees_leaves_an_empty_window(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, 200, 1);
    int go[2];
    pid_t child;

    (void)state;
    assert_int_equal(pipe(go), 0);
    child = fork();
    if (child == 0) {
        struct rp_keyring_info info;
        struct window_key key;
        char c;
        bool good;

        (void)close(go[1]);
        good = read(go[0], &c, 1) == 0 && !window_sealing(keyring, 0, GENESIS, &key);
        rp_keyring_info(keyring, &info);
        good = good && info.n_keys == 0 && info.n_domains == 0;
        for (size_t i = sizeof *keyring->window; i < keyring->layout.window_len; i++) {
            const size_t seq = sizeof *keyring->window +
                               info.generation % SEGMENT_SLOTS * keyring->layout.slot_words * 8;

            good =
                good && (((const uint8_t *)keyring->window)[i] == 0 || (i >= seq && i < seq + 8));
        }
        _exit(good ? 0 : 1);
    }
    (void)close(go[0]);
    rp_keyring_free(&keyring);
    (void)close(go[1]);
    assert_child_succeeds(child);
}

/* What a taken-over process may have written must not lead a reader astray in memory. */
static void counts_in_the_window_are_not_trusted(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, 200, 2);
    _Atomic uint64_t *const slot =
        (_Atomic uint64_t *)segment_slot(&keyring->layout, keyring->writable, keyring->generation);
    static const uint8_t unknown[16] = {1};
    struct window_key key;
    unsigned place;

    (void)state;
    atomic_store(&slot[SEGMENT_N_KEYS], UINT64_MAX);
    atomic_store(&slot[SEGMENT_N_DOMAINS], UINT64_MAX);
    atomic_store(&slot[SEGMENT_SEALING], UINT64_MAX);
    assert_int_equal(window_by_name(keyring, 0, GENESIS, unknown, &key), WINDOW_ABSENT);
    assert_int_equal(window_by_hint(keyring, 0, GENESIS, unknown, &key), WINDOW_ABSENT);
    assert_false(window_sealing(keyring, 0, GENESIS, &key));
    assert_false(window_domain(keyring, "absent", &place));
    atomic_store(&slot[keyring->layout.tags], UINT64_MAX);
    atomic_store(&slot[SEGMENT_SEALING], 0);
    assert_true(window_sealing(keyring, 0, GENESIS, &key));
    assert_int_equal(key.keys.stek.key_len, 32);
    rp_keyring_free(&keyring);
}

static void a_published_slot_that_is_not_whole_counts_as_empty(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, 200, 1);
    struct window_key key;

    (void)state;
    atomic_store(&keyring->writable->published, keyring->generation + 1);
    assert_false(window_sealing(keyring, 0, GENESIS, &key));
    atomic_store(&keyring->writable->published, keyring->generation);
    assert_true(window_sealing(keyring, 0, GENESIS, &key));
    rp_keyring_free(&keyring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_window_holds_nothing),
        cmocka_unit_test(a_name_is_found_in_its_own_domain_only),
        cmocka_unit_test(a_hint_is_found_in_its_own_domain_only),
        cmocka_unit_test(a_place_out_of_range_holds_nothing),
        cmocka_unit_test(the_next_epoch_opens_and_does_not_seal),
        cmocka_unit_test(keys_stop_to_open_at_their_instant),
        cmocka_unit_test(fleet_time_is_boot_time_and_an_offset),
        cmocka_unit_test(a_forked_reader_follows_the_keeper),
        cmocka_unit_test(a_child_that_frees_wipes_nothing),
        cmocka_unit_test(a_keeper_that_frees_leaves_an_empty_window),
        cmocka_unit_test(counts_in_the_window_are_not_trusted),
        cmocka_unit_test(a_published_slot_that_is_not_whole_counts_as_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
