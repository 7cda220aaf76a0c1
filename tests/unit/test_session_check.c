#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "session_check.h"

#define TLS12 0x0303
#define TLS13 0x0304
#define NOW INT64_C(1000000)
#define DAY INT64_C(86400000)
#define WEEK_S 604800

static const uint8_t one[SESSION_HASH_LEN] = {1, 2,  3,  4,  5,  6,  7,  8,
                                              9, 10, 11, 12, 13, 14, 15, 16};
/* Differs in the last byte only, so that a comparison that stops early is seen. */
static const uint8_t two[SESSION_HASH_LEN] = {1, 2,  3,  4,  5,  6,  7,  8,
                                              9, 10, 11, 12, 13, 14, 15, 17};

/* Of these too, the last byte of each half. */
static const uint8_t context[SESSION_CONTEXT_LEN] = {1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t other_domain[SESSION_CONTEXT_LEN] = {1, 2, 3, 5, 5, 6, 7, 8};
static const uint8_t other_policy[SESSION_CONTEXT_LEN] = {1, 2, 3, 4, 5, 6, 7, 9};
static const uint8_t other_both[SESSION_CONTEXT_LEN] = {1, 2, 3, 5, 5, 6, 7, 9};

static struct session_meta meta_of(uint16_t version, int64_t origin_ms, int64_t sealed_ms)
{
    struct session_meta m = {
        .origin_ms = origin_ms, .sealed_ms = sealed_ms, .version = version, .ems = true};

    memcpy(m.context, context, sizeof context);
    memcpy(m.binding, one, sizeof one);
    return m;
}

static struct session_claim claim_of(uint16_t version)
{
    return (struct session_claim){.context = context,
                                  .binding = one,
                                  .fleet_ms = NOW,
                                  .max_age_ms = DAY,
                                  .version = version,
                                  .ems = true};
}

static void accepts_what_matches(void **state)
{
    static const uint16_t versions[] = {TLS12, TLS13};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct session_meta m = meta_of(versions[i], NOW - 10, NOW - 10);
        const struct session_claim claim = claim_of(versions[i]);

        assert_int_equal(session_check(&m, 1000, &claim), RP_VERDICT_ACCEPTED);
    }
}

static void tells_each_mismatch_by_name(void **state)
{
    const struct session_meta m = meta_of(TLS12, NOW, NOW);
    struct session_claim claim;

    (void)state;
    claim = claim_of(TLS12);
    claim.context = other_domain;
    assert_int_equal(session_check(&m, DAY, &claim), RP_VERDICT_WRONG_DOMAIN);
    claim = claim_of(TLS13);
    assert_int_equal(session_check(&m, DAY, &claim), RP_VERDICT_WRONG_VERSION);
    claim = claim_of(TLS12);
    claim.binding = two;
    assert_int_equal(session_check(&m, DAY, &claim), RP_VERDICT_WRONG_SNI);
    claim = claim_of(TLS12);
    claim.context = other_policy;
    assert_int_equal(session_check(&m, DAY, &claim), RP_VERDICT_POLICY_CHANGED);
    claim = claim_of(TLS12);
    claim.ems = false;
    assert_int_equal(session_check(&m, DAY, &claim), RP_VERDICT_WRONG_EMS);
    claim = claim_of(TLS12);
    claim.fleet_ms = NOW + DAY + 1;
    assert_int_equal(session_check(&m, DAY, &claim), RP_VERDICT_EXPIRED);
}

/* With everything wrong, mending one thing after the other shows the order. */
static void tells_the_most_specific_truth_first(void **state)
{
    const struct session_meta m = meta_of(TLS12, NOW, NOW);
    struct session_claim claim = {.context = other_both,
                                  .binding = two,
                                  .fleet_ms = NOW + 2 * DAY,
                                  .max_age_ms = DAY,
                                  .version = TLS13,
                                  .ems = false};

    (void)state;
    assert_int_equal(session_check(&m, DAY, &claim), RP_VERDICT_WRONG_DOMAIN);
    claim.context = other_policy;
    assert_int_equal(session_check(&m, DAY, &claim), RP_VERDICT_WRONG_VERSION);
    claim.version = TLS12;
    assert_int_equal(session_check(&m, DAY, &claim), RP_VERDICT_POLICY_CHANGED);
    claim.context = context;
    assert_int_equal(session_check(&m, DAY, &claim), RP_VERDICT_WRONG_SNI);
    claim.binding = one;
    assert_int_equal(session_check(&m, DAY, &claim), RP_VERDICT_WRONG_EMS);
    claim.ems = true;
    assert_int_equal(session_check(&m, DAY, &claim), RP_VERDICT_EXPIRED);
    claim.fleet_ms = NOW + DAY;
    assert_int_equal(session_check(&m, DAY, &claim), RP_VERDICT_ACCEPTED);
}

/* RFC 7627 sections 5.2, 5.3; TLS 1.3 has no such thing. */
static void extended_master_secret_is_wanted_on_both_sides(void **state)
{
    static const struct {
        uint16_t version;
        bool session;
        bool client;
        enum rp_verdict verdict;
    } rows[] = {
        {TLS12, true, true, RP_VERDICT_ACCEPTED},   {TLS12, false, false, RP_VERDICT_WRONG_EMS},
        {TLS12, true, false, RP_VERDICT_WRONG_EMS}, {TLS12, false, true, RP_VERDICT_WRONG_EMS},
        {TLS13, true, false, RP_VERDICT_ACCEPTED},  {TLS13, false, true, RP_VERDICT_ACCEPTED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct session_meta m = meta_of(rows[i].version, NOW, NOW);
        struct session_claim claim = claim_of(rows[i].version);

        m.ems = rows[i].session;
        claim.ems = rows[i].client;
        assert_int_equal(session_check(&m, DAY, &claim), rows[i].verdict);
    }
}

static void lifetimes_end_at_the_millisecond(void **state)
{
    static const struct {
        const char *what;
        int64_t origin_ms;
        int64_t sealed_ms;
        int64_t lifetime_ms;
        int64_t max_age_ms;
        int64_t now_ms;
        enum rp_verdict verdict;
    } rows[] = {
        {"just sealed", 5000, 5000, 10000, DAY, 5000, RP_VERDICT_ACCEPTED},
        {"last of its lifetime", 5000, 5000, 10000, DAY, 15000, RP_VERDICT_ACCEPTED},
        {"one past its lifetime", 5000, 5000, 10000, DAY, 15001, RP_VERDICT_EXPIRED},
        {"no lifetime, at once", 5000, 5000, 0, DAY, 5000, RP_VERDICT_ACCEPTED},
        {"no lifetime, one later", 5000, 5000, 0, DAY, 5001, RP_VERDICT_EXPIRED},
        {"lifetime below zero", 5000, 5000, -1, DAY, 5000, RP_VERDICT_EXPIRED},
        {"last of max_age", 5000, 8000, DAY, 10000, 15000, RP_VERDICT_ACCEPTED},
        {"one past max_age", 5000, 8000, DAY, 10000, 15001, RP_VERDICT_EXPIRED},
        {"max_age is over first", 5000, 8000, 7001, 10000, 15001, RP_VERDICT_EXPIRED},
        {"lifetime is over first", 5000, 8000, 6999, 10000, 15000, RP_VERDICT_EXPIRED},
        {"most skew", 65000, 65000, 0, 0, 5000, RP_VERDICT_ACCEPTED},
        {"one more than the most skew", 65001, 65001, DAY, DAY, 5000, RP_VERDICT_EXPIRED},
        {"from the end of time", INT64_MAX, INT64_MAX, DAY, DAY, 0, RP_VERDICT_EXPIRED},
        {"checked before time began", 0, 0, DAY, DAY, INT64_MIN, RP_VERDICT_EXPIRED},
        {"checked at the end of time", 0, 0, DAY, DAY, INT64_MAX, RP_VERDICT_EXPIRED},
        {"everlasting", 0, 0, INT64_MAX, INT64_MAX, INT64_MAX, RP_VERDICT_ACCEPTED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct session_meta m = meta_of(TLS13, rows[i].origin_ms, rows[i].sealed_ms);
        struct session_claim claim = claim_of(TLS13);
        enum rp_verdict verdict;

        claim.fleet_ms = rows[i].now_ms;
        claim.max_age_ms = rows[i].max_age_ms;
        verdict = session_check(&m, rows[i].lifetime_ms, &claim);
        if (verdict != rows[i].verdict) {
            print_error("%s: %s\n", rows[i].what, rp_verdict_text(verdict));
        }
        assert_int_equal(verdict, rows[i].verdict);
    }
}

static void advertises_the_least_of_its_bounds(void **state)
{
    static const struct {
        const char *what;
        struct session_life life; /* now, origin, timeout, max_age, opens until */
        uint32_t lifetime_s;
    } rows[] = {
        {"timeout", {NOW, NOW, 300000, DAY, INT64_MAX}, 300},
        {"timeout, rounded down", {NOW, NOW, 300999, DAY, INT64_MAX}, 300},
        {"7 days", {NOW, NOW, 30 * DAY, 30 * DAY, INT64_MAX}, WEEK_S},
        {"max_age", {NOW, NOW, DAY, 7000, INT64_MAX}, 7},
        {"what is left of max_age", {NOW, NOW - 4500, DAY, 7000, INT64_MAX}, 2},
        {"less than a second left", {NOW, NOW - 6001, DAY, 7000, INT64_MAX}, 0},
        {"nothing left of max_age", {NOW, NOW - 9000, DAY, 7000, INT64_MAX}, 0},
        {"the key's end, which it does not reach", {NOW, NOW, DAY, DAY, NOW + 5000}, 4},
        {"one before the key's end", {NOW, NOW, DAY, DAY, NOW + 5001}, 5},
        {"a key that has ended", {NOW, NOW, DAY, DAY, NOW}, 0},
        {"a key that ended long ago", {NOW, NOW, DAY, DAY, INT64_MIN}, 0},
        {"no timeout", {NOW, NOW, 0, DAY, INT64_MAX}, 0},
        {"less than no timeout", {NOW, NOW, -5000, DAY, INT64_MAX}, 0},
        {"before time began", {INT64_MIN, 0, DAY, DAY, INT64_MAX}, 86400},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const uint32_t lifetime_s = session_lifetime_s(&rows[i].life);

        if (lifetime_s != rows[i].lifetime_s) {
            print_error("%s: %u\n", rows[i].what, lifetime_s);
        }
        assert_int_equal(lifetime_s, rows[i].lifetime_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_matches),
        cmocka_unit_test(tells_each_mismatch_by_name),
        cmocka_unit_test(tells_the_most_specific_truth_first),
        cmocka_unit_test(extended_master_secret_is_wanted_on_both_sides),
        cmocka_unit_test(lifetimes_end_at_the_millisecond),
        cmocka_unit_test(advertises_the_least_of_its_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
