/* Which rings win, begin and go where a fleet's secret is changed. */
#include "fleet_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fleet_rekey.h"

#define SAMPLES                                                                                    \
    16 /* listings until a fleet too large to see it whole is believed to have one secret */

static const uint8_t old_secret[SEAL_SECRET_LEN] = "that somebody may have copied";
static const uint8_t new_secret[SEAL_SECRET_LEN] = "of the time after that";
static const uint8_t zeroes[RINGS_MARK_LEN];

/* A founder with these secrets, whose view is known. */
static struct fleet *found(struct sim *s, const struct sim_start *start)
{
    kit_init(s, 1, 0);
    sim_start(s, 0, start);
    sim_run(s, KIT_SETTLE_MS);
    assert_true(kit_is_member(s, 0));
    return s->hosts[0].fleet;
}

static struct fleet *found_with_one(struct sim *s)
{
    return found(s, &(struct sim_start){.secrets = {new_secret}});
}

/* A member comes into its view. */
static void see(struct sim *s, struct fleet *f, uint8_t number, uint8_t health)
{
    struct mailbox_presence p = {.seq = 1,
                                 .is_member = true,
                                 .health = health,
                                 .rotate_ms = KIT_ROTATE_MS,
                                 .accept_ms = KIT_ACCEPT_MS,
                                 .name = "other"};

    assert_non_null(view_hear(&f->view, &(struct mailbox_id){{number}}, &p, 0,
                              sim_boot_ms(&s->hosts[0], s->now_ms)));
}

static void make_id(const struct fleet *f, uint32_t rank, bool is_ours, uint8_t *out)
{
    memset(out, 0x55, RATCHET_ID_LEN);
    for (int i = 0; i < 4; i++) {
        out[i] = (uint8_t)(rank >> (24 - 8 * i));
    }
    if (is_ours) {
        memcpy(&out[4], f->seals[0].mark, RINGS_MARK_LEN);
    }
}

/* The ring that it seals by gets another id. */
static void rename_ring(struct sim *s, const struct fleet *f, uint32_t rank, bool is_ours)
{
    struct rings *const r = s->hosts[0].rings;

    make_id(f, rank, is_ours, r->ring[r->sealing].id);
    sim_map_put(&s->known, r->ring[r->sealing].id, 1);
}

static bool is_first_better(const struct fleet *f, uint32_t rank_a, bool ours_a, uint32_t rank_b,
                            bool ours_b)
{
    uint8_t a[RATCHET_ID_LEN];
    uint8_t b[RATCHET_ID_LEN];
    int order;

    make_id(f, rank_a, ours_a, a);
    make_id(f, rank_b, ours_b, b);
    order = fleet_rekey_compare(f, a, b);
    assert_int_equal(fleet_rekey_compare(f, a, a), 0);
    assert_true((fleet_rekey_compare(f, b, a) < 0) == (order > 0));
    return order < 0;
}

static uint32_t next_rank(const struct fleet *f, uint32_t rank, bool is_ours)
{
    uint8_t id[RATCHET_ID_LEN];

    make_id(f, rank, is_ours, id);
    return fleet_rekey_next_rank(f, id);
}

static void a_mark_is_that_of_the_only_secret(void **state)
{
    struct sim s;
    const struct fleet *f = found_with_one(&s);

    (void)state;
    assert_memory_equal(fleet_rekey_mark(f), f->seals[0].mark, RINGS_MARK_LEN);
    assert_memory_not_equal(f->seals[0].mark, zeroes, RINGS_MARK_LEN);
    assert_memory_equal(rings_mark(kit_seals(&s, 0)), f->seals[0].mark, RINGS_MARK_LEN);
    sim_fini(&s);
    f = found(&s, &(struct sim_start){.secrets = {new_secret, old_secret}});
    assert_memory_equal(fleet_rekey_mark(f), zeroes, RINGS_MARK_LEN);
    assert_memory_equal(rings_mark(kit_seals(&s, 0)), zeroes, RINGS_MARK_LEN);
    sim_fini(&s);
}

static void one_that_understands_two_makes_all_unsure(void **state)
{
    struct sim s;
    struct fleet *const f = found_with_one(&s);

    (void)state;
    see(&s, f, 1, MAILBOX_HEALTH_REPLACED | MAILBOX_HEALTH_RELOAD);
    assert_memory_equal(fleet_rekey_mark(f), f->seals[0].mark, RINGS_MARK_LEN);
    see(&s, f, 2, MAILBOX_HEALTH_SECRETS);
    assert_memory_equal(fleet_rekey_mark(f), zeroes, RINGS_MARK_LEN);
    rename_ring(&s, f, RINGS_RANK_FOUNDED, false);
    assert_false(fleet_rekey_is_due(f));
    sim_fini(&s);
}

/* The view of a large fleet is a sample: who understands two comes into it by and by. */
static void a_sample_is_believed_after_some_listings(void **state)
{
    struct sim s;
    struct fleet *const f = found_with_one(&s);

    (void)state;
    f->view.is_sample = true;
    f->n_single_listings = 0;
    for (unsigned i = 0; i < SAMPLES; i++) {
        assert_memory_equal(fleet_rekey_mark(f), zeroes, RINGS_MARK_LEN);
        fleet_rekey_listed(f, 0);
    }
    assert_memory_equal(fleet_rekey_mark(f), f->seals[0].mark, RINGS_MARK_LEN);
    see(&s, f, 1, MAILBOX_HEALTH_SECRETS);
    fleet_rekey_listed(f, 0);
    assert_int_equal(f->n_single_listings, 0);
    f->view.members[0].about.presence.health = 0;
    assert_memory_equal(fleet_rekey_mark(f), zeroes, RINGS_MARK_LEN);
    sim_fini(&s);
}

static void a_mark_wins_against_any_id(void **state)
{
    struct sim s;
    struct fleet *const f = found_with_one(&s);

    (void)state;
    assert_true(is_first_better(f, RINGS_RANK_FOUNDED, true, 0, false));
    assert_true(is_first_better(f, 7, true, 8, true));
    assert_true(is_first_better(f, 7, false, 8, false));
    see(&s, f, 1, MAILBOX_HEALTH_SECRETS);
    assert_true(is_first_better(f, 0, false, RINGS_RANK_FOUNDED, true));
    sim_fini(&s);
}

static void ranks_go_down_but_for_one_that_was_planted(void **state)
{
    struct sim s;
    struct fleet *const f = found_with_one(&s);

    (void)state;
    for (int is_ours = 0; is_ours < 2; is_ours++) {
        assert_int_equal(next_rank(f, RINGS_RANK_FOUNDED, is_ours != 0), RINGS_RANK_FOUNDED - 1);
        assert_int_equal(next_rank(f, 0x80000000u, is_ours != 0), 0x7fffffffu);
    }
    assert_int_equal(next_rank(f, 0x7fffffffu, false), RINGS_RANK_FOUNDED - 1);
    assert_int_equal(next_rank(f, 0, false), RINGS_RANK_FOUNDED - 1);
    assert_int_equal(next_rank(f, 0x7fffffffu, true), 0x7ffffffeu);
    assert_int_equal(next_rank(f, 0, true), 0);
    see(&s, f, 1, MAILBOX_HEALTH_SECRETS);
    assert_int_equal(next_rank(f, 0x7fffffffu, false), 0x7ffffffeu);
    assert_int_equal(next_rank(f, 0, false), 0);
    sim_fini(&s);
}

static void a_ring_of_another_secret_is_due(void **state)
{
    struct sim s;
    struct fleet *const f = found_with_one(&s);

    (void)state;
    assert_false(fleet_rekey_is_due(f));
    rename_ring(&s, f, RINGS_RANK_FOUNDED, false);
    assert_true(fleet_rekey_is_due(f));
    f->is_view_known = false;
    assert_false(fleet_rekey_is_due(f));
    f->is_view_known = true;
    rename_ring(&s, f, RINGS_RANK_ALONE, false);
    assert_false(fleet_rekey_is_due(f));
    sim_fini(&s);
}

static void others_are_refused_only_where_that_is_told(void **state)
{
    struct sim s;
    uint8_t other[RATCHET_ID_LEN];
    uint8_t ours[RATCHET_ID_LEN];
    struct fleet *f = found_with_one(&s);

    (void)state;
    make_id(f, 7, false, other);
    make_id(f, 7, true, ours);
    assert_false(fleet_rekey_refuses(f, other));
    sim_fini(&s);
    f = found(&s, &(struct sim_start){.secrets = {new_secret}, .only_own_rings = true});
    assert_true(fleet_rekey_refuses(f, other));
    assert_false(fleet_rekey_refuses(f, ours));
    rename_ring(&s, f, RINGS_RANK_FOUNDED, false);
    assert_false(fleet_rekey_refuses(f, other));
    sim_fini(&s);
    f = found(&s, &(struct sim_start){.secrets = {new_secret, old_secret}, .only_own_rings = true});
    assert_false(fleet_rekey_refuses(f, other));
    sim_fini(&s);
}

static enum rp_status no_commit(void *cookie)
{
    (void)cookie;
    return RP_NO_MEMORY;
}

static void what_is_refused_is_forgotten_with_its_roots(void **state)
{
    struct sim s;
    struct fleet *const f =
        found(&s, &(struct sim_start){.secrets = {new_secret}, .only_own_rings = true});
    const struct rings *const r = s.hosts[0].rings;
    const int64_t genesis_ms = r->ring[0].genesis_ms;
    const struct fleet_keys keys = f->keys;
    unsigned place;

    (void)state;
    for (uint32_t rank = 5; rank < 8; rank++) {
        assert_int_equal(rings_seed(s.hosts[0].rings, rank, genesis_ms, &place), RP_OK);
        sim_map_put(&s.known, r->ring[place].id, 1);
    }
    rings_drop(s.hosts[0].rings, place);
    f->keys.commit = no_commit;
    fleet_rekey_listed(f, sim_boot_ms(&s.hosts[0], s.now_ms));
    assert_int_equal(r->n, 4);
    assert_int_equal(fleet_count(f, FLEET_DROPPED), 0);
    f->keys = keys;
    fleet_rekey_listed(f, sim_boot_ms(&s.hosts[0], s.now_ms));
    assert_int_equal(r->n, 1);
    assert_int_equal(r->n_roots, 2);
    assert_int_equal(fleet_count(f, FLEET_DROPPED), 3);
    assert_memory_equal(rings_mark(kit_seals(&s, 0)), f->seals[0].mark, RINGS_MARK_LEN);
    sim_fini(&s);
}

static void restart_all(struct sim *s, const struct sim_start *start)
{
    for (uint32_t i = 0; i < s->options.n_hosts; i++) {
        sim_stop(s, i);
        sim_start(s, i, start);
        sim_run(s, KIT_PACE_MS);
        assert_int_equal(sim_n_rings(s), 1);
        assert_true(kit_all_open(s));
    }
}

/* Also from a ring that no re-seed wins against, planted by who had the old secret. */
static void rekeyed(uint32_t planted_rank, bool at_once)
{
    struct sim s;
    uint8_t planted[RATCHET_ID_LEN];
    const struct sim_start steps[] = {
        {.secrets = {old_secret}},
        {.secrets = {old_secret, new_secret}},
        {.secrets = {new_secret, old_secret}},
        {.secrets = {new_secret}, .only_own_rings = at_once},
    };

    kit_init(&s, 3, 0);
    sim_start(&s, 0, &steps[0]);
    sim_run(&s, KIT_SETTLE_MS);
    rename_ring(&s, s.hosts[0].fleet, planted_rank, true);
    memcpy(planted, kit_seals(&s, 0), sizeof planted);
    sim_run(&s, 2 * KIT_PACE_MS);
    sim_start(&s, 1, &steps[0]);
    sim_start(&s, 2, &steps[0]);
    sim_run(&s, KIT_SETTLE_MS);
    for (unsigned i = 1; i < 4; i++) {
        assert_memory_equal(kit_seals(&s, 0), planted, sizeof planted);
        restart_all(&s, &steps[i]);
    }
    sim_run(&s, 5 * KIT_PACE_MS + 2 * KIT_ROTATE_MS);
    assert_int_equal(sim_n_rings(&s), 1);
    for (uint32_t i = 0; i < 3; i++) {
        const uint8_t *const id = kit_seals(&s, i);

        assert_memory_equal(rings_mark(id), s.hosts[i].fleet->seals[0].mark, RINGS_MARK_LEN);
        assert_int_equal(rings_rank(id), RINGS_RANK_FOUNDED - 1);
        assert_true((rings_find(s.hosts[i].rings, planted) < 0) == at_once);
    }
    sim_fini(&s);
}

static void a_rekeyed_fleet_seals_by_a_ring_that_was_never_known_otherwise(void **state)
{
    (void)state;
    rekeyed(RINGS_RANK_FOUNDED, false);
    rekeyed(RINGS_RANK_FOUNDED, true);
}

static void a_planted_ring_goes_with_the_secret(void **state)
{
    (void)state;
    rekeyed(0, false);
    rekeyed(0, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_is_that_of_the_only_secret),
        cmocka_unit_test(one_that_understands_two_makes_all_unsure),
        cmocka_unit_test(a_sample_is_believed_after_some_listings),
        cmocka_unit_test(a_mark_wins_against_any_id),
        cmocka_unit_test(ranks_go_down_but_for_one_that_was_planted),
        cmocka_unit_test(a_ring_of_another_secret_is_due),
        cmocka_unit_test(others_are_refused_only_where_that_is_told),
        cmocka_unit_test(what_is_refused_is_forgotten_with_its_roots),
        cmocka_unit_test(a_rekeyed_fleet_seals_by_a_ring_that_was_never_known_otherwise),
        cmocka_unit_test(a_planted_ring_goes_with_the_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
