#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "leaf_set.h"
#include "site_view.h"

static const uint8_t leaf_a[LEAF_LEN] = {1};
static const uint8_t leaf_b[LEAF_LEN] = {2};

static const struct site_answer full_a = {.answered = true, .full = true, .leaf = leaf_a};
static const struct site_answer full_b = {.answered = true, .full = true, .leaf = leaf_b};
static const struct site_answer unknown = {
    .answered = true, .alert = true, .alert_description = 112};

static struct site_view view(const struct site_answer *answer, unsigned n)
{
    struct site_view v = {0};

    for (unsigned i = 0; i < n; i++) {
        site_view_add(&v, answer);
    }
    return v;
}

static bool differ(const struct site_view *a, const struct site_view *b)
{
    char why[128];

    return site_view_differs(a, b, why, sizeof why);
}

static void one_certificate_is_one_site(void **state)
{
    const struct site_view a = view(&full_a, 3);
    const struct site_view b = view(&full_a, 3);

    (void)state;
    assert_false(differ(&a, &b));
}

static void another_certificate_is_another_site(void **state)
{
    const struct site_view a = view(&full_a, 3);
    const struct site_view b = view(&full_b, 3);

    (void)state;
    assert_true(differ(&a, &b));
}

/* Hosts behind one address with a certificate each: the names tell nothing. */
static void mixed_certificates_are_not_another_site(void **state)
{
    struct site_view a = view(&full_a, 2);
    const struct site_view b = view(&full_b, 3);

    (void)state;
    site_view_add(&a, &full_b);
    assert_false(differ(&a, &b));
}

static void a_name_that_is_refused_is_another_site(void **state)
{
    const struct site_view a = view(&full_a, 3);
    struct site_view b = view(&unknown, 3);
    char why[128];

    (void)state;
    assert_true(site_view_differs(&a, &b, why, sizeof why));
    assert_string_equal(why, "no site (alert 112 unrecognized_name)");
    site_view_add(&b, &full_a);
    assert_false(differ(&a, &b));
}

static void too_little_seen_is_nothing(void **state)
{
    const struct site_view none = {0};
    const struct site_view a = view(&full_a, 3);
    const struct site_view once = view(&full_b, 1);
    const struct site_answer silence = {.answered = false};
    const struct site_view silent = view(&silence, 3);

    (void)state;
    assert_false(differ(&a, &none));
    assert_false(differ(&a, &once));
    assert_false(differ(&a, &silent));
    assert_false(site_view_denies(&none));
}

static void an_optional_certificate_denies_nobody(void **state)
{
    const struct site_answer asked = {
        .answered = true, .full = true, .asked = true, .http_status = 200, .leaf = leaf_b};
    const struct site_view v = view(&asked, 3);

    (void)state;
    assert_false(site_view_denies(&v));
}

static void an_alert_denies(void **state)
{
    const struct site_answer refused = {.answered = true,
                                        .full = true,
                                        .asked = true,
                                        .alert = true,
                                        .alert_description = 116,
                                        .leaf = leaf_b};
    const struct site_view v = view(&refused, 3);
    struct site_answer in = {.answered = true, .resumed = true, .http_status = 200};

    (void)state;
    assert_true(site_view_denies(&v));
    assert_true(site_view_bypassed(&v, &in));
    in.http_status = 403;
    assert_false(site_view_bypassed(&v, &in));
    in.http_status = 0;
    assert_true(site_view_bypassed(&v, &in));
    in.closed = true;
    assert_false(site_view_bypassed(&v, &in));
    in.closed = false;
    in.alert = true;
    assert_false(site_view_bypassed(&v, &in));
    in.alert = false;
    in.resumed = false;
    assert_false(site_view_bypassed(&v, &in));
}

/* nginx completes the handshake and then answers 400: so it may to a session as well. */
static void an_http_status_denies_and_must_be_gone(void **state)
{
    const struct site_answer refused = {
        .answered = true, .full = true, .asked = true, .http_status = 400, .leaf = leaf_b};
    const struct site_view v = view(&refused, 3);
    struct site_answer in = {.answered = true, .resumed = true, .http_status = 400};

    (void)state;
    assert_true(site_view_denies(&v));
    assert_false(site_view_bypassed(&v, &in));
    in.http_status = 0;
    assert_false(site_view_bypassed(&v, &in));
    in.http_status = 421;
    assert_false(site_view_bypassed(&v, &in));
    in.http_status = 200;
    assert_true(site_view_bypassed(&v, &in));
}

static void a_full_set_of_leaves_says_nothing(void **state)
{
    struct leaf_set a = {0};
    struct leaf_set b = {0};
    uint8_t leaf[LEAF_LEN] = {0};

    (void)state;
    leaf_set_add(&b, leaf_a);
    leaf_set_add(&b, leaf_a);
    assert_int_equal(b.n, 1);
    assert_false(leaf_set_disjoint(&a, &b));
    for (uint8_t i = 0; i < LEAF_SET_MAX + 2; i++) {
        leaf[0] = (uint8_t)(100 + i);
        leaf_set_add(&a, leaf);
    }
    assert_int_equal(a.n, LEAF_SET_MAX);
    assert_false(leaf_set_disjoint(&a, &b));
    a.n = 2;
    assert_true(leaf_set_disjoint(&a, &b));
    leaf_set_add(&a, leaf_a);
    assert_false(leaf_set_disjoint(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_certificate_is_one_site),
        cmocka_unit_test(another_certificate_is_another_site),
        cmocka_unit_test(mixed_certificates_are_not_another_site),
        cmocka_unit_test(a_name_that_is_refused_is_another_site),
        cmocka_unit_test(too_little_seen_is_nothing),
        cmocka_unit_test(an_optional_certificate_denies_nobody),
        cmocka_unit_test(an_alert_denies),
        cmocka_unit_test(an_http_status_denies_and_must_be_gone),
        cmocka_unit_test(a_full_set_of_leaves_says_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
