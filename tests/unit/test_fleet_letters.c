/* What comes in: letters that are old, forged, for others, too many; and memory that runs out. */
#include "fleet_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fleet_limit.h"
#include "memory.h"
#include "noise.h"
#include "seal.h"
#include "text.h"

#define CAUGHT_MAX 512
#define BOX_MAX 128

/* Everything that hosts put, as the store sees it. */
struct caught {
    struct {
        char box[BOX_MAX];
        uint8_t value[4096];
        size_t n;
    } all[CAUGHT_MAX];
    size_t n;
    int swallowed; /* the type that does not arrive; 0: all do */
};

static bool catch (void *cookie, const char *box, const uint8_t *value, size_t n)
{
    struct caught *const c = cookie;

    if (c->n < CAUGHT_MAX && n <= sizeof c->all[0].value) {
        struct text t = text_of(c->all[c->n].box, BOX_MAX);

        text_add(&t, box);
        memcpy(c->all[c->n].value, value, n);
        c->all[c->n].n = n;
        c->n++;
    }
    return n > 1 && value[1] == c->swallowed;
}

static struct caught *watch(struct sim *s)
{
    struct caught *const c = memory_new(1, sizeof *c);

    assert_non_null(c);
    s->spy = catch;
    s->spy_cookie = c;
    return c;
}

static int64_t boot_ms(const struct sim *s, uint32_t host)
{
    return sim_boot_ms(&s->hosts[host], s->now_ms);
}

static void deliver(struct sim *s, uint32_t host, const uint8_t *value, size_t n)
{
    fleet_on_letter(s->hosts[host].fleet, boot_ms(s, host), value, n);
}

/* The i-th message of a type that was caught; NULL: there is none. */
static const uint8_t *find(const struct caught *c, enum mailbox_type type, size_t i, size_t *n)
{
    for (size_t at = 0; at < c->n; at++) {
        if (c->all[at].value[1] == (uint8_t)type && i-- == 0) {
            *n = c->all[at].n;
            return c->all[at].value;
        }
    }
    *n = 0;
    return NULL;
}

static size_t count(const struct caught *c, enum mailbox_type type)
{
    size_t n = 0;
    size_t len;

    while (find(c, type, n, &len) != NULL) {
        n++;
    }
    return n;
}

static struct sim *pair(struct caught **caught)
{
    struct sim *const s = memory_new(1, sizeof *s);

    assert_non_null(s);
    kit_init(s, 2, 0);
    *caught = watch(s);
    kit_start_all(s);
    assert_int_equal(s->stats.events[FLEET_JOINED], 1);
    return s;
}

static void end(struct sim *s, struct caught *c)
{
    sim_fini(s);
    memory_free(s);
    memory_free(c);
}

static void a_pull_is_answered_once(void **state)
{
    struct caught *c;
    struct sim *const s = pair(&c);
    const size_t before = count(c, MAILBOX_RINGS);
    size_t n;
    const uint8_t *const pull = find(c, MAILBOX_PULL, 0, &n);

    (void)state;
    assert_int_equal(before, 1);
    assert_non_null(pull);
    for (int i = 0; i < 10; i++) {
        deliver(s, 0, pull, n);
        sim_run(s, 100);
    }
    assert_int_equal(count(c, MAILBOX_RINGS), before);
    assert_int_equal(fleet_count(s->hosts[0].fleet, FLEET_REFUSED), 0);
    end(s, c);
}

static void a_question_for_the_time_is_answered_once(void **state)
{
    struct caught *c;
    struct sim *const s = pair(&c);
    struct mailbox_header header;
    const uint8_t *asked;
    size_t before;
    size_t n;

    (void)state;
    sim_run(s, 2 * KIT_PACE_MS);
    asked = find(c, MAILBOX_TIME, 0, &n);
    assert_non_null(asked);
    assert_true(mailbox_header_decode(asked, n, &header));
    before = count(c, MAILBOX_TIME_ANSWER);
    assert_true(before > 0);
    for (uint32_t host = 0; host < 2; host++) {
        deliver(s, host, asked, n);
    }
    assert_int_equal(count(c, MAILBOX_TIME_ANSWER), before);
    end(s, c);
}

/* One that never arrived, and is shown when its invite is long out of date. */
static void a_stale_pull_is_not_answered(void **state)
{
    struct sim s;
    struct caught *c;
    const uint8_t *pull;
    size_t n;

    (void)state;
    kit_init(&s, 2, 0);
    c = watch(&s);
    sim_start(&s, 0, NULL);
    sim_run(&s, KIT_SETTLE_MS);
    c->swallowed = MAILBOX_PULL;
    sim_start(&s, 1, NULL);
    sim_run(&s, KIT_SETTLE_MS);
    pull = find(c, MAILBOX_PULL, 0, &n);
    assert_non_null(pull);
    sim_kill(&s, 1);
    sim_run(&s, 12 * KIT_PACE_MS);
    deliver(&s, 0, pull, n);
    assert_int_equal(count(c, MAILBOX_RINGS), 0);
    sim_fini(&s);
    memory_free(c);
}

static void rings_that_nobody_asked_for_are_nothing(void **state)
{
    struct caught *c;
    struct sim *const s = pair(&c);
    size_t n;
    const uint8_t *const rings = find(c, MAILBOX_RINGS, 0, &n);
    const uint32_t n_rings = s->hosts[1].rings->n;

    (void)state;
    assert_non_null(rings);
    for (int i = 0; i < 3; i++) {
        deliver(s, 1, rings, n);
    }
    assert_int_equal(s->hosts[1].rings->n, n_rings);
    end(s, c);
}

static void flipped(enum mailbox_type type)
{
    struct sim s;
    struct caught *c;
    size_t n = 0;
    const uint8_t *sound = NULL;

    kit_init(&s, 2, 0);
    c = watch(&s);
    sim_start(&s, 0, NULL);
    sim_run(&s, KIT_SETTLE_MS);
    c->swallowed = (int)type;
    sim_start(&s, 1, NULL);
    for (int i = 0; sound == NULL && i < 4 * KIT_PACE_MS; i++) {
        sim_run(&s, 1);
        sound = find(c, type, 0, &n);
    }
    assert_non_null(sound);
    const uint32_t to = memcmp(sound + 18, s.hosts[0].id.bytes, MAILBOX_ID_LEN) == 0 ? 0 : 1;
    const struct rings *const r = s.hosts[to].rings;
    const uint32_t n_rings = r->n;
    const size_t answers = count(c, MAILBOX_RINGS) + count(c, MAILBOX_TIME_ANSWER);

    for (size_t bit = 0; bit < n * 8; bit++) {
        uint8_t bad[4096];

        memcpy(bad, sound, n);
        bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
        deliver(&s, to, bad, n);
    }
    for (size_t len = 0; len < n; len++) {
        uint8_t *const cut = memory_new(len + 1, 1);

        memcpy(cut, sound, len);
        deliver(&s, to, cut, len);
        memory_free(cut);
    }
    assert_int_equal(r->n, n_rings);
    assert_int_equal(s.hosts[to].offset_ms, 0);
    assert_int_equal(count(c, MAILBOX_RINGS) + count(c, MAILBOX_TIME_ANSWER), answers);
    assert_true(fleet_count(s.hosts[to].fleet, FLEET_REFUSED) > n);
    sim_fini(&s);
    memory_free(c);
}

static void a_letter_with_any_bit_flipped_does_nothing(void **state)
{
    (void)state;
    flipped(MAILBOX_PULL);
    flipped(MAILBOX_RINGS);
    flipped(MAILBOX_TIME);
    flipped(MAILBOX_TIME_ANSWER);
}

static void a_letter_to_another_host_is_refused(void **state)
{
    struct caught *c;
    struct sim *const s = pair(&c);

    (void)state;
    sim_run(s, 4 * KIT_PACE_MS);
    for (size_t i = 0; i < c->n; i++) {
        const uint32_t wrong =
            memcmp(c->all[i].value + 18, s->hosts[0].id.bytes, MAILBOX_ID_LEN) == 0 ? 1 : 0;
        const uint64_t before = fleet_count(s->hosts[wrong].fleet, FLEET_REFUSED);

        deliver(s, wrong, c->all[i].value, c->all[i].n);
        assert_int_equal(fleet_count(s->hosts[wrong].fleet, FLEET_REFUSED), before + 1);
    }
    end(s, c);
}

/* A PRESENCE under another's name, or none at all. */
static void swapped_presences_are_refused(void **state)
{
    struct caught *c;
    struct sim *const s = pair(&c);
    struct fleet *const f = s->hosts[0].fleet;
    const uint64_t before = fleet_count(f, FLEET_REFUSED);
    size_t n;
    size_t i = 0;
    const uint8_t *presence = find(c, MAILBOX_PRESENCE, i, &n);

    (void)state;
    while (memcmp(presence + 2, s->hosts[1].id.bytes, MAILBOX_ID_LEN) != 0) {
        presence = find(c, MAILBOX_PRESENCE, ++i, &n);
    }
    fleet_on_listing(f, boot_ms(s, 0), "00000000000000000000000000000000", presence, n);
    fleet_on_listing(f, boot_ms(s, 0), "", presence, n);
    assert_int_equal(fleet_count(f, FLEET_REFUSED), before + 2);
    assert_int_equal(fleet_count(f, FLEET_FOREIGN), 0);
    fleet_on_listing(f, boot_ms(s, 0), "x", (const uint8_t *)"garbage", 7);
    fleet_on_listing(f, boot_ms(s, 0), "x", presence, n - 1);
    assert_int_equal(fleet_count(f, FLEET_FOREIGN), 2);
    end(s, c);
}

static const uint8_t other_secret[SEAL_SECRET_LEN] = "of somebody else";
static const uint8_t next_secret[SEAL_SECRET_LEN] = "of the time after a compromise";

static void another_secret_is_foreign_and_stays_apart(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 3, 0);
    sim_start(&s, 0, NULL);
    sim_start(&s, 1, NULL);
    sim_run(&s, KIT_SETTLE_MS);
    sim_start(&s, 2, &(struct sim_start){.secrets = {other_secret}});
    sim_run(&s, 20 * KIT_PACE_MS);
    assert_true(fleet_count(s.hosts[2].fleet, FLEET_FOREIGN) > 0);
    assert_true(fleet_count(s.hosts[0].fleet, FLEET_FOREIGN) > 0);
    assert_int_equal(rings_find(s.hosts[0].rings, kit_seals(&s, 2)), -1);
    assert_int_equal(rings_find(s.hosts[2].rings, kit_seals(&s, 0)), -1);
    assert_true(fleet_is_settled(s.hosts[2].fleet));
    assert_memory_not_equal(kit_seals(&s, 0), kit_seals(&s, 2), RATCHET_ID_LEN);
    sim_fini(&s);
}

/* One after the other gets a new secret as its first or its second: all stay in step. */
static void a_fleet_is_rekeyed_host_by_host(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 3, 0);
    kit_start_all(&s);
    const uint8_t *const old = (const uint8_t *)"of all hosts, and no secret here";
    const struct sim_start steps[] = {
        {.secrets = {old, next_secret}},
        {.secrets = {next_secret, old}},
        {.secrets = {next_secret}},
    };

    for (int step = 0; step < 3; step++) {
        for (uint32_t i = 0; i < 3; i++) {
            sim_stop(&s, i);
            sim_start(&s, i, &steps[step]);
            sim_run(&s, KIT_PACE_MS);
            assert_true(kit_all_open(&s));
            assert_int_equal(sim_n_rings(&s), 1);
        }
        sim_run(&s, 5 * KIT_PACE_MS);
    }
    assert_int_equal(s.stats.events[FLEET_FOUNDED], 1);
    assert_int_equal(s.stats.events[FLEET_FOREIGN], 0);
    sim_fini(&s);
}

/* From somebody who has this secret, to host 0. */
static struct mailbox_header header_to_first(struct sim *s, enum mailbox_type type,
                                             const uint8_t *secret, unsigned number)
{
    struct mailbox_header header = {.type = type, .to = fleet_member(s->hosts[0].fleet, 0)->id};

    memset(&header.from, secret[0], sizeof header.from);
    memset(&header.nonce, secret[1], sizeof header.nonce);
    memcpy(&header.nonce, &number, sizeof number);
    return header;
}

static void pull_by(struct sim *s, const uint8_t *secret, unsigned number)
{
    const struct fleet_member *const asked = fleet_member(s->hosts[0].fleet, 0);
    const struct mailbox_header header = header_to_first(s, MAILBOX_PULL, secret, number);
    uint8_t message[MAILBOX_HEADER_LEN + MAILBOX_ID_LEN + NOISE_OVERHEAD];
    uint8_t prologue[SEAL_PROLOGUE_MAX];
    struct noise noise;
    struct seal seal;

    assert_int_equal(seal_init(&seal, secret, "simulated"), RP_OK);
    mailbox_header_encode(&header, message);
    assert_int_equal(noise_ask(&noise, seal.psk, prologue, seal_prologue(&seal, &header, prologue),
                               asked->presence.invite.bytes, MAILBOX_ID_LEN,
                               message + MAILBOX_HEADER_LEN),
                     RP_OK);
    noise_fini(&noise);
    deliver(s, 0, message, sizeof message);
}

static void ask_time_by(struct sim *s, const uint8_t *secret, unsigned number)
{
    const struct mailbox_header header = header_to_first(s, MAILBOX_TIME, secret, number);
    uint8_t message[SEAL_OVERHEAD];
    struct seal seal;

    assert_int_equal(seal_init(&seal, secret, "simulated"), RP_OK);
    assert_int_equal(seal_message(&seal, &header, NULL, 0, message), RP_OK);
    deliver(s, 0, message, sizeof message);
}

struct answers {
    unsigned n[MAILBOX_TIME_ANSWER + 1];
};

static bool count_answers(void *cookie, const char *box, const uint8_t *value, size_t n)
{
    struct answers *const a = cookie;

    (void)box;
    if (n > 1 && value[1] <= MAILBOX_TIME_ANSWER) {
        a->n[value[1]]++;
    }
    return false;
}

/* A member that asks without end gets what is left of the reserve. */
static void floods_are_answered_up_to_the_limit(void **state)
{
    const uint8_t *const secret = (const uint8_t *)"of all hosts, and no secret here";
    struct answers answers = {{0}};
    struct sim s;

    (void)state;
    kit_init(&s, 1, 0);
    sim_start(&s, 0, NULL);
    sim_run(&s, KIT_SETTLE_MS);
    s.spy = count_answers;
    s.spy_cookie = &answers;
    for (unsigned i = 0; i < 3 * LIMIT_RESERVE; i++) {
        pull_by(&s, secret, i);
        ask_time_by(&s, secret, 3 * LIMIT_RESERVE + i);
    }
    assert_int_equal(answers.n[MAILBOX_RINGS], LIMIT_RESERVE);
    assert_int_equal(answers.n[MAILBOX_TIME_ANSWER], LIMIT_RESERVE);
    sim_fini(&s);
}

/* A file that was left behind in a change of the secret must not give the new chain to the old. */
static void who_speaks_the_new_secret_gives_nothing_to_the_old(void **state)
{
    const uint8_t *const old = (const uint8_t *)"of all hosts, and no secret here";
    struct sim s;
    struct caught *c;

    (void)state;
    kit_init(&s, 1, 0);
    c = watch(&s);
    sim_start(&s, 0, &(struct sim_start){.secrets = {next_secret, old}});
    sim_run(&s, KIT_SETTLE_MS);
    pull_by(&s, old, 0);
    assert_int_equal(count(c, MAILBOX_RINGS), 0);
    assert_int_equal(fleet_count(s.hosts[0].fleet, FLEET_REFUSED), 1);
    pull_by(&s, next_secret, 0);
    assert_int_equal(count(c, MAILBOX_RINGS), 1);
    sim_fini(&s);
    memory_free(c);
}

static void one_configured_otherwise_is_named_and_left_alone(void **state)
{
    struct sim s;

    (void)state;
    kit_init(&s, 3, 0);
    sim_start(&s, 0, NULL);
    sim_start(&s, 1, NULL);
    sim_run(&s, KIT_SETTLE_MS);
    sim_start(&s, 2, &(struct sim_start){.rotate_ms = 2 * KIT_ROTATE_MS});
    sim_run(&s, 20 * KIT_PACE_MS);
    assert_true(fleet_count(s.hosts[0].fleet, FLEET_MISMATCH) > 0);
    assert_true(fleet_count(s.hosts[2].fleet, FLEET_MISMATCH) > 0);
    assert_int_equal(rings_find(s.hosts[0].rings, kit_seals(&s, 2)), -1);
    assert_int_equal(rings_find(s.hosts[2].rings, kit_seals(&s, 0)), -1);
    assert_memory_equal(kit_seals(&s, 0), kit_seals(&s, 1), RATCHET_ID_LEN);
    sim_fini(&s);
}

static void questions_and_what_is_seen_are_bounded(void **state)
{
    struct sim s;
    struct caught *c;
    size_t pulls = 0;

    (void)state;
    kit_init(&s, 40, 0);
    c = watch(&s);
    for (uint32_t i = 0; i < 39; i++) {
        sim_start(&s, i, NULL);
    }
    sim_run(&s, KIT_SETTLE_MS);
    c->n = 0;
    c->swallowed = MAILBOX_PULL;
    sim_start(&s, 39, NULL);
    sim_run(&s, 9000);
    for (size_t i = 0; i < c->n; i++) {
        pulls += c->all[i].value[1] == MAILBOX_PULL &&
                         memcmp(c->all[i].value + 2, s.hosts[39].id.bytes, MAILBOX_ID_LEN) == 0
                     ? 1
                     : 0;
    }
    assert_in_range(pulls, 3, 16); /* up to eight as it joins; then it is a member on its own */
    sim_fini(&s);
    memory_free(c);
}

static void without_memory_fleet_new_leaves_nothing(void **state)
{
    struct sim s;
    struct fleet *f;

    (void)state;
    kit_init(&s, 1, 0);
    sim_start(&s, 0, NULL);
    memory_fail_after(0);
    const struct fleet_options o = {
        .fleet = "f",
        .secrets = {other_secret},
        .name = "n",
        .address = "",
        .version = "1",
        .rotate_ms = 1,
    };

    assert_int_equal(fleet_new(&o, 0, &f), RP_NO_MEMORY);
    assert_null(f);
    memory_fail_after(-1);
    assert_int_equal(fleet_new(&(struct fleet_options){.fleet = "f", .rotate_ms = 1}, 0, &f),
                     RP_INVALID);
    struct fleet_options no_name = o;

    no_name.fleet = "";
    assert_int_equal(fleet_new(&no_name, 0, &f), RP_INVALID);
    assert_null(f);
    sim_fini(&s);
}

/* Whatever is caught comes again while the nth allocation fails: nothing breaks, and with memory
 * all are in step. */
static void without_memory_nothing_breaks(void **state)
{
    struct caught *c;
    struct sim *const s = pair(&c);

    (void)state;
    sim_run(s, 3 * KIT_PACE_MS);
    s->spy = NULL;
    for (size_t i = 0; i < c->n; i++) {
        for (long nth = 0; nth < 4; nth++) {
            const uint32_t to =
                memcmp(c->all[i].value + 18, s->hosts[0].id.bytes, MAILBOX_ID_LEN) == 0 ? 0 : 1;

            s->is_down = true;
            memory_fail_after(nth);
            deliver(s, to, c->all[i].value, c->all[i].n);
            fleet_on_listing(s->hosts[to].fleet, boot_ms(s, to), "x", c->all[i].value, c->all[i].n);
            memory_fail_after(-1);
            s->is_down = false;
        }
    }
    sim_run(s, 6 * KIT_PACE_MS);
    assert_int_equal(sim_n_rings(s), 1);
    assert_true(kit_all_open(s));
    end(s, c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pull_is_answered_once),
        cmocka_unit_test(a_question_for_the_time_is_answered_once),
        cmocka_unit_test(a_stale_pull_is_not_answered),
        cmocka_unit_test(rings_that_nobody_asked_for_are_nothing),
        cmocka_unit_test(a_letter_with_any_bit_flipped_does_nothing),
        cmocka_unit_test(a_letter_to_another_host_is_refused),
        cmocka_unit_test(swapped_presences_are_refused),
        cmocka_unit_test(another_secret_is_foreign_and_stays_apart),
        cmocka_unit_test(a_fleet_is_rekeyed_host_by_host),
        cmocka_unit_test(floods_are_answered_up_to_the_limit),
        cmocka_unit_test(who_speaks_the_new_secret_gives_nothing_to_the_old),
        cmocka_unit_test(one_configured_otherwise_is_named_and_left_alone),
        cmocka_unit_test(questions_and_what_is_seen_are_bounded),
        cmocka_unit_test(without_memory_fleet_new_leaves_nothing),
        cmocka_unit_test(without_memory_nothing_breaks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
