#include "fleet_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memory.h"

#define ROTATE_MS 1000
#define ACCEPT_MS 4000
#define SILENCE_MS 1000

static const uint8_t ring_a[MAILBOX_ID_LEN] = {1};
static const uint8_t ring_b[MAILBOX_ID_LEN] = {2};

static struct mailbox_id id(unsigned i)
{
    struct mailbox_id out = {{0}};

    memcpy(out.bytes, &i, sizeof i);
    return out;
}

/* Seals by the first ring, holds both; second may be NULL. */
static struct mailbox_presence says(uint64_t seq, const uint8_t *first, const uint8_t *second)
{
    struct mailbox_presence p = {
        .seq = seq, .is_member = true, .rotate_ms = ROTATE_MS, .accept_ms = ACCEPT_MS, .n_held = 1};

    memcpy(p.held[0].ring.bytes, first, MAILBOX_ID_LEN);
    p.held[0].seals = true;
    if (second != NULL) {
        memcpy(p.held[1].ring.bytes, second, MAILBOX_ID_LEN);
        p.n_held = 2;
    }
    return p;
}

static bool hear(struct view *v, unsigned from, uint64_t seq, int64_t now_ms)
{
    const struct mailbox_id who = id(from);
    const struct mailbox_presence p = says(seq, ring_a, NULL);

    return view_hear(v, &who, &p, 0, now_ms) != NULL;
}

static void a_member_counts_while_its_seq_grows(void **state)
{
    struct view v;

    (void)state;
    view_init(&v, ROTATE_MS, ACCEPT_MS);
    assert_true(hear(&v, 1, 5, 0));
    for (int64_t now = 100; now <= SILENCE_MS; now += 100) {
        assert_false(hear(&v, 1, 5, now));
        assert_false(hear(&v, 1, 4, now));
        view_listed(&v, now, SILENCE_MS, false);
        assert_int_equal(view_n(&v), 1);
    }
    view_listed(&v, SILENCE_MS + 1, SILENCE_MS, false);
    assert_int_equal(view_n(&v), 0);
    view_fini(&v);
}

static void an_old_presence_brings_nobody_back(void **state)
{
    struct view v;

    (void)state;
    view_init(&v, ROTATE_MS, ACCEPT_MS);
    assert_true(hear(&v, 1, 5, 0));
    view_listed(&v, 2000, SILENCE_MS, false);
    assert_int_equal(v.n, 0);
    for (int64_t now = 2000; now < 9000; now += 500) {
        assert_false(hear(&v, 1, 5, now));
        view_listed(&v, now, SILENCE_MS, false);
        assert_int_equal(v.n, 0);
    }
    assert_true(hear(&v, 1, 6, 9000));
    assert_int_equal(view_n(&v), 1);
    view_fini(&v);
}

static void without_a_listing_nobody_goes(void **state)
{
    struct view v;

    (void)state;
    view_init(&v, ROTATE_MS, ACCEPT_MS);
    assert_true(hear(&v, 1, 1, 0));
    assert_int_equal(view_n(&v), 1);
    assert_true(hear(&v, 1, 2, 1000000));
    view_listed(&v, 1000000, SILENCE_MS, false);
    assert_int_equal(view_n(&v), 1);
    view_fini(&v);
}

static void of_a_sample_the_last_one_is_the_view(void **state)
{
    struct view v;

    (void)state;
    view_init(&v, ROTATE_MS, ACCEPT_MS);
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < FLEET_LIST_SAMPLE; i++) {
            assert_true(hear(&v, round * 100 + i, 1, round));
        }
        view_listed(&v, round, SILENCE_MS, true);
        assert_int_equal(view_n(&v), FLEET_LIST_SAMPLE);
        for (unsigned i = 0; i < FLEET_LIST_SAMPLE; i++) {
            const struct mailbox_id who = id(round * 100 + i);

            assert_non_null(view_find(&v, &who));
        }
    }
    assert_int_equal(v.room, FLEET_LIST_SAMPLE);
    view_fini(&v);
}

static void it_stays_within_bounds(void **state)
{
    struct view v;

    (void)state;
    view_init(&v, ROTATE_MS, ACCEPT_MS);
    for (unsigned i = 0; i < 3 * FLEET_LIST_ALL; i++) {
        assert_true(hear(&v, i, 1, i));
    }
    assert_int_equal(v.n, FLEET_LIST_ALL);
    view_listed(&v, 100000, SILENCE_MS, false);
    assert_int_equal(v.n, 0);
    assert_int_equal(v.n_gone, FLEET_LIST_ALL);
    view_fini(&v);
}

static void who_joins_or_differs_does_not_count(void **state)
{
    struct mailbox_presence joining = says(1, ring_a, NULL);
    struct mailbox_presence other = says(1, ring_b, NULL);
    const struct mailbox_id one = id(1);
    const struct mailbox_id two = id(2);
    struct view v;

    (void)state;
    joining.is_member = false;
    other.accept_ms++;
    view_init(&v, ROTATE_MS, ACCEPT_MS);
    assert_non_null(view_hear(&v, &one, &joining, 0, 0));
    assert_true(view_hear(&v, &two, &other, 0, 0)->is_mismatch);
    assert_int_equal(v.n, 2);
    assert_int_equal(view_n(&v), 0);
    assert_true(view_all_hold(&v, ring_b));
    assert_false(view_any_seals(&v, ring_a));
    assert_null(view_best(&v));
    view_fini(&v);
}

static bool seals_b(const struct view_member *m, const void *cookie)
{
    (void)cookie;
    return view_member_seals(m, ring_b);
}

static void rings_of_members_are_known(void **state)
{
    const struct mailbox_presence both = says(1, ring_b, ring_a);
    const struct mailbox_presence one = says(1, ring_a, NULL);
    const struct mailbox_id first = id(1);
    const struct mailbox_id second = id(2);
    struct fleet_random random = {true, 1};
    struct view v;

    (void)state;
    view_init(&v, ROTATE_MS, ACCEPT_MS);
    assert_non_null(view_hear(&v, &first, &both, 0, 0));
    assert_true(view_all_hold(&v, ring_b));
    assert_memory_equal(view_best(&v), ring_b, sizeof ring_b);
    assert_non_null(view_hear(&v, &second, &one, 0, 0));
    assert_true(view_all_hold(&v, ring_a));
    assert_false(view_all_hold(&v, ring_b));
    assert_true(view_any_seals(&v, ring_b));
    assert_memory_equal(view_best(&v), ring_a, sizeof ring_a);
    for (unsigned i = 0; i < 20; i++) {
        assert_memory_equal(&view_pick(&v, &random, seals_b, NULL)->about.id, &first, sizeof first);
    }
    view_fini(&v);
}

static void without_memory_a_member_is_not_seen(void **state)
{
    struct view v;

    (void)state;
    for (long n = 0; n < 4; n++) {
        view_init(&v, ROTATE_MS, ACCEPT_MS);
        memory_fail_after(n);
        for (unsigned i = 0; i < 40; i++) {
            (void)hear(&v, i, 1, 0);
        }
        view_listed(&v, 2 * SILENCE_MS, SILENCE_MS, false);
        memory_fail_after(-1);
        assert_int_equal(v.n, 0);
        view_fini(&v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_counts_while_its_seq_grows),
        cmocka_unit_test(an_old_presence_brings_nobody_back),
        cmocka_unit_test(without_a_listing_nobody_goes),
        cmocka_unit_test(of_a_sample_the_last_one_is_the_view),
        cmocka_unit_test(it_stays_within_bounds),
        cmocka_unit_test(who_joins_or_differs_does_not_count),
        cmocka_unit_test(rings_of_members_are_known),
        cmocka_unit_test(without_memory_a_member_is_not_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
