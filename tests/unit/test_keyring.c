#include "keyring_fixture.h"
#include "memory.h"

#define ROTATE 100
#define ACCEPT 250

static void assert_refused(int64_t rotate_ms, int64_t accept_ms, unsigned max_domains)
{
    const struct rp_keyring_options options = {
        .rotate_ms = rotate_ms, .accept_ms = accept_ms, .max_domains = max_domains};
    struct rp_keyring *keyring = NULL;
    struct rp_error err = {""};

    assert_int_equal(rp_keyring_new(&options, &keyring, &err), RP_INVALID);
    assert_null(keyring);
    assert_true(strlen(err.text) > 20);
    assert_int_equal(rp_keyring_new(&options, &keyring, NULL), RP_INVALID);
}

static void options_out_of_range_are_refused(void **state)
{
    (void)state;
    assert_refused(100, 25600, 1);
    assert_refused(100, 25501, 1);
    assert_refused(2000, 0, 1);
    assert_refused(-1, 100, 1);
    assert_refused(100, -1, 1);
    assert_refused(INT64_MAX, INT64_MAX, 1);
    assert_refused(100, 100, 4097);
}

static void the_largest_window_works(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(100, 25500, 2);
    struct rp_keyring_info info;

    (void)state;
    for (int64_t t = GENESIS; t < GENESIS + 30000; t += 100) {
        (void)keyring_step(keyring, t);
    }
    rp_keyring_info(keyring, &info);
    assert_int_equal(info.n_keys, 257);
    rp_keyring_free(&keyring);
}

static void defaults_are_an_hour_and_a_day(void **state)
{
    static const struct rp_keyring_options options;
    struct rp_keyring *keyring = NULL;

    (void)state;
    assert_int_equal(rp_keyring_new(&options, &keyring, NULL), RP_OK);
    assert_int_equal(rp_keyring_keep(keyring, GENESIS, NULL, NULL), RP_OK);
    assert_int_equal(keyring_step(keyring, GENESIS), GENESIS + 3600000);
    assert_int_equal(segment_rings(commit_state(keyring))->roots[1].opens_until_ms,
                     GENESIS + 25 * 3600000);
    for (unsigned i = 0; i < 64; i++) {
        char name[8];
        struct text t = text_of(name, sizeof name);

        text_addf(&t, "%u", i);
        assert_int_equal(rp_keyring_domain_add(keyring, name), RP_OK);
    }
    assert_int_equal(rp_keyring_domain_add(keyring, "one more"), RP_FULL);
    rp_keyring_free(&keyring);
}

/* At every millisecond: which epochs are there, and when the next change is due. */
static void check_window_at_all_times(int64_t rotate, int64_t accept)
{
    struct rp_keyring *keyring = keyring_make_kept(rotate, accept, 1);

    for (int64_t t = 0; t < 6 * rotate + 2 * accept; t++) {
        const int64_t next_ms = keyring_step(keyring, GENESIS + t);
        const struct rings *const now = segment_rings(commit_state(keyring));
        const int64_t epoch = t / rotate;
        int64_t oldest = epoch + 1;
        int64_t due = (epoch + 1) * rotate;

        while (oldest > 0 && oldest * rotate + accept > t) {
            oldest--;
        }
        due = (oldest + 1) * rotate + accept < due ? (oldest + 1) * rotate + accept : due;
        assert_int_equal(next_ms, GENESIS + due);
        assert_int_equal(now->ring[0].epoch, epoch);
        assert_int_equal(now->n_roots, epoch + 2 - oldest);
        for (unsigned i = 0; i < now->n_roots; i++) {
            assert_int_equal(now->roots[i].epoch, epoch + 1 - i);
        }
    }
    rp_keyring_free(&keyring);
}

static void the_window_follows_the_definition(void **state)
{
    (void)state;
    check_window_at_all_times(10, 30);
    check_window_at_all_times(10, 25);
    check_window_at_all_times(10, 3);
    check_window_at_all_times(10, 1);
    check_window_at_all_times(10, 19);
    check_window_at_all_times(1, 255);
}

static void a_late_keeper_reaches_the_same_window(void **state)
{
    static const int64_t pauses[] = {150, 250, 301, 1000, 123456};
    (void)state;

    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        struct rp_keyring *keyring = keyring_make_kept(ROTATE, ACCEPT, 1);
        uint8_t chain[RATCHET_LEN];
        uint8_t ring_id[RATCHET_ID_LEN];
        const struct ring *now = keyring_ring(keyring);
        struct domain_keys expected;
        uint8_t root[RATCHET_LEN];

        memcpy(chain, now->chain, sizeof chain);
        memcpy(ring_id, now->id, sizeof ring_id);
        (void)keyring_step(keyring, GENESIS + pauses[i]);
        now = keyring_ring(keyring);
        assert_int_equal(now->epoch, pauses[i] / ROTATE);
        for (uint64_t epoch = 1; epoch <= now->epoch + 1; epoch++) {
            const uint8_t *const domain =
                segment_domain(&keyring->layout, commit_state(keyring), 0);
            struct window_key key;

            assert_int_equal(ratchet_root(chain, ring_id, epoch, root), RP_OK);
            assert_int_equal(derive_domain_keys(root, domain, &expected), RP_OK);
            if (GENESIS + ((int64_t)epoch + 1) * ROTATE + ACCEPT > GENESIS + pauses[i]) {
                assert_int_equal(
                    window_by_name(keyring, 0, GENESIS + pauses[i], expected.stek.name, &key),
                    WINDOW_FOUND);
                assert_true(keyring_same(&key.keys, &expected));
            }
            assert_int_equal(ratchet_next(chain, ring_id, epoch), RP_OK);
        }
        rp_keyring_free(&keyring);
    }
}

static void a_gap_too_long_to_step_through_begins_a_new_ring(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, ACCEPT, 2);
    const int64_t late = GENESIS + (RINGS_GAP_MAX + INT64_C(1)) * ROTATE;
    struct rp_keyring_info before;
    struct rp_keyring_info after;
    struct window_key old;
    struct window_key key;
    struct domain_keys expected;

    (void)state;
    rp_keyring_info(keyring, &before);
    assert_true(window_sealing(keyring, 1, GENESIS, &old));
    assert_int_equal(keyring_step(keyring, late), late + ROTATE);
    rp_keyring_info(keyring, &after);
    assert_memory_not_equal(before.ring_id, after.ring_id, sizeof before.ring_id);
    assert_int_equal(after.epoch, 0);
    assert_int_equal(after.n_domains, 2);
    for (unsigned d = 0; d < 2; d++) {
        assert_true(window_sealing(keyring, d, late, &key));
        assert_true(keyring_expected(keyring, d, 0, &expected));
        assert_true(keyring_same(&key.keys, &expected));
    }
    assert_int_equal(window_by_name(keyring, 1, late, old.keys.stek.name, &key), WINDOW_ABSENT);
    assert_int_equal(keyring_step(keyring, late + ROTATE), late + 2 * ROTATE);
    rp_keyring_free(&keyring);
}

static void the_end_of_time_is_survived(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(1, 1, 1);
    struct rp_keyring_info before;
    struct rp_keyring_info after;

    (void)state;
    rp_keyring_info(keyring, &before);
    assert_false(rings_lost(segment_rings(commit_state(keyring)), GENESIS + RINGS_GAP_MAX));
    assert_true(rings_lost(segment_rings(commit_state(keyring)), GENESIS + RINGS_GAP_MAX + 1));
    assert_int_equal(keyring_step(keyring, INT64_MAX), INT64_MAX); /* no clock says so */
    rp_keyring_info(keyring, &after);
    assert_memory_not_equal(before.ring_id, after.ring_id, sizeof before.ring_id);
    rp_keyring_free(&keyring);
}

static void time_that_runs_backwards_changes_nothing(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, ACCEPT, 1);
    struct rp_keyring_info before;
    struct rp_keyring_info after;

    (void)state;
    (void)keyring_step(keyring, GENESIS + 5 * ROTATE);
    rp_keyring_info(keyring, &before);
    assert_int_equal(keyring_step(keyring, GENESIS), GENESIS + 550);
    assert_int_equal(keyring_step(keyring, -5), GENESIS + 550);
    assert_int_equal(keyring_step(keyring, INT64_MIN), GENESIS + 550);
    rp_keyring_info(keyring, &after);
    assert_memory_equal(&before, &after, sizeof before);
    rp_keyring_free(&keyring);
}

static void keys_stay_the_same_while_the_window_changes(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, ACCEPT, 8);
    struct window_key first[8];
    struct window_key key;

    (void)state;
    for (unsigned d = 0; d < 8; d++) {
        assert_true(window_sealing(keyring, d, GENESIS, &first[d]));
        for (unsigned e = 0; e < d; e++) {
            assert_memory_not_equal(first[d].keys.stek.aes, first[e].keys.stek.aes, 32);
        }
    }
    for (int64_t t = 0; t < ROTATE + ACCEPT; t += 10) {
        (void)keyring_step(keyring, GENESIS + t);
        for (unsigned d = 0; d < 8; d++) {
            assert_int_equal(window_by_name(keyring, d, GENESIS + t, first[d].keys.stek.name, &key),
                             WINDOW_FOUND);
            assert_true(keyring_same(&key.keys, &first[d].keys));
        }
    }
    rp_keyring_free(&keyring);
}

static void domains_are_added_up_to_the_capacity(void **state)
{
    struct rp_keyring *keyring = keyring_make(ROTATE, ACCEPT, 3);
    char too_long[257] = "";
    unsigned place = 9;

    (void)state;
    memset(too_long, 'x', 256);
    assert_int_equal(rp_keyring_domain_add(keyring, "a"), RP_NOT_KEEPER);
    assert_int_equal(rp_keyring_keep(keyring, GENESIS, NULL, NULL), RP_OK);
    assert_int_equal(rp_keyring_domain_add(keyring, ""), RP_INVALID);
    assert_int_equal(rp_keyring_domain_add(keyring, too_long), RP_INVALID);
    assert_int_equal(rp_keyring_domain_add(keyring, "a"), RP_OK);
    assert_int_equal(rp_keyring_domain_add(keyring, "b"), RP_OK);
    assert_int_equal(rp_keyring_domain_add(keyring, "a"), RP_OK);
    assert_int_equal(rp_keyring_domain_add(keyring, "c"), RP_OK);
    assert_int_equal(rp_keyring_domain_add(keyring, "d"), RP_FULL);
    assert_int_equal(rp_keyring_domain_add(keyring, "b"), RP_OK);
    (void)keyring_step(keyring, GENESIS + ROTATE);
    assert_true(window_domain(keyring, "b", &place));
    assert_int_equal(place, 1);
    assert_true(window_domain(keyring, "c", &place));
    assert_int_equal(place, 2);
    assert_false(window_domain(keyring, "d", &place));
    rp_keyring_free(&keyring);
}

static void a_thousand_domains_are_added_one_by_one(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, ACCEPT, 1000);
    struct window_key key;
    struct domain_keys expected;

    (void)state;
    for (int64_t t = 0; t <= 5 * ROTATE; t += ROTATE) {
        (void)keyring_step(keyring, GENESIS + t);
    }
    for (unsigned d = 0; d < 1000; d += 37) {
        assert_true(keyring_expected(keyring, d, 5, &expected));
        assert_true(window_sealing(keyring, d, GENESIS + 5 * ROTATE, &key));
        assert_true(keyring_same(&key.keys, &expected));
        for (uint64_t epoch = 3; epoch <= 6; epoch++) {
            assert_true(keyring_expected(keyring, d, epoch, &expected));
            assert_int_equal(window_by_name(keyring, (d + 1) % 1000, GENESIS + 5 * ROTATE,
                                            expected.stek.name, &key),
                             WINDOW_OTHER_DOMAIN);
        }
    }
    rp_keyring_free(&keyring);
}

static void a_new_keeper_resumes_the_ring(void **state)
{
    struct rp_keyring *keyring = keyring_make(ROTATE, ACCEPT, 4);
    struct rp_keyring_info before;
    struct rp_keyring_info after;
    bool resumed = false;
    unsigned place;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        int64_t next_ms;
        const bool good = rp_keyring_keep(keyring, GENESIS, &resumed, NULL) == RP_OK && !resumed &&
                          rp_keyring_domain_add(keyring, "a") == RP_OK &&
                          rp_keyring_advance(keyring, GENESIS + 300, &next_ms) == RP_OK;

        _exit(good ? 0 : 1); /* without rp_keyring_free, as if killed */
    }
    assert_child_succeeds(child);
    rp_keyring_info(keyring, &before);
    assert_int_equal(before.epoch, 3);
    assert_int_equal(before.n_domains, 1);
    assert_int_equal(rp_keyring_keep(keyring, GENESIS + 350, &resumed, NULL), RP_OK);
    assert_true(resumed);
    rp_keyring_info(keyring, &after);
    assert_memory_equal(&before, &after, sizeof before);
    assert_true(window_domain(keyring, "a", &place));
    resumed = false;
    assert_int_equal(rp_keyring_keep(keyring, GENESIS + 350, &resumed, NULL), RP_OK);
    assert_true(resumed);
    assert_int_equal(keyring_step(keyring, GENESIS + 400), GENESIS + 450);
    rp_keyring_free(&keyring);
}

static void a_lost_chain_begins_a_new_ring(void **state)
{
    struct rp_keyring *keyring = keyring_make(ROTATE, ACCEPT, 4);
    struct rp_keyring_info before;
    struct rp_keyring_info after;
    bool resumed = true;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        if (rp_keyring_keep(keyring, GENESIS, NULL, NULL) != RP_OK ||
            rp_keyring_domain_add(keyring, "a") != RP_OK) {
            _exit(1);
        }
        memset(keyring->chain, 0xff, keyring->layout.chain_len);
        _exit(0);
    }
    assert_child_succeeds(child);
    rp_keyring_info(keyring, &before);
    assert_int_equal(rp_keyring_keep(keyring, GENESIS + 350, &resumed, NULL), RP_OK);
    assert_false(resumed);
    rp_keyring_info(keyring, &after);
    assert_memory_not_equal(before.ring_id, after.ring_id, sizeof before.ring_id);
    assert_true(after.generation > before.generation);
    assert_int_equal(rp_keyring_domain_add(keyring, "a"), RP_OK);
    assert_int_equal(keyring_step(keyring, GENESIS + 350), GENESIS + 450);
    rp_keyring_free(&keyring);
}

static void read_only_is_for_good(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, ACCEPT, 1);
    struct rp_error err = {""};
    struct window_key key;
    int64_t next_ms;

    (void)state;
    rp_keyring_read_only(keyring);
    assert_true(window_sealing(keyring, 0, GENESIS, &key));
    assert_int_equal(rp_keyring_advance(keyring, GENESIS, &next_ms), RP_NOT_KEEPER);
    assert_int_equal(rp_keyring_keep(keyring, GENESIS, NULL, &err), RP_NOT_KEEPER);
    assert_true(strlen(err.text) > 0);
    rp_keyring_read_only(keyring);
    rp_keyring_free(&keyring);
    rp_keyring_free(&keyring);
    rp_keyring_free(NULL);
}

static void info_tells_what_the_window_holds(void **state)
{
    struct rp_keyring *keyring = keyring_make(ROTATE, ACCEPT, 2);
    static const uint8_t zeroes[16];
    struct rp_keyring_info info;

    (void)state;
    rp_keyring_info(keyring, &info);
    assert_int_equal(info.generation, 0);
    assert_int_equal(info.n_keys, 0);
    assert_memory_equal(info.ring_id, zeroes, 16);
    assert_int_equal(rp_keyring_keep(keyring, GENESIS, NULL, NULL), RP_OK);
    assert_int_equal(rp_keyring_domain_add(keyring, "a"), RP_OK);
    (void)keyring_step(keyring, GENESIS + ROTATE);
    rp_keyring_info(keyring, &info);
    assert_false(info.is_static);
    assert_memory_not_equal(info.ring_id, zeroes, 16);
    assert_int_equal(info.epoch, 1);
    assert_int_equal(info.generation, 3);
    assert_int_equal(info.n_keys, 3);
    assert_int_equal(info.n_domains, 1);
    assert_true((info.secret_kind & RP_SECRET_ANY) != 0);
    rp_keyring_free(&keyring);
}

static void every_kind_of_secret_memory_does(void **state)
{
    static const enum rp_secret_kind kinds[] = {RP_SECRET_MEMFD_SECRET, RP_SECRET_RAMFS,
                                                RP_SECRET_LOCKED};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const struct rp_keyring_options options = {
            .rotate_ms = ROTATE, .accept_ms = ACCEPT, .secret_kinds = kinds[i]};
        struct rp_keyring *keyring = NULL;
        struct rp_keyring_info info;
        struct rp_error err = {""};

        if (rp_keyring_new(&options, &keyring, &err) != RP_OK) {
            print_message("left out: %s\n", err.text);
            continue;
        }
        assert_int_equal(rp_keyring_keep(keyring, GENESIS, NULL, NULL), RP_OK);
        assert_int_equal(rp_keyring_domain_add(keyring, "a"), RP_OK);
        (void)keyring_step(keyring, GENESIS + ROTATE);
        rp_keyring_info(keyring, &info);
        assert_int_equal(info.secret_kind, kinds[i]);
        assert_int_equal(info.epoch, 1);
        rp_keyring_free(&keyring);
    }
}

static void a_failed_allocation_fails_the_constructor(void **state)
{
    static const struct rp_keyring_options options;
    enum rp_status status = RP_NO_MEMORY;
    long n = 0;

    (void)state;
    while (status != RP_OK) {
        struct rp_keyring *keyring = NULL;

        memory_fail_after(n++);
        status = rp_keyring_new(&options, &keyring, NULL);
        memory_fail_after(-1);
        assert_true(status == RP_OK || (status == RP_NO_MEMORY && keyring == NULL));
        rp_keyring_free(&keyring);
    }
    assert_true(n > 1);
}

static void domains_are_added_together_or_not_at_all(void **state)
{
    static const char *const names[] = {"a", "b", "a", "c"};
    static const char *const full[] = {"d", "e", "f"};
    const struct rp_keyring_options options = {.max_domains = 4};
    struct rp_keyring *keyring;
    struct rp_keyring_info info;
    uint64_t generation;

    (void)state;
    assert_int_equal(rp_keyring_new(&options, &keyring, NULL), RP_OK);
    assert_int_equal(rp_keyring_domains_add(keyring, names, 4), RP_NOT_KEEPER);
    assert_int_equal(rp_keyring_keep(keyring, 0, NULL, NULL), RP_OK);
    assert_int_equal(rp_keyring_domains_add(keyring, names, 4), RP_OK);
    rp_keyring_info(keyring, &info);
    assert_int_equal(info.n_domains, 3);
    assert_int_equal(info.max_domains, 4);
    generation = info.generation;
    assert_int_equal(rp_keyring_domains_add(keyring, full, 3), RP_FULL);
    assert_int_equal(rp_keyring_domains_add(keyring, names, 4), RP_OK);
    assert_int_equal(rp_keyring_domains_add(keyring, NULL, 0), RP_OK);
    rp_keyring_info(keyring, &info);
    assert_int_equal(info.n_domains, 3);
    assert_true(info.generation == generation);
    assert_int_equal(rp_keyring_domains_add(keyring, full, 1), RP_OK);
    rp_keyring_free(&keyring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domains_are_added_together_or_not_at_all),
        cmocka_unit_test(options_out_of_range_are_refused),
        cmocka_unit_test(the_largest_window_works),
        cmocka_unit_test(defaults_are_an_hour_and_a_day),
        cmocka_unit_test(the_window_follows_the_definition),
        cmocka_unit_test(a_late_keeper_reaches_the_same_window),
        cmocka_unit_test(a_gap_too_long_to_step_through_begins_a_new_ring),
        cmocka_unit_test(the_end_of_time_is_survived),
        cmocka_unit_test(time_that_runs_backwards_changes_nothing),
        cmocka_unit_test(keys_stay_the_same_while_the_window_changes),
        cmocka_unit_test(domains_are_added_up_to_the_capacity),
        cmocka_unit_test(a_thousand_domains_are_added_one_by_one),
        cmocka_unit_test(a_new_keeper_resumes_the_ring),
        cmocka_unit_test(a_lost_chain_begins_a_new_ring),
        cmocka_unit_test(read_only_is_for_good),
        cmocka_unit_test(info_tells_what_the_window_holds),
        cmocka_unit_test(every_kind_of_secret_memory_does),
        cmocka_unit_test(a_failed_allocation_fails_the_constructor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
