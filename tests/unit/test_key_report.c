#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "key_report.h"
#include "keyring_static.h"
#include "window.h"

#define ROTATE_MS 1000
#define BEGIN_MS 50000

static struct metrics_totals totals;

struct keeper {
    struct rp_keyring *keyring;
    struct metrics *metrics;
    struct key_report report;
};

static int set_up(void **state)
{
    static struct keeper k;
    const struct rp_keyring_options options = {.rotate_ms = ROTATE_MS, .accept_ms = 2 * ROTATE_MS};

    k = (struct keeper){0};
    memset(&totals, 0, sizeof totals);
    *state = &k;
    return metrics_new(&k.metrics, NULL) == RP_OK &&
                   rp_keyring_new(&options, &k.keyring, NULL) == RP_OK &&
                   rp_keyring_keep(k.keyring, BEGIN_MS, NULL, NULL) == RP_OK &&
                   rp_keyring_domain_add(k.keyring, "site:a") == RP_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    struct keeper *k = *state;

    rp_keyring_free(&k->keyring);
    metrics_free(&k->metrics);
    return 0;
}

static void report(struct keeper *k, int64_t boot_ms)
{
    int64_t next_ms;

    assert_int_equal(rp_keyring_advance(k->keyring, boot_ms, &next_ms), RP_OK);
    key_report(&k->report, k->keyring, k->metrics, boot_ms);
    metrics_read(k->metrics, &totals);
}

static const struct metrics_key *of_epoch(uint64_t epoch)
{
    for (size_t i = 0; i < totals.n_keys; i++) {
        if (totals.keys[i].epoch == epoch) {
            return &totals.keys[i];
        }
    }
    fail_msg("no key of epoch %u", (unsigned)epoch);
    return NULL;
}

static void roles_follow_the_epochs(void **state)
{
    struct keeper *k = *state;
    const int64_t now_ms = BEGIN_MS + 2 * ROTATE_MS + 1;

    report(k, now_ms);
    assert_int_equal(totals.keeper[METRICS_EPOCH], 2);
    assert_int_equal(totals.keeper[METRICS_DOMAINS], 1);
    assert_int_equal(totals.keeper[METRICS_IS_STATIC], 0);
    assert_int_equal(totals.n_keys, 4);
    assert_int_equal(of_epoch(3)->role, METRICS_KEY_NEXT);
    assert_int_equal(of_epoch(2)->role, METRICS_KEY_SEALS);
    assert_int_equal(of_epoch(1)->role, METRICS_KEY_OPENS);
    for (uint64_t e = 0; e <= 3; e++) {
        assert_int_equal(of_epoch(e)->since_ms, BEGIN_MS + (int64_t)e * ROTATE_MS);
    }
    assert_int_equal(totals.keeper[METRICS_EPOCH_SINCE_MS], BEGIN_MS + 2 * ROTATE_MS);
}

static void names_are_those_on_tickets(void **state)
{
    struct keeper *k = *state;
    struct window_key key;
    unsigned place;

    report(k, BEGIN_MS);
    assert_true(window_domain(k->keyring, "site:a", &place));
    assert_true(window_sealing(k->keyring, place, window_fleet_ms(k->keyring, BEGIN_MS), &key));
    assert_memory_equal(of_epoch(0)->name, key.keys.stek.name, METRICS_NAME_LEN);
    window_key_wipe(&key);
}

static struct stek file(uint8_t first)
{
    struct stek stek = {.key_len = 32};

    for (size_t i = 0; i < sizeof stek.name; i++) {
        stek.name[i] = (uint8_t)(first + i * 7);
    }
    for (size_t i = 0; i < sizeof stek.aes; i++) {
        stek.aes[i] = (uint8_t)(first * 3 + i * i * 5 + 1);
    }
    for (size_t i = 0; i < sizeof stek.hmac; i++) {
        stek.hmac[i] = (uint8_t)(first * 5 + i * i * 11 + 2);
    }
    return stek;
}

static void a_static_key_ages_while_it_stays(void **state)
{
    struct keeper *k = *state;
    struct stek before[] = {file(1)};
    struct stek after[] = {file(2), file(1)};
    struct rp_error err;

    assert_int_equal(keyring_set_static(k->keyring, before, 1, &err), RP_OK);
    report(k, BEGIN_MS);
    assert_int_equal(totals.n_keys, 1);
    assert_int_equal(totals.keeper[METRICS_IS_STATIC], 1);
    assert_int_equal(of_epoch(0)->role, METRICS_KEY_SEALS);
    assert_int_equal(keyring_set_static(k->keyring, after, 2, &err), RP_OK);
    report(k, BEGIN_MS + 500);
    assert_int_equal(totals.n_keys, 2);
    assert_memory_equal(of_epoch(0)->name, after[0].name, METRICS_NAME_LEN);
    assert_int_equal(of_epoch(0)->since_ms, BEGIN_MS + 500);
    assert_int_equal(of_epoch(1)->role, METRICS_KEY_OPENS);
    assert_int_equal(of_epoch(1)->since_ms, BEGIN_MS);
}

#define REPORT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REPORT_TEST(roles_follow_the_epochs),
        REPORT_TEST(names_are_those_on_tickets),
        REPORT_TEST(a_static_key_ages_while_it_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
