/* Several rings in one keyring: what the keeper of a fleet's host does with them. */
#include "keyring_rings.h"

#include <signal.h>

#include "keyring_fixture.h"
#include "keyring_static.h"
#include "rings_kit.h"

#define ROTATE 100
#define ACCEPT 250
#define SPARE keyring_rings_spare(ROTATE, ACCEPT)
#define BASE INT64_C(777600000)

static struct rp_keyring *make(unsigned spare_keys)
{
    const struct rp_keyring_options options = {
        .rotate_ms = ROTATE, .accept_ms = ACCEPT, .max_domains = 2, .spare_keys = spare_keys};
    struct rp_keyring *keyring = NULL;
    struct rp_error err = {""};

    if (rp_keyring_new(&options, &keyring, &err) != RP_OK) {
        fail_msg("%s", err.text);
    }
    return keyring;
}

static struct rp_keyring *make_kept(int64_t genesis_ms)
{
    struct rp_keyring *keyring = make(SPARE);

    assert_int_equal(rp_keyring_keep(keyring, genesis_ms, NULL, NULL), RP_OK);
    assert_int_equal(rp_keyring_domain_add(keyring, "a"), RP_OK);
    assert_int_equal(rp_keyring_domain_add(keyring, "b"), RP_OK);
    return keyring;
}

/* `to`, whose clock is BASE ahead, takes up the ring that `from` seals by; boot_ms is from's. */
static void take_up(struct rp_keyring *to, const struct rp_keyring *from, int64_t boot_ms,
                    bool seals)
{
    const struct rings *const rings = keyring_rings_state(from);
    struct rings *const draft = keyring_rings_draft(to);

    assert_int_equal(rings_kit_take_up(draft, rings, rings->sealing, BASE, boot_ms + BASE), RP_OK);
    if (seals) {
        rings_seal_by(draft, draft->n - 1, boot_ms + BASE);
    }
    assert_int_equal(keyring_rings_commit(to), RP_OK);
}

static void a_keeper_begins_alone(void **state)
{
    struct rp_keyring *keyring = make_kept(GENESIS);
    const struct rings *const rings = keyring_rings_state(keyring);

    (void)state;
    assert_int_equal(rings->n, 1);
    assert_int_equal(rings->lead, 1);
    assert_int_equal(rings_rank(rings->ring[0].id), RINGS_RANK_ALONE);
    assert_int_equal(keyring_rings_offset_ms(keyring), 0);
    rp_keyring_free(&keyring);
}

static void another_ring_opens_and_then_seals(void **state)
{
    struct rp_keyring *here = make_kept(GENESIS);
    struct rp_keyring *there = make_kept(GENESIS + BASE + 37);
    struct window_key theirs;
    struct window_key key;
    struct rp_keyring_info info;
    struct rp_keyring_info info_here;

    (void)state;
    (void)keyring_step(here, GENESIS + 320);
    (void)keyring_step(there, GENESIS + 320 + BASE);
    take_up(there, here, GENESIS + 320, false);
    rp_keyring_info(there, &info);
    assert_int_equal(info.n_keys, 4 + 5); /* epochs 0 to 3, and 0 to 4 */
    for (unsigned d = 0; d < 2; d++) {
        assert_true(window_sealing(here, d, GENESIS + 320, &theirs));
        assert_int_equal(
            window_by_name(there, d, GENESIS + 320 + BASE, theirs.keys.stek.name, &key),
            WINDOW_FOUND);
        assert_true(keyring_same(&theirs.keys, &key.keys));
        assert_false(key.seals);
        assert_int_equal(key.epoch, 3);
        assert_int_equal(theirs.base_ms, GENESIS);
        assert_int_equal(key.base_ms, GENESIS + BASE);
        assert_int_equal(key.opens_until_ms, theirs.opens_until_ms + BASE);
        assert_int_equal(window_by_hint(there, d, GENESIS + 320 + BASE, theirs.keys.id_hint, &key),
                         WINDOW_FOUND);
        assert_int_equal(
            window_by_name(there, 1 - d, GENESIS + 320 + BASE, theirs.keys.stek.name, &key),
            WINDOW_OTHER_DOMAIN);
        assert_true(window_sealing(there, d, GENESIS + 320 + BASE, &key));
        assert_int_equal(key.base_ms, GENESIS + BASE + 37);
        assert_false(keyring_same(&theirs.keys, &key.keys));
    }
    {
        struct rings *const draft = keyring_rings_draft(there);

        rings_seal_by(draft, 1, GENESIS + 320 + BASE);
        assert_int_equal(keyring_rings_commit(there), RP_OK);
    }
    rp_keyring_info(here, &info_here);
    rp_keyring_info(there, &info);
    assert_memory_equal(info.ring_id, info_here.ring_id, sizeof info.ring_id);
    assert_int_equal(info.epoch, 3);
    assert_true(window_sealing(there, 0, GENESIS + 320 + BASE, &key));
    assert_true(key.seals);
    assert_int_equal(key.base_ms, GENESIS + BASE);
    rp_keyring_free(&here);
    rp_keyring_free(&there);
}

/* Window by window, for as long as both live: the same ring yields the same keys. */
static void both_stay_in_step(void **state)
{
    struct rp_keyring *here = make_kept(GENESIS);
    struct rp_keyring *there = make_kept(GENESIS + BASE - 61);

    (void)state;
    take_up(there, here, GENESIS, true);
    for (int64_t now = GENESIS; now < GENESIS + 3000; now += 45) {
        struct window_key a;
        struct window_key b;

        (void)keyring_step(here, now);
        (void)keyring_step(there, now + BASE);
        assert_true(window_sealing(here, 1, now, &a));
        assert_true(window_sealing(there, 1, now + BASE, &b));
        assert_true(keyring_same(&a.keys, &b.keys));
        assert_int_equal(a.epoch, b.epoch);
    }
    rp_keyring_free(&here);
    rp_keyring_free(&there);
}

static void an_abandoned_draft_leaves_nothing(void **state)
{
    struct rp_keyring *keyring = make_kept(GENESIS);
    struct rp_keyring_info before;
    struct rp_keyring_info after;
    unsigned place;

    (void)state;
    rp_keyring_info(keyring, &before);
    assert_int_equal(rings_seed(keyring_rings_draft(keyring), 3, GENESIS, &place), RP_OK);
    keyring_rings_abandon(keyring);
    rp_keyring_info(keyring, &after);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(keyring_rings_state(keyring)->n, 1);
    (void)keyring_step(keyring, GENESIS + ROTATE);
    rp_keyring_free(&keyring);
}

static void who_has_no_rings_gets_none(void **state)
{
    struct rp_keyring *keyring = make(SPARE);
    struct stek stek = {.key_len = 32};

    (void)state;
    assert_null(keyring_rings_state(keyring));
    assert_null(keyring_rings_draft(keyring));
    assert_int_equal(rp_keyring_keep(keyring, GENESIS, NULL, NULL), RP_OK);
    assert_non_null(keyring_rings_state(keyring));
    for (unsigned i = 0; i < sizeof stek.aes; i++) {
        stek.aes[i] = (uint8_t)(i * i * 5 + 3);
        stek.hmac[i] = (uint8_t)(i * i * 11 + 2);
    }
    assert_int_equal(keyring_set_static(keyring, &stek, 1, NULL), RP_OK);
    assert_null(keyring_rings_state(keyring));
    assert_null(keyring_rings_draft(keyring));
    rp_keyring_free(&keyring);
}

static void there_is_room_for_two_rings_in_full(void **state)
{
    struct rp_keyring *keyring = make_kept(GENESIS);
    struct rings *draft = keyring_rings_draft(keyring);
    struct rp_keyring_info info;
    unsigned place;

    (void)state;
    assert_int_equal(rings_seed(draft, 3, GENESIS, &place), RP_OK);
    draft->lead = RINGS_LEAD_MAX;
    assert_int_equal(rings_advance(draft, GENESIS), RP_OK);
    assert_int_equal(keyring_rings_commit(keyring), RP_OK);
    for (int64_t now = GENESIS; now <= GENESIS + 1900; now += 50) {
        (void)keyring_step(keyring, now);
    }
    rp_keyring_info(keyring, &info);
    /* As an epoch begins: three of the past, the current one, eight ahead. */
    assert_int_equal(info.n_keys, 2 * (3 + 1 + RINGS_LEAD_MAX));
    rp_keyring_free(&keyring);
}

static void a_host_alone_pays_nothing_for_it(void **state)
{
    const struct rp_keyring_options many = {
        .rotate_ms = 1, .accept_ms = 255, .spare_keys = keyring_rings_spare(1, 255) + 1};
    struct rp_keyring *alone = make(0);
    struct rp_keyring *member = make(SPARE);
    struct rp_keyring *keyring = NULL;

    (void)state;
    assert_int_equal(alone->layout.max_keys, 16);
    assert_int_equal(member->layout.max_keys, 2 * (3 + 1 + RINGS_LEAD_MAX) + SEGMENT_OVERLAP);
    assert_int_equal(rp_keyring_new(&many, &keyring, NULL), RP_INVALID);
    assert_null(keyring);
    rp_keyring_free(&alone);
    rp_keyring_free(&member);
}

static void the_offset_moves_fleet_time(void **state)
{
    struct rp_keyring *keyring = make_kept(GENESIS);
    struct rp_keyring_info info;

    (void)state;
    assert_int_equal(keyring_step(keyring, GENESIS), GENESIS + ROTATE);
    keyring_rings_set_offset_ms(keyring, 30);
    assert_int_equal(keyring_rings_offset_ms(keyring), 30);
    assert_int_equal(window_fleet_ms(keyring, GENESIS), GENESIS + 30);
    assert_int_equal(keyring_step(keyring, GENESIS), GENESIS + ROTATE - 30);
    (void)keyring_step(keyring, GENESIS + ROTATE - 30);
    rp_keyring_info(keyring, &info);
    assert_int_equal(info.epoch, 1);
    /* Back: the epoch stays, and lasts longer. */
    keyring_rings_set_offset_ms(keyring, -30);
    assert_int_equal(keyring_step(keyring, GENESIS + ROTATE - 30), GENESIS + 2 * ROTATE + 30);
    rp_keyring_info(keyring, &info);
    assert_int_equal(info.epoch, 1);
    rp_keyring_free(&keyring);
}

/* A keyring with two rings whose keeper has ended without wiping. */
static struct rp_keyring *make_left_behind(void)
{
    struct rp_keyring *keyring = make(SPARE);
    const pid_t child = fork();
    int status = -1;

    if (child == 0) {
        struct rings *draft = NULL;
        unsigned place;

        if (rp_keyring_keep(keyring, GENESIS, NULL, NULL) == RP_OK &&
            rp_keyring_domain_add(keyring, "a") == RP_OK) {
            draft = keyring_rings_draft(keyring);
        }
        if (draft != NULL && rings_seed(draft, 3, GENESIS, &place) == RP_OK) {
            rings_seal_by(draft, place, GENESIS);
            (void)kill(getpid(), keyring_rings_commit(keyring) == RP_OK ? SIGKILL : SIGTERM);
        }
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return keyring;
}

static void a_successor_resumes_all_rings(void **state)
{
    struct rp_keyring *keyring = make_left_behind();
    bool resumed = false;

    (void)state;
    assert_int_equal(rp_keyring_keep(keyring, GENESIS + 50, &resumed, NULL), RP_OK);
    assert_true(resumed);
    assert_int_equal(keyring_rings_state(keyring)->n, 2);
    assert_int_equal(keyring_rings_state(keyring)->sealing, 1);
    (void)keyring_step(keyring, GENESIS + ROTATE);
    assert_int_equal(keyring_rings_state(keyring)->ring[0].epoch, 1);
    assert_int_equal(keyring_rings_state(keyring)->ring[1].epoch, 1);
    rp_keyring_free(&keyring);
}

static void spoil(struct rings *rings, unsigned what)
{
    switch (what) {
    case 0:
        rings->n = 0;
        break;
    case 1:
        rings->n = RINGS_MAX + 1;
        break;
    case 2:
        rings->sealing = 2;
        break;
    case 3:
        rings->ring[1].held = false;
        break;
    case 4:
        rings->lead = 0;
        break;
    case 5:
        rings->lead = RINGS_LEAD_MAX + 1;
        break;
    case 6:
        rings->n_roots = rings->max_roots + 1;
        break;
    case 7:
        rings->max_roots++;
        break;
    case 8:
        rings->roots[3].ring = 2;
        break;
    case 9:
        rings->rotate_ms = 0;
        break;
    case 10:
        rings->sealing = 0; /* not what the window says */
        break;
    default:
        break; /* nothing: it resumes */
    }
}

static void an_unsound_state_is_not_resumed(void **state)
{
    (void)state;
    for (unsigned what = 0; what <= 11; what++) {
        struct rp_keyring *keyring = make_left_behind();
        struct rp_keyring_info info;
        bool resumed = what != 11;

        rp_keyring_info(keyring, &info);
        keyring->chain = secret_map(&keyring->chain_memory, true, false);
        assert_non_null(keyring->chain);
        spoil(segment_rings_writable(segment_chain_slot(keyring, info.generation)), what);
        secret_unmap(&keyring->chain_memory, keyring->chain);
        assert_int_equal(rp_keyring_keep(keyring, GENESIS + 50, &resumed, NULL), RP_OK);
        assert_int_equal(resumed, what == 11);
        assert_int_equal(keyring_rings_state(keyring)->n, what == 11 ? 2 : 1);
        rp_keyring_free(&keyring);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_keeper_begins_alone),
        cmocka_unit_test(another_ring_opens_and_then_seals),
        cmocka_unit_test(both_stay_in_step),
        cmocka_unit_test(an_abandoned_draft_leaves_nothing),
        cmocka_unit_test(who_has_no_rings_gets_none),
        cmocka_unit_test(there_is_room_for_two_rings_in_full),
        cmocka_unit_test(a_host_alone_pays_nothing_for_it),
        cmocka_unit_test(the_offset_moves_fleet_time),
        cmocka_unit_test(a_successor_resumes_all_rings),
        cmocka_unit_test(an_unsound_state_is_not_resumed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
