#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "keyring_fixture.h"

#include "session_id.h"

#define HOUR INT64_C(3600000)
#define N_DOMAINS 2

struct fixture {
    struct rp_keyring *keyring;
    struct window_key key; /* of domain 0 */
    uint8_t id[SESSION_ID_LEN];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    f->keyring = keyring_make_kept(HOUR, HOUR, N_DOMAINS);
    assert_true(window_sealing(f->keyring, 0, GENESIS, &f->key));
    assert_int_equal(session_id_make(&f->key, f->id), RP_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    rp_keyring_free(&f->keyring);
    free(f);
    return 0;
}

static enum window_hit open_at(const struct fixture *f, unsigned domain, int64_t fleet_ms,
                               const uint8_t *id, size_t n, struct window_key *out)
{
    return session_id_open(f->keyring, domain, fleet_ms, id, n, out);
}

static void opens_what_it_made(void **state)
{
    const struct fixture *f = *state;
    struct window_key key;

    assert_int_equal(open_at(f, 0, GENESIS, f->id, sizeof f->id, &key), WINDOW_FOUND);
    assert_true(keyring_same(&key.keys, &f->key.keys));
    assert_memory_equal(f->id, f->key.keys.id_hint, 4);
    window_key_wipe(&key);
}

static void its_mac_is_siphash(void **state)
{
    const struct fixture *f = *state;
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_SIPHASH, NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    uint8_t tag[8];
    size_t len = sizeof tag;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &len),
        OSSL_PARAM_construct_end(),
    };

    assert_int_equal(EVP_MAC_init(ctx, f->key.keys.id_mac, 16, params), 1);
    assert_int_equal(EVP_MAC_update(ctx, f->id, 24), 1);
    assert_int_equal(EVP_MAC_final(ctx, tag, &len, sizeof tag), 1);
    assert_memory_equal(f->id + 24, tag, sizeof tag);
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
}

static void makes_another_each_time(void **state)
{
    const struct fixture *f = *state;
    uint8_t id[SESSION_ID_LEN];

    assert_int_equal(session_id_make(&f->key, id), RP_OK);
    assert_memory_equal(id, f->id, 4);
    assert_memory_not_equal(id + 4, f->id + 4, 20);
    assert_memory_not_equal(id + 24, f->id + 24, 8);
}

static void every_flipped_bit_makes_it_none_of_ours(void **state)
{
    const struct fixture *f = *state;
    struct window_key key;

    for (size_t bit = 0; bit < sizeof f->id * 8; bit++) {
        uint8_t id[SESSION_ID_LEN];

        memcpy(id, f->id, sizeof id);
        id[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(open_at(f, 0, GENESIS, id, sizeof id, &key), WINDOW_ABSENT);
    }
}

static void every_other_length_is_none_of_ours(void **state)
{
    const struct fixture *f = *state;
    struct window_key key;

    for (size_t n = 0; n < 64; n++) {
        uint8_t *id = malloc(n + 1);

        assert_non_null(id);
        memset(id, 0, n + 1);
        memcpy(id, f->id, n < sizeof f->id ? n : sizeof f->id);
        assert_int_equal(open_at(f, 0, GENESIS, id, n, &key),
                         n == SESSION_ID_LEN ? WINDOW_FOUND : WINDOW_ABSENT);
        free(id);
    }
}

static void another_domain_does_not_know_it(void **state)
{
    const struct fixture *f = *state;
    struct window_key key;

    assert_int_equal(open_at(f, 1, GENESIS, f->id, sizeof f->id, &key), WINDOW_ABSENT);
    assert_int_equal(open_at(f, N_DOMAINS, GENESIS, f->id, sizeof f->id, &key), WINDOW_ABSENT);
}

static void lasts_as_long_as_its_key(void **state)
{
    const struct fixture *f = *state;
    struct window_key key;

    (void)keyring_step(f->keyring, GENESIS + HOUR);
    assert_int_equal(open_at(f, 0, GENESIS + HOUR, f->id, sizeof f->id, &key), WINDOW_FOUND);
    assert_int_equal(open_at(f, 0, f->key.opens_until_ms - 1, f->id, sizeof f->id, &key),
                     WINDOW_FOUND);
    assert_int_equal(open_at(f, 0, f->key.opens_until_ms, f->id, sizeof f->id, &key),
                     WINDOW_EXPIRED);
    (void)keyring_step(f->keyring, f->key.opens_until_ms);
    assert_int_equal(open_at(f, 0, f->key.opens_until_ms, f->id, sizeof f->id, &key),
                     WINDOW_ABSENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(opens_what_it_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(its_mac_is_siphash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(makes_another_each_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_flipped_bit_makes_it_none_of_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_other_length_is_none_of_ours, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_domain_does_not_know_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lasts_as_long_as_its_key, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
