#include "key_files.h"
#include "keyring_fixture.h"
#include "keyring_static.h"

#define ROTATE 100
#define ACCEPT 250

static void files_replace_the_ring(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, ACCEPT, 2);
    struct key_files files;
    struct rp_keyring_info info;
    struct window_key first;
    struct window_key second;
    struct stek keys[2];

    (void)state;
    key_files_init(&files);
    key_files_random(&files, 0, 80, 1);
    key_files_random(&files, 1, 48, 2);
    assert_int_equal(static_keys_read(files.list, 2, keys, NULL), RP_OK);
    assert_int_equal(rp_keyring_load_files(keyring, files.list, 2, NULL), RP_OK);
    rp_keyring_info(keyring, &info);
    assert_true(info.is_static);
    assert_int_equal(info.n_keys, 2);
    assert_int_equal(info.n_domains, 2);
    for (unsigned d = 0; d < 2; d++) {
        assert_true(window_sealing(keyring, d, INT64_MAX - 1, &first));
        assert_memory_equal(&first.keys.stek, &keys[0], sizeof keys[0]);
        assert_int_equal(first.opens_until_ms, INT64_MAX);
        assert_int_equal(window_by_name(keyring, d, GENESIS, keys[1].name, &second), WINDOW_FOUND);
        assert_memory_equal(&second.keys.stek, &keys[1], sizeof keys[1]);
        assert_int_equal(second.keys.stek.key_len, 16);
        assert_int_equal(second.epoch, 1);
        assert_false(second.seals);
        assert_int_equal(window_by_hint(keyring, d, GENESIS, second.keys.id_hint, &first),
                         WINDOW_FOUND);
        assert_true(keyring_same(&first.keys, &second.keys));
    }
    assert_int_equal(keyring_step(keyring, GENESIS + ROTATE), INT64_MAX);
    key_files_fini(&files);
    rp_keyring_free(&keyring);
}

static void files_can_be_read_again(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, ACCEPT, 1);
    static const uint8_t zeroes[80];
    struct key_files files;
    struct rp_error err = {""};
    struct window_key first;
    struct window_key key;

    (void)state;
    key_files_init(&files);
    key_files_random(&files, 0, 80, 1);
    assert_int_equal(rp_keyring_load_files(keyring, files.list, 1, &err), RP_OK);
    assert_true(window_sealing(keyring, 0, GENESIS, &first));

    key_files_write(&files, 0, zeroes, 80);
    assert_int_equal(rp_keyring_load_files(keyring, files.list, 1, &err), RP_WEAK_KEY);
    assert_non_null(strstr(err.text, files.paths[0]));
    assert_true(window_sealing(keyring, 0, GENESIS, &key));
    assert_true(keyring_same(&first.keys, &key.keys));
    assert_int_equal(rp_keyring_load_files(keyring, files.list, 0, &err), RP_INVALID);
    assert_int_equal(rp_keyring_load_files(keyring, files.list, 17, &err), RP_INVALID);

    key_files_random(&files, 0, 80, 2);
    assert_int_equal(rp_keyring_load_files(keyring, files.list, 1, &err), RP_OK);
    assert_true(window_sealing(keyring, 0, GENESIS, &key));
    assert_false(keyring_same(&first.keys, &key.keys));
    assert_int_equal(window_by_name(keyring, 0, GENESIS, first.keys.stek.name, &key),
                     WINDOW_ABSENT);
    key_files_fini(&files);
    rp_keyring_free(&keyring);
}

static void the_most_files_load_and_domains_join_them(void **state)
{
    struct rp_keyring *keyring = keyring_make(ROTATE, ACCEPT, 3);
    struct key_files files;
    struct window_key a;
    struct window_key b;
    bool resumed = false;

    (void)state;
    key_files_init(&files);
    for (unsigned i = 0; i < 16; i++) {
        key_files_random(&files, i, 80, 100 + i);
    }
    assert_int_equal(rp_keyring_load_files(keyring, files.list, 16, NULL), RP_NOT_KEEPER);
    assert_int_equal(rp_keyring_keep(keyring, GENESIS, NULL, NULL), RP_OK);
    assert_int_equal(rp_keyring_load_files(keyring, files.list, 16, NULL), RP_OK);
    assert_int_equal(rp_keyring_domain_add(keyring, "a"), RP_OK);
    assert_int_equal(rp_keyring_domain_add(keyring, "b"), RP_OK);
    assert_true(window_sealing(keyring, 0, GENESIS, &a));
    assert_true(window_sealing(keyring, 1, GENESIS, &b));
    assert_memory_equal(&a.keys.stek, &b.keys.stek, sizeof a.keys.stek);
    assert_memory_not_equal(a.keys.record, b.keys.record, 32);
    keyring->keeper = 0; /* as in a successor: both mappings are made anew */
    assert_int_equal(rp_keyring_keep(keyring, GENESIS, &resumed, NULL), RP_OK);
    assert_true(resumed);
    assert_int_equal(keyring_step(keyring, GENESIS + ROTATE), INT64_MAX);
    key_files_fini(&files);
    rp_keyring_free(&keyring);
}

static void keys_handed_over_are_judged_again(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, ACCEPT, 1);
    struct key_files files;
    struct stek keys[3];
    struct rp_error err = {""};
    struct rp_keyring_info info;

    (void)state;
    key_files_init(&files);
    key_files_random(&files, 0, 80, 1);
    key_files_random(&files, 1, 48, 2);
    assert_int_equal(static_keys_read(files.list, 2, keys, NULL), RP_OK);
    keys[2] = keys[0];
    assert_int_equal(keyring_set_static(keyring, keys, 3, &err), RP_INVALID);
    memset(keys[2].name, 1, 16);
    memset(keys[2].aes, 0, 32);
    assert_int_equal(keyring_set_static(keyring, keys, 3, &err), RP_WEAK_KEY);
    keys[2] = keys[0];
    keys[2].name[0] ^= 1;
    keys[2].key_len = 24;
    assert_int_equal(keyring_set_static(keyring, keys, 3, &err), RP_INVALID);
    assert_int_equal(keyring_set_static(keyring, keys, 0, &err), RP_INVALID);
    rp_keyring_info(keyring, &info);
    assert_false(info.is_static);
    assert_int_equal(keyring_set_static(keyring, keys, 2, &err), RP_OK);
    rp_keyring_info(keyring, &info);
    assert_true(info.is_static);
    key_files_fini(&files);
    rp_keyring_free(&keyring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_replace_the_ring),
        cmocka_unit_test(files_can_be_read_again),
        cmocka_unit_test(the_most_files_load_and_domains_join_them),
        cmocka_unit_test(keys_handed_over_are_judged_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
