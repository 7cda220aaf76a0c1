#include <pthread.h>

#include "keyring_fixture.h"

#define ROTATE 100
#define ACCEPT 250

struct reading {
    const struct rp_keyring *keyring;
    _Atomic int64_t *now_ms;
    _Atomic bool *stop;
    unsigned n_torn;
    unsigned n_found;
};

static void *read_all_the_time(void *cookie)
{
    struct reading *r = cookie;

    while (!atomic_load(r->stop)) {
        const int64_t now_ms = atomic_load(r->now_ms);
        struct window_key sealing;
        struct window_key key;
        struct rp_keyring_info info;

        rp_keyring_info(r->keyring, &info);
        if (!window_sealing(r->keyring, 1, now_ms, &sealing)) {
            continue;
        }
        r->n_found++;
        if (window_by_name(r->keyring, 1, now_ms, sealing.keys.stek.name, &key) == WINDOW_FOUND &&
            !keyring_same(&key.keys, &sealing.keys)) {
            r->n_torn++;
        }
        if (window_by_hint(r->keyring, 1, now_ms, sealing.keys.id_hint, &key) == WINDOW_FOUND &&
            !keyring_same(&key.keys, &sealing.keys)) {
            r->n_torn++;
        }
    }
    return NULL;
}

static void read_while_the_keeper_advances(unsigned epochs_a_ring)
{
    struct rp_keyring *keyring = keyring_make_kept(ROTATE, ACCEPT, 4);
    _Atomic int64_t now_ms = GENESIS;
    _Atomic bool stop = false;
    struct reading readings[2] = {{keyring, &now_ms, &stop, 0, 0}, {keyring, &now_ms, &stop, 0, 0}};
    pthread_t threads[2];

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_all_the_time, &readings[i]), 0);
    }
    for (int64_t t = GENESIS; t < GENESIS + 3000 * ROTATE; t += ROTATE) {
        atomic_store(&now_ms, t);
        (void)keyring_step(keyring, t);
        if (epochs_a_ring != 0 && (t - GENESIS) / ROTATE % epochs_a_ring == 0) {
            assert_int_equal(keyring_reseed(keyring, t), RP_OK);
            keyring_rings_set_offset_ms(keyring, t % 7);
        }
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(readings[i].n_torn, 0);
        assert_true(readings[i].n_found > 0);
    }
    rp_keyring_free(&keyring);
}

static void threads_read_while_the_keeper_advances(void **state)
{
    (void)state;
    read_while_the_keeper_advances(0);
}

static void threads_read_while_rings_come_and_go(void **state)
{
    (void)state;
    read_while_the_keeper_advances(3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_read_while_the_keeper_advances),
        cmocka_unit_test(threads_read_while_rings_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
