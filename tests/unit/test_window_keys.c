#include "window_keys.h"

#include <pthread.h>

#include "keyring_fixture.h"
#include "memory.h"

#define ROTATE 100
#define ACCEPT 250

static struct window_keys *list_of(const struct rp_keyring *keyring, unsigned domain)
{
    struct window_keys *keys = NULL;

    assert_int_equal(window_keys_new(keyring, &keys), RP_OK);
    assert_true(window_keys_list(keyring, domain, keys));
    return keys;
}

static void an_empty_window_lists_nothing(void **state)
{
    struct rp_keyring *keyring = keyring_make(ROTATE, ACCEPT, 2);
    struct window_keys *keys = list_of(keyring, 0);

    (void)state;
    assert_int_equal(keys->generation, 0);
    assert_int_equal(keys->n, 0);
    window_keys_free(&keys);
    assert_null(keys);
    window_keys_free(&keys);
    rp_keyring_free(&keyring);
}

/* As the look-ups find them, one by one. */
static void assert_listed(const struct rp_keyring *keyring, unsigned domain,
                          const struct window_keys *keys)
{
    unsigned n_sealing = 0;

    for (size_t i = 0; i < keys->n; i++) {
        const struct window_listed *const listed = &keys->keys[i];
        struct window_key key;

        assert_int_equal(window_by_name(keyring, domain, INT64_MIN, listed->stek.name, &key),
                         WINDOW_FOUND);
        assert_memory_equal(&key.keys.stek, &listed->stek, sizeof key.keys.stek);
        assert_int_equal(key.epoch, listed->epoch);
        assert_int_equal(key.base_ms, listed->base_ms);
        assert_int_equal(key.opens_until_ms, listed->opens_until_ms);
        assert_int_equal(key.seals, listed->seals);
        n_sealing += listed->seals ? 1 : 0;
    }
    assert_int_equal(n_sealing, 1);
}

static void all_keys_of_a_domain_are_listed(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, ACCEPT, 3);
    struct rp_keyring_info info;

    (void)state;
    for (int64_t t = GENESIS; t < GENESIS + 10 * ROTATE; t += ROTATE / 2) {
        (void)keyring_step(keyring, t);
        rp_keyring_info(keyring, &info);
        for (unsigned domain = 0; domain < 3; domain++) {
            struct window_keys *keys = list_of(keyring, domain);

            assert_int_equal(keys->generation, info.generation);
            assert_int_equal(keys->rotate_ms, ROTATE);
            assert_int_equal(keys->accept_ms, ACCEPT);
            assert_int_equal(keys->n, info.n_keys);
            assert_listed(keyring, domain, keys);
            assert_int_equal(keys->keys[0].epoch, info.epoch + 1);
            assert_true(keys->keys[1].seals);
            window_keys_free(&keys);
        }
    }
    rp_keyring_free(&keyring);
}

static void domains_have_keys_of_their_own(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, ACCEPT, 2);
    struct window_keys *a = list_of(keyring, 0);
    struct window_keys *b = list_of(keyring, 1);

    (void)state;
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        assert_memory_not_equal(a->keys[i].stek.name, b->keys[i].stek.name, 16);
        assert_memory_not_equal(a->keys[i].stek.aes, b->keys[i].stek.aes, 32);
    }
    window_keys_free(&a);
    window_keys_free(&b);
    rp_keyring_free(&keyring);
}

static void a_place_that_is_none_lists_nothing(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, ACCEPT, 2);
    const unsigned places[] = {2, 3, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct window_keys *keys = list_of(keyring, places[i]);

        assert_int_not_equal(keys->generation, 0);
        assert_int_equal(keys->n, 0);
        window_keys_free(&keys);
    }
    rp_keyring_free(&keyring);
}

static void keys_of_several_rings_are_listed_the_sealing_ring_s_first(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, ACCEPT, 2);
    struct window_keys *keys;
    size_t n_own = 0;

    (void)state;
    (void)keyring_step(keyring, GENESIS + 3 * ROTATE);
    assert_int_equal(keyring_reseed(keyring, GENESIS + 3 * ROTATE + 7), RP_OK);
    keys = list_of(keyring, 1);
    assert_listed(keyring, 1, keys);
    while (n_own < keys->n && keys->keys[n_own].base_ms == GENESIS + 3 * ROTATE + 7) {
        n_own++;
    }
    assert_int_equal(n_own, 2);
    assert_true(keys->n > n_own);
    for (size_t i = n_own; i < keys->n; i++) {
        assert_int_equal(keys->keys[i].base_ms, GENESIS);
        assert_false(keys->keys[i].seals);
    }
    window_keys_free(&keys);
    rp_keyring_free(&keyring);
}

static void static_keys_are_not_listed(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, ACCEPT, 1);
    struct chain_slot *const draft = commit_draft(keyring);
    struct window_keys *keys;

    (void)state;
    draft->is_static = 1;
    draft->n_steks = 1;
    memset(draft->steks[0].name, 'n', 16);
    draft->steks[0].key_len = 32;
    memset(segment_rings_writable(draft), 0, rings_size(keyring->layout.max_keys));
    assert_int_equal(commit_draft_end(keyring), RP_OK);
    keys = list_of(keyring, 0);
    assert_int_not_equal(keys->generation, 0);
    assert_int_equal(keys->n, 0);
    window_keys_free(&keys);
    rp_keyring_free(&keyring);
}

/* Whatever was listed before is wiped, to the last key of the room. */
static void a_list_holds_nothing_of_the_one_before(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, ACCEPT, 1);
    struct window_keys *keys = list_of(keyring, 0);
    const struct window_listed none = {.epoch = 0};

    (void)state;
    assert_true(keys->n >= 2);
    assert_true(window_keys_list(keyring, 1, keys));
    assert_int_equal(keys->n, 0);
    for (size_t i = 0; i < keys->room; i++) {
        assert_memory_equal(&keys->keys[i].stek, &none.stek, sizeof none.stek);
    }
    window_keys_free(&keys);
    rp_keyring_free(&keyring);
}

static void memory_may_be_short(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, ACCEPT, 1);
    struct window_keys *keys = NULL;
    enum rp_status status = RP_NO_MEMORY;
    long n = 0;

    (void)state;
    for (; status != RP_OK; n++) {
        memory_fail_after(n);
        status = window_keys_new(keyring, &keys);
        memory_fail_after(-1);
        assert_true(status == RP_OK || (status == RP_NO_MEMORY && keys == NULL));
    }
    assert_int_equal(n, 3);
    window_keys_free(&keys);
    rp_keyring_free(&keyring);
}

struct listing {
    const struct rp_keyring *keyring;
    _Atomic bool *stop;
    unsigned n_lists;
    unsigned n_bad;
};

/* One ring's keys stand together, newest first, and all of one generation are of one ring or two.
 */
static bool is_whole(const struct window_keys *keys)
{
    unsigned n_sealing = 0;

    for (size_t i = 0; i < keys->n; i++) {
        const struct window_listed *const key = &keys->keys[i];
        const struct window_listed *const before = &keys->keys[i == 0 ? 0 : i - 1];

        n_sealing += key->seals ? 1 : 0;
        if (key->stek.key_len != 32 ||
            key->opens_until_ms != key->base_ms + ((int64_t)key->epoch + 1) * ROTATE + ACCEPT ||
            (i != 0 && key->base_ms == before->base_ms && key->epoch + 1 != before->epoch)) {
            return false;
        }
    }
    return n_sealing == 1;
}

static void *list_all_the_time(void *cookie)
{
    struct listing *const l = cookie;
    struct window_keys *keys = NULL;

    if (window_keys_new(l->keyring, &keys) != RP_OK) {
        return NULL;
    }
    while (!atomic_load(l->stop)) {
        if (window_keys_list(l->keyring, 1, keys)) {
            l->n_lists++;
            l->n_bad += is_whole(keys) ? 0 : 1;
        }
    }
    window_keys_free(&keys);
    return NULL;
}

static void lists_are_whole_while_the_keeper_publishes(void **state)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, ACCEPT, 4);
    _Atomic bool stop = false;
    struct listing listing = {keyring, &stop, 0, 0};
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, list_all_the_time, &listing), 0);
    for (int64_t t = GENESIS; t < GENESIS + 2000 * ROTATE; t += ROTATE) {
        (void)keyring_step(keyring, t);
        if ((t - GENESIS) / ROTATE % 3 == 0) {
            assert_int_equal(keyring_reseed(keyring, t + 1), RP_OK);
        }
    }
    atomic_store(&stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(listing.n_lists > 0);
    assert_int_equal(listing.n_bad, 0);
    rp_keyring_free(&keyring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_window_lists_nothing),
        cmocka_unit_test(all_keys_of_a_domain_are_listed),
        cmocka_unit_test(domains_have_keys_of_their_own),
        cmocka_unit_test(a_place_that_is_none_lists_nothing),
        cmocka_unit_test(keys_of_several_rings_are_listed_the_sealing_ring_s_first),
        cmocka_unit_test(static_keys_are_not_listed),
        cmocka_unit_test(a_list_holds_nothing_of_the_one_before),
        cmocka_unit_test(memory_may_be_short),
        cmocka_unit_test(lists_are_whole_while_the_keeper_publishes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
