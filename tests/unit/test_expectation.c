#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "expectation.h"
#include "memory.h"

#define M MECHANISM_TICKET12

static int make(void **state)
{
    static const struct peer_address addresses[2] = {{.text = "192.0.2.1:443"},
                                                     {.text = "192.0.2.2:443"}};
    const struct endpoint endpoint = {.host = "www.example.com", .port = 443};
    struct facts *f;

    assert_int_equal(facts_new(&endpoint, addresses, 2, 1U << M | 1U << MECHANISM_EARLY, &f),
                     RP_OK);
    for (size_t i = 0; i < 2; i++) {
        f->addresses[i].reachable = true;
        f->addresses[i].issue[M].n_issued = 3;
        for (size_t j = 0; j < 2; j++) {
            facts_cell(f, M, i, j)->n_tries = 3;
            facts_cell(f, M, i, j)->n_resumed = 3;
        }
    }
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct facts *f = *state;

    facts_free(&f);
    assert_null(f);
    return 0;
}

static bool met(const struct facts *f, enum expected e, const char *why)
{
    struct rp_error err = {{0}};
    const bool is_met = expectation_met(M, e, f, &err);

    assert_string_equal(err.text, why);
    return is_met;
}

static void all_green_is_all(void **state)
{
    assert_true(met(*state, EXPECTED_ALL, ""));
    assert_true(met(*state, EXPECTED_SELF, ""));
    assert_true(met(*state, EXPECTED_SOME, ""));
    assert_true(met(*state, EXPECTED_ANYTHING, ""));
    assert_false(met(*state, EXPECTED_NONE,
                     "ticket12: expected none, but 4 of 4 cells resume; first: issued at "
                     "192.0.2.1:443, offered at 192.0.2.1:443"));
}

static void one_try_breaks_all(void **state)
{
    struct facts *f = *state;

    facts_cell(f, M, 1, 0)->n_resumed = 2;
    assert_false(met(f, EXPECTED_ALL,
                     "ticket12: expected all, but 1 of 4 cells do not resume every time; first: "
                     "issued at 192.0.2.2:443, offered at 192.0.2.1:443: 2 of 3"));
    assert_true(met(f, EXPECTED_SELF, ""));
    facts_cell(f, M, 1, 1)->n_resumed = 0;
    assert_false(met(f, EXPECTED_SELF,
                     "ticket12: expected self, but 1 of 2 cells do not resume every time; first: "
                     "issued at 192.0.2.2:443, offered at 192.0.2.2:443: 0 of 3"));
}

static void nothing_tried_is_not_all(void **state)
{
    struct facts *f = *state;

    facts_cell(f, M, 0, 1)->n_tries = 0;
    facts_cell(f, M, 0, 1)->n_resumed = 0;
    assert_false(met(f, EXPECTED_ALL,
                     "ticket12: expected all, but 1 of 4 cells do not resume every time; first: "
                     "issued at 192.0.2.1:443, offered at 192.0.2.2:443: not tried"));
    f->addresses[1].reachable = false;
    assert_false(met(f, EXPECTED_ALL,
                     "ticket12: expected all, but 1 of 4 cells do not resume every time; first: "
                     "issued at 192.0.2.1:443, offered at 192.0.2.2:443: unreachable"));
    f->addresses[1].reachable = true;
    f->addresses[0].issue[M].n_issued = 0;
    assert_false(met(f, EXPECTED_ALL,
                     "ticket12: expected all, but 1 of 4 cells do not resume every time; first: "
                     "issued at 192.0.2.1:443, offered at 192.0.2.2:443: no session issued"));
}

static void none_and_some_are_opposites(void **state)
{
    struct facts *f = *state;

    for (size_t i = 0; i < 4; i++) {
        facts_cell(f, M, i / 2, i % 2)->n_resumed = 0;
    }
    assert_true(met(f, EXPECTED_NONE, ""));
    assert_false(met(f, EXPECTED_SOME, "ticket12: expected some, but nothing resumes"));
    facts_cell(f, M, 1, 1)->n_resumed = 1;
    assert_true(met(f, EXPECTED_SOME, ""));
    assert_false(met(f, EXPECTED_NONE,
                     "ticket12: expected none, but 1 of 4 cells resume; first: issued at "
                     "192.0.2.2:443, offered at 192.0.2.2:443"));
}

static void early_means_early_data(void **state)
{
    struct facts *f = *state;
    struct rp_error err = {{0}};
    struct cell *c = facts_cell(f, MECHANISM_EARLY, 0, 0);

    c->n_tries = 3;
    c->n_resumed = 3;
    assert_true(expectation_met(MECHANISM_EARLY, EXPECTED_NONE, f, &err));
    c->n_early = 1;
    assert_false(expectation_met(MECHANISM_EARLY, EXPECTED_NONE, f, &err));
}

static void what_was_not_looked_at_is_red(void **state)
{
    struct rp_error err = {{0}};

    assert_false(expectation_met(MECHANISM_ID12, EXPECTED_ALL, *state, &err));
    assert_true(expectation_met(MECHANISM_ID12, EXPECTED_NONE, *state, &err));
}

/* Two addresses with a handshake of each of these versions, one ticket each under KEY. */
static const uint8_t key[EXPECTED_KEY_LEN] = {0xab, 0xcd};
#define KEY "abcd0000000000000000000000000000"
#define WRONG "key: expected " KEY ", but it is not so at "

static struct visit *issue(struct facts *f, size_t a, enum mechanism m)
{
    struct visit *const v = facts_add_visit(&f->addresses[a].issue[m]);

    assert_non_null(v);
    v->connected = v->established = true;
    v->n_tickets = 1;
    v->tickets[0].len = 100;
    memcpy(v->tickets[0].start, key, sizeof key);
    f->addresses[a].reachable = true;
    return v;
}

static int make_issued(void **state)
{
    assert_int_equal(make(state), 0);
    for (size_t a = 0; a < 2; a++) {
        (void)issue(*state, a, MECHANISM_TICKET12);
        (void)issue(*state, a, MECHANISM_TICKET13);
    }
    return 0;
}

static bool key_met(const struct facts *f, const char *why)
{
    struct rp_error err = {{0}};
    const bool is_met = expectation_key_met(key, f, &err);

    assert_string_equal(err.text, why);
    return is_met;
}

static void all_tickets_bear_the_key(void **state)
{
    struct facts *f = *state;

    assert_true(key_met(f, ""));
    (void)issue(f, 1, MECHANISM_TICKET13);
    f->addresses[1].issue[MECHANISM_TICKET13].visits[1].n_tickets = VISIT_TICKETS_MAX + 1;
    for (unsigned i = 1; i < VISIT_TICKETS_MAX; i++) {
        f->addresses[1].issue[MECHANISM_TICKET13].visits[1].tickets[i] =
            f->addresses[1].issue[MECHANISM_TICKET13].visits[1].tickets[0];
    }
    assert_true(key_met(f, ""));
    f->addresses[1].issue[MECHANISM_TICKET13].visits[1].tickets[7].start[15] = 1;
    assert_false(key_met(f, WRONG "1 of 2 addresses; first: 192.0.2.2:443, ticket13: a ticket "
                                  "under key abcd0000000000000000000000000001"));
}

static void no_ticket_bears_no_key(void **state)
{
    struct facts *f = *state;

    f->addresses[0].issue[MECHANISM_TICKET12].visits[0].n_tickets = 0;
    f->addresses[1].issue[MECHANISM_TICKET13].visits[0].tickets[0].len = 15;
    assert_false(key_met(f, WRONG "2 of 2 addresses; first: 192.0.2.1:443, ticket12: no ticket"));
    f->addresses[0].issue[MECHANISM_TICKET12].visits[0].n_tickets = 1;
    assert_false(key_met(f, WRONG "1 of 2 addresses; first: 192.0.2.2:443, ticket13: a ticket of "
                                  "15 bytes, which has no room for a name"));
}

static void a_version_that_is_not_spoken_does_not_matter(void **state)
{
    struct facts *f = *state;
    struct visit *old = &f->addresses[0].issue[MECHANISM_TICKET12].visits[0];
    struct visit *new = &f->addresses[0].issue[MECHANISM_TICKET13].visits[0];

    *old = (struct visit){.connected = true, .end = VISIT_VERSION};
    assert_true(key_met(f, ""));
    *new = *old;
    assert_false(key_met(f, WRONG "1 of 2 addresses; first: 192.0.2.1:443: no handshake that "
                                  "issues tickets"));
    *new = (struct visit){.connected = true, .end = VISIT_CLOSED, .why = {"closed"}};
    assert_false(key_met(f, WRONG "1 of 2 addresses; first: 192.0.2.1:443, ticket13: no "
                                  "handshake: closed"));
    f->addresses[0].reachable = false;
    assert_false(key_met(f, WRONG "1 of 2 addresses; first: 192.0.2.1:443: unreachable"));
}

static void facts_without_memory(void **state)
{
    const struct endpoint endpoint = {.host = "x", .port = 1};
    const struct peer_address address = {.text = "192.0.2.1:1"};
    struct facts *f = NULL;
    enum rp_status status = RP_NO_MEMORY;

    (void)state;
    for (long n = 0; status != RP_OK; n++) {
        memory_fail_after(n);
        status = facts_new(&endpoint, &address, 1, MECHANISMS_DEFAULT, &f);
        memory_fail_after(-1);
        assert_int_equal(f != NULL, status == RP_OK);
    }
    memory_fail_after(0);
    assert_null(facts_add_visit(&f->addresses[0].issue[M]));
    memory_fail_after(-1);
    assert_int_equal(f->addresses[0].issue[M].n_tries, 0);
    for (unsigned i = 0; i < 5; i++) {
        struct visit *v = facts_add_visit(&f->addresses[0].issue[M]);

        assert_non_null(v);
        assert_int_equal(v->end, VISIT_OK);
    }
    assert_int_equal(f->addresses[0].issue[M].n_tries, 5);
    assert_int_equal(f->addresses[0].own[M].n_twice_tries, -1);
    assert_null(facts_cell(f, MECHANISM_ID10, 0, 0));
    facts_free(&f);
}

static void words_are_parsed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MECHANISMS; i++) {
        enum mechanism m = MECHANISM_ID12;

        assert_true(mechanism_parse(mechanism_word((enum mechanism)i), &m));
        assert_int_equal(m, i);
    }
    assert_int_equal(mechanism_version(MECHANISM_EARLY), 0x0304);
    assert_true(mechanism_by_session_id(MECHANISM_ID10));
    assert_string_equal(mechanism_text(MECHANISM_TICKET13), "TLS 1.3 PSK");
    assert_string_equal(visit_end_word(VISIT_GARBAGE), "garbage");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_green_is_all, make, end),
        cmocka_unit_test_setup_teardown(one_try_breaks_all, make, end),
        cmocka_unit_test_setup_teardown(nothing_tried_is_not_all, make, end),
        cmocka_unit_test_setup_teardown(none_and_some_are_opposites, make, end),
        cmocka_unit_test_setup_teardown(early_means_early_data, make, end),
        cmocka_unit_test_setup_teardown(what_was_not_looked_at_is_red, make, end),
        cmocka_unit_test_setup_teardown(all_tickets_bear_the_key, make_issued, end),
        cmocka_unit_test_setup_teardown(no_ticket_bears_no_key, make_issued, end),
        cmocka_unit_test_setup_teardown(a_version_that_is_not_spoken_does_not_matter, make_issued,
                                        end),
        cmocka_unit_test(facts_without_memory),
        cmocka_unit_test(words_are_parsed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
