/* Many rings at once: which ones a host holds and keeps where there is room for no more. */
#include "fleet_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define FAR_MS (10 * (int64_t)KIT_ROTATE_MS)
#define MANY 12 /* more than were seen of the hastiest fleet, whose keepers die all the time */

/* One more ring at a host, better than all that are there: to hold, and not begun yet, or one of
 * which the first roots are left. */
static void seed(struct sim *s, uint32_t host, bool to_hold)
{
    const struct sim_host *const h = &s->hosts[host];
    struct rings *const r = h->rings;
    const int64_t fleet_ms = sim_boot_ms(h, s->now_ms) + h->offset_ms;
    const uint32_t rank = rings_rank(r->ring[r->n - 1].id) - 1;
    uint8_t mark[RINGS_MARK_LEN];
    unsigned place;

    memcpy(mark, rings_mark(r->ring[0].id), sizeof mark);
    assert_int_equal(rings_seed_marked(r, rank, mark, fleet_ms + (to_hold ? FAR_MS : 0), &place),
                     RP_OK);
    sim_map_put(&s->known, r->ring[place].id, 1);
    if (!to_hold) {
        rings_drop(r, place);
    }
}

/* A founder, and what it holds beside its ring. */
static void found(struct sim *s, unsigned n_more, bool to_hold)
{
    kit_init(s, 2, 0);
    sim_start(s, 0, NULL);
    sim_run(s, KIT_SETTLE_MS);
    for (unsigned i = 0; i < n_more; i++) {
        seed(s, 0, to_hold);
    }
    sim_run(s, 2 * KIT_PACE_MS);
    sim_start(s, 1, NULL);
    sim_run(s, KIT_SETTLE_MS);
}

/* With its own it would hold five, and the one to seal by is the worst of the others. */
static void a_joiner_holds_what_is_sealed_by(void **state)
{
    struct sim s;

    (void)state;
    found(&s, RINGS_HELD_MAX - 1, true);
    assert_true(kit_is_member(&s, 1));
    assert_int_equal(fleet_count(s.hosts[1].fleet, FLEET_ALONE), 0);
    assert_int_equal(sim_n_rings(&s), 1);
    assert_true(kit_all_open(&s));
    sim_run(&s, 3 * KIT_PACE_MS);
    for (uint32_t i = 0; i < s.hosts[0].rings->n; i++) {
        assert_true(kit_holds(&s, 1, s.hosts[0].rings->ring[i].id));
    }
    sim_fini(&s);
}

/* Re-seeds whose founders died leave many, each of which may have sealed something. */
static void a_joiner_takes_up_what_all_have_sealed(void **state)
{
    struct sim s;

    (void)state;
    found(&s, MANY - 1, false);
    assert_true(kit_is_member(&s, 1));
    assert_int_equal(s.hosts[0].rings->n, MANY);
    assert_int_equal(s.hosts[1].rings->n, MANY);
    assert_int_equal(s.hosts[1].rings->n_roots, s.hosts[0].rings->n_roots);
    sim_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_joiner_holds_what_is_sealed_by),
        cmocka_unit_test(a_joiner_takes_up_what_all_have_sealed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
