#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"
#include "ticket_answers.h"
#include "ticket_change.h"

#define LEN_MAX 512

static void fill(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)(i * 7 + 1);
    }
}

/* A change that changes nothing would look like a server that takes what was changed. */
static void each_change_changes_tickets_of_any_length(void **state)
{
    struct ticket_change changes[TICKET_CHANGES_MAX];
    uint8_t ticket[LEN_MAX];
    uint8_t out[2 * LEN_MAX + 64];

    (void)state;
    fill(ticket, sizeof ticket);
    for (size_t made_for = 0; made_for < 300; made_for += 13) {
        const size_t n_changes = ticket_changes(made_for, changes);

        for (size_t n = 1; n < 300; n++) {
            for (size_t i = 0; i < n_changes; i++) {
                const size_t len = ticket_change_apply(&changes[i], ticket, n, out);

                assert_true(len <= 2 * n + 64);
                if (len == n) {
                    assert_memory_not_equal(out, ticket, n);
                }
            }
        }
    }
}

static void flips_reach_both_ends_and_every_field(void **state)
{
    struct ticket_change changes[TICKET_CHANGES_MAX];
    const size_t n = ticket_changes(192, changes);
    uint8_t ticket[192];
    uint8_t out[2 * sizeof ticket + 64];
    bool seen[sizeof ticket] = {false};

    (void)state;
    fill(ticket, sizeof ticket);
    for (size_t i = 0; i < n; i++) {
        if (changes[i].kind == CHANGE_FLIP) {
            assert_int_equal(ticket_change_apply(&changes[i], ticket, sizeof ticket, out),
                             sizeof ticket);
            for (size_t j = 0; j < sizeof ticket; j++) {
                seen[j] = seen[j] || out[j] != ticket[j];
            }
        }
    }
    assert_true(seen[0] && seen[15] && seen[16] && seen[31] && seen[32]);
    assert_true(seen[191] && seen[160] && seen[159] && seen[143]);
}

static void says_what_was_changed(void **state)
{
    const struct ticket_change flip = {CHANGE_FLIP, 17, false, 0x08};
    const struct ticket_change back = {CHANGE_FLIP, 1, true, 0x80};
    const struct ticket_change grow = {CHANGE_GROW, 1, false, 0};
    char text[64];

    (void)state;
    ticket_change_text(&flip, text, sizeof text);
    assert_string_equal(text, "bit 3 of byte 17 flipped");
    ticket_change_text(&back, text, sizeof text);
    assert_string_equal(text, "bit 7 of byte 1 from the end flipped");
    ticket_change_text(&grow, text, sizeof text);
    assert_string_equal(text, "1 zero byte appended");
}

static void shape_leaves_out_what_comes_after(void **state)
{
    char text[TICKET_ANSWER_SIZE];

    (void)state;
    ticket_answer_shape("22[2.7] 20 23[8.2,11.10,15,20.6] 23[4.8] 23[4.8] 23[d] open", text,
                        sizeof text);
    assert_string_equal(text, "22[2.7] 20 23[8.2,11.10,15,20.6]");
    ticket_answer_shape("22[2.7,11.10,12,14.0] 22[4.8] 20 22[20.4] closed", text, sizeof text);
    assert_string_equal(text, "22[2.7,11.10,12,14.0] 22[4.8] 20 22[20.4]");
    ticket_answer_shape("", text, sizeof text);
    assert_string_equal(text, "");
}

static struct ticket_answer answer(enum ticket_change_kind change, size_t at,
                                   enum ticket_answer_kind kind, const char *text)
{
    struct ticket_answer x = {.change = {change, at, false, 1}, .kind = kind};
    struct text t = text_of(x.text, sizeof x.text);

    text_add(&t, text);
    return x;
}

static void sound_answers_are_no_finding(void **state)
{
    const struct ticket_answer answers[] = {
        answer(CHANGE_NONE, 0, ANSWER_ACCEPTED, ""), answer(CHANGE_FLIP, 3, ANSWER_FULL, "a"),
        answer(CHANGE_FLIP, 40, ANSWER_FULL, "a"),   answer(CHANGE_CUT, 1, ANSWER_FULL, "a"),
        answer(CHANGE_FLIP, 41, ANSWER_NONE, ""),
    };
    const size_t n = sizeof answers / sizeof answers[0];
    struct ticket_verdict v;

    (void)state;
    ticket_answers_judge(answers, n, &v);
    assert_int_equal(v.n, 3);
    assert_int_equal(v.n_accepted, 0);
    assert_int_equal(v.n_ended, 0);
    assert_int_equal(v.n_controls_resumed, 1);
    assert_int_equal(ticket_answers_differ(answers, n, 0, &answers[2]), n);
}

static void counts_what_was_taken(void **state)
{
    const struct ticket_answer answers[] = {
        answer(CHANGE_NONE, 0, ANSWER_ACCEPTED, ""),  answer(CHANGE_FLIP, 3, ANSWER_ACCEPTED, ""),
        answer(CHANGE_FLIP, 4, ANSWER_FULL, "a"),     answer(CHANGE_GROW, 1, ANSWER_ACCEPTED, ""),
        answer(CHANGE_TWICE, 0, ANSWER_ACCEPTED, ""),
    };
    struct ticket_verdict v;

    (void)state;
    ticket_answers_judge(answers, sizeof answers / sizeof answers[0], &v);
    assert_int_equal(v.n_accepted, 1);
    assert_ptr_equal(v.accepted, &answers[1]);
    assert_int_equal(v.n_extended, 2);
    assert_ptr_equal(v.extended, &answers[3]);
}

/* An unknown key name may be told from a bad MAC; a length may be. Neither says what is inside. */
static void only_places_inside_make_an_oracle(void **state)
{
    const struct ticket_answer answers[] = {
        answer(CHANGE_FLIP, 3, ANSWER_FULL, "a"),
        answer(CHANGE_CUT, 20, ANSWER_ENDED, "alert 50 decode_error"),
        answer(CHANGE_FLIP, 40, ANSWER_ENDED, "alert 20 bad_record_mac"),
        answer(CHANGE_FLIP, 41, ANSWER_ENDED, "alert 20 bad_record_mac"),
        answer(CHANGE_FLIP, 70, ANSWER_FULL, "a"),
    };
    const struct ticket_answer *reference = ticket_answers_reference(answers, 5);

    (void)state;
    assert_ptr_equal(reference, &answers[2]);
    assert_int_equal(ticket_answers_differ(answers, 4, 0, reference), 4);
    assert_int_equal(ticket_answers_differ(answers, 5, 0, reference), 4);
    assert_null(ticket_answers_reference(answers, 2));
}

static void an_oracle_answers_always_alike(void **state)
{
    struct ticket_answer one[6];
    struct ticket_answer other[6];

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        one[i] = answer(CHANGE_FLIP, 40, ANSWER_FULL, "a");
        other[i] = answer(CHANGE_FLIP, 70, ANSWER_ENDED, "alert 20 bad_record_mac");
    }
    assert_true(ticket_answers_oracle(one, other, 6));
    assert_false(ticket_answers_oracle(one, one, 6));
    assert_false(ticket_answers_oracle(one, other, 4));
    other[3] = answer(CHANGE_FLIP, 70, ANSWER_FULL, "a");
    assert_false(ticket_answers_oracle(one, other, 6));
    other[3] = answer(CHANGE_FLIP, 70, ANSWER_NONE, "");
    assert_false(ticket_answers_oracle(one, other, 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change_changes_tickets_of_any_length),
        cmocka_unit_test(flips_reach_both_ends_and_every_field),
        cmocka_unit_test(says_what_was_changed),
        cmocka_unit_test(shape_leaves_out_what_comes_after),
        cmocka_unit_test(sound_answers_are_no_finding),
        cmocka_unit_test(counts_what_was_taken),
        cmocka_unit_test(only_places_inside_make_an_oracle),
        cmocka_unit_test(an_oracle_answers_always_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
