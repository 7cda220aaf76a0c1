#include "fleet_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seal.h"

#define LONG_ROTATE_MS (3600 * INT64_C(1000))

static void kit_long(struct sim *s, uint32_t n, int drift_ppm)
{
    sim_init(s, &(struct sim_options){.n_hosts = n,
                                      .seed = 3,
                                      .rotate_ms = LONG_ROTATE_MS,
                                      .accept_ms = 6 * LONG_ROTATE_MS,
                                      .latency_ms = 2,
                                      .drift_ppm = drift_ppm});
}

/* Ring time of a host, whatever its clock says. */
static int64_t ring_ms(const struct sim *s, uint32_t host)
{
    const struct sim_host *const h = &s->hosts[host];

    return rings_time(h->rings, h->rings->sealing, sim_boot_ms(h, s->now_ms) + h->offset_ms);
}

static int64_t apart_ms(const struct sim *s)
{
    int64_t least = INT64_MAX;
    int64_t most = INT64_MIN;

    for (uint32_t i = 0; i < s->options.n_hosts; i++) {
        const int64_t ms = ring_ms(s, i);

        least = ms < least ? ms : least;
        most = ms > most ? ms : most;
    }
    return most - least;
}

static void clocks_that_run_apart_are_kept_together(void **state)
{
    struct sim s;

    (void)state;
    kit_long(&s, 5, 100);
    kit_start_all(&s);
    for (int i = 0; i < 4; i++) {
        sim_run(&s, LONG_ROTATE_MS);
        assert_in_range(apart_ms(&s), 0, 200);
    }
    assert_int_equal(s.stats.events[FLEET_LATE], 0);
    sim_fini(&s);
}

static void a_host_that_lost_hours_is_set_forward_at_once(void **state)
{
    struct sim s;

    (void)state;
    kit_long(&s, 4, 20);
    kit_start_all(&s);
    sim_run(&s, LONG_ROTATE_MS);
    sim_sleep(&s, 2, 3 * LONG_ROTATE_MS, true);
    sim_run(&s, 3 * LONG_ROTATE_MS);
    assert_true(apart_ms(&s) > 2 * LONG_ROTATE_MS);
    sim_run(&s, 600000);
    assert_int_equal(fleet_count(s.hosts[2].fleet, FLEET_LATE), 1);
    assert_in_range(apart_ms(&s), 0, 200);
    assert_int_equal(s.stats.events[FLEET_LATE], 1);
    sim_fini(&s);
}

/* What members write of their rings tells that one is behind, before it can ask for the time. */
static void a_host_that_lost_hours_opens_ahead_as_soon_as_it_lists(void **state)
{
    struct sim s;

    (void)state;
    kit_long(&s, 4, 20);
    kit_start_all(&s);
    sim_run(&s, LONG_ROTATE_MS);
    sim_sleep(&s, 2, 3 * LONG_ROTATE_MS, true);
    sim_run(&s, 3 * LONG_ROTATE_MS + 1);
    while (!sim_opens(&s, 2, 0)) {
        sim_run(&s, 1000);
        assert_true(s.now_ms < 5 * LONG_ROTATE_MS);
    }
    sim_run(&s, LONG_ROTATE_MS);
    assert_int_equal(s.hosts[2].rings->lead, 1);
    sim_fini(&s);
}

static void a_host_that_is_ahead_is_never_set_back_at_once(void **state)
{
    struct sim s;
    int64_t before;

    (void)state;
    kit_long(&s, 4, 0);
    kit_start_all(&s);
    s.hosts[1].offset_ms += LONG_ROTATE_MS / 2;
    before = ring_ms(&s, 1);
    for (int i = 0; i < 3600; i++) {
        int64_t now;

        sim_run(&s, 1000);
        now = ring_ms(&s, 1);
        assert_true(now > before);
        before = now;
    }
    assert_in_range(apart_ms(&s), LONG_ROTATE_MS / 2 - 4000, LONG_ROTATE_MS / 2 - 2500);
    assert_int_equal(s.stats.events[FLEET_LATE], 0);
    sim_fini(&s);
}

static void a_quarter_behind_is_made_up_slowly(void **state)
{
    struct sim s;

    (void)state;
    kit_long(&s, 4, 0);
    kit_start_all(&s);
    s.hosts[1].offset_ms -= 10000;
    sim_run(&s, 10 * 60 * 1000);
    assert_in_range(apart_ms(&s), 9000, 10000);
    sim_run(&s, 3 * LONG_ROTATE_MS);
    assert_in_range(apart_ms(&s), 0, 50);
    assert_int_equal(s.stats.events[FLEET_LATE], 0);
    sim_fini(&s);
}

/* Answers are under way for longer than a second and a quarter of an epoch: they count for nothing,
 * and what a host cannot know it opens. */
static void answers_that_take_too_long_are_no_answers(void **state)
{
    struct sim s;
    int64_t offset_ms;

    (void)state;
    sim_init(
        &s,
        &(struct sim_options){
            .n_hosts = 3, .seed = 3, .rotate_ms = 2000, .accept_ms = 60000, .latency_ms = 1000});
    kit_start_all(&s);
    sim_run(&s, 60000);
    assert_int_equal(sim_n_rings(&s), 1);
    for (uint32_t i = 0; i < 3; i++) {
        offset_ms = s.hosts[i].offset_ms;
        sim_run(&s, 20000);
        assert_int_equal(s.hosts[i].offset_ms, offset_ms);
    }
    for (int i = 0; i < 200; i++) {
        sim_run(&s, 333);
        assert_true(kit_all_open(&s));
    }
    sim_fini(&s);
}

static void slow_ways_do_not_push_all_clocks(void **state)
{
    struct sim s;

    (void)state;
    sim_init(&s, &(struct sim_options){.n_hosts = 5,
                                       .seed = 3,
                                       .rotate_ms = LONG_ROTATE_MS,
                                       .accept_ms = 6 * LONG_ROTATE_MS,
                                       .latency_ms = 300});
    kit_start_all(&s);
    sim_run(&s, LONG_ROTATE_MS);
    const int64_t error_ms = s.now_ms - ring_ms(&s, 0);

    sim_run(&s, 3 * LONG_ROTATE_MS);
    assert_in_range(s.now_ms - ring_ms(&s, 0) - error_ms + 2000, 0, 4000);
    assert_in_range(apart_ms(&s), 0, 2000);
    sim_fini(&s);
}

/* Keeps what host 0 asks first, and lets no question through. */
struct asked {
    const struct sim *sim;
    struct mailbox_header header;
    unsigned n;
};

static bool keep_asked(void *cookie, const char *box, const uint8_t *value, size_t n)
{
    struct asked *const a = cookie;
    struct mailbox_header header;

    (void)box;
    if (!mailbox_header_decode(value, n, &header) || header.type != MAILBOX_TIME) {
        return false;
    }
    if (a->n == 0 && mailbox_id_equal(&header.from, &a->sim->hosts[0].id)) {
        a->header = header;
        a->n++;
    }
    return true;
}

/* What host 0 makes of an answer that is so far ahead, after so long: by how much it is set
 * forward. */
static int64_t follows_after(struct sim *s, int64_t ahead_ms, int64_t delay_ms)
{
    struct asked asked = {.sim = s};
    uint8_t plain[MAILBOX_TIME_ANSWER_LEN];
    uint8_t message[MAILBOX_TIME_ANSWER_LEN + SEAL_OVERHEAD];
    struct mailbox_time answer = {0};
    struct mailbox_header header;
    struct seal seal;
    int64_t before_ms;

    s->spy = keep_asked;
    s->spy_cookie = &asked;
    for (unsigned i = 0; i < 20 && asked.n == 0; i++) {
        sim_run(s, KIT_PACE_MS / 2);
    }
    assert_true(asked.n > 0);
    sim_run(s, delay_ms);
    s->spy = NULL;
    header = (struct mailbox_header){MAILBOX_TIME_ANSWER, asked.header.to, asked.header.from,
                                     asked.header.nonce};
    answer.question = asked.header.nonce;
    memcpy(answer.ring.bytes, kit_seals(s, 0), sizeof answer.ring.bytes);
    answer.ring_ms = ring_ms(s, 0) + ahead_ms;
    mailbox_time_encode(&answer, plain);
    assert_int_equal(
        seal_init(&seal, (const uint8_t *)"of all hosts, and no secret here", "simulated"), RP_OK);
    assert_int_equal(seal_message(&seal, &header, plain, sizeof plain, message), RP_OK);
    before_ms = s->hosts[0].offset_ms;
    fleet_on_letter(s->hosts[0].fleet, sim_boot_ms(&s->hosts[0], s->now_ms), message,
                    sizeof message);
    return s->hosts[0].offset_ms - before_ms;
}

static int64_t follows(struct sim *s, int64_t ahead_ms)
{
    return follows_after(s, ahead_ms, 0);
}

static void a_late_answer_counts_for_nothing(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 2, 0);
    kit_start_all(&s);
    sim_run(&s, 4 * KIT_PACE_MS);
    assert_int_equal(follows_after(&s, 10 * KIT_ROTATE_MS, KIT_ROTATE_MS / 4 + 500), 0);
    assert_in_range(
        follows_after(&s, 10 * KIT_ROTATE_MS, KIT_ROTATE_MS / 4 - KIT_PACE_MS / 2 - 100),
        9 * KIT_ROTATE_MS, 10 * KIT_ROTATE_MS);
    sim_fini(&s);
}

/* The other one is all that there is, so its word counts; but not without end. */
static void a_member_that_lies_about_the_time_is_followed_so_far(void **state)
{
    const int64_t leap_ms = KIT_ROTATE_MS * (INT64_C(1) << 14);
    struct sim s;

    (void)state;
    kit_init(&s, 2, 0);
    kit_start_all(&s);
    sim_run(&s, 4 * KIT_PACE_MS);
    assert_in_range(-follows(&s, -leap_ms), 0, KIT_PACE_MS / 100);
    assert_int_equal(follows(&s, INT64_MAX / 8), 0);
    assert_int_equal(follows(&s, KIT_ROTATE_MS * (INT64_C(1) << 25)), 0);
    assert_int_equal(fleet_count(s.hosts[0].fleet, FLEET_LATE), 0);
    assert_int_equal(fleet_count(s.hosts[0].fleet, FLEET_REFUSED), 2);
    assert_in_range(follows(&s, 5 * leap_ms), leap_ms - KIT_ROTATE_MS, leap_ms);
    assert_int_equal(fleet_count(s.hosts[0].fleet, FLEET_LATE), 1);
    sim_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_that_run_apart_are_kept_together),
        cmocka_unit_test(a_host_that_lost_hours_is_set_forward_at_once),
        cmocka_unit_test(a_host_that_lost_hours_opens_ahead_as_soon_as_it_lists),
        cmocka_unit_test(a_host_that_is_ahead_is_never_set_back_at_once),
        cmocka_unit_test(a_quarter_behind_is_made_up_slowly),
        cmocka_unit_test(answers_that_take_too_long_are_no_answers),
        cmocka_unit_test(slow_ways_do_not_push_all_clocks),
        cmocka_unit_test(a_late_answer_counts_for_nothing),
        cmocka_unit_test(a_member_that_lies_about_the_time_is_followed_so_far),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
