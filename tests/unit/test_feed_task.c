/* One feed: what it asks for, and what it then shows. */
#include "feed_task_kit.h"

static void a_server_is_told_once_and_is_up(void **state)
{
    struct stage *s = *state;

    stage_task(s);
    stage_look(s);
    assert_int_equal(s->n_asked, 1);
    assert_int_equal(s->asked.feed, 3);
    assert_int_equal(s->asked.what, MESSAGE_FEED_RELOAD);
    assert_int_equal(for_each(s->place.fd, NULL), 4); /* two keys, the list, the lock */
    assert_false(s->task.is_through);
    stage_answered(s, 0);
    assert_true(s->task.is_through);
    assert_int_equal(s->task.row.state, FEED_TABLE_UP);
    assert_int_equal(s->task.row.n_updates, 1);
    assert_int_equal(s->task.row.n_keys, 2);
    assert_int_equal(s->task.stage, FEED_STAGE_IDLE);
    assert_int_equal(s->source.listed->n, 0); /* no key is left lying about */
    stage_look(s);
    assert_int_equal(s->n_asked, 1); /* nothing changed */
    stage_next_epoch(s);
    stage_look(s);
    assert_int_equal(s->n_asked, 2);
    stage_answered(s, 0);
    assert_int_equal(s->task.row.n_keys, 3);
}

static void what_fails_is_tried_again_ever_later(void **state)
{
    static const int64_t pauses_ms[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct stage *s = *state;

    stage_task(s);
    stage_look(s);
    for (size_t i = 0; i < sizeof pauses_ms / sizeof pauses_ms[0]; i++) {
        const int64_t before_ms = loop_now_ms(s->loop);

        stage_answered(s, 1);
        assert_int_equal(s->task.row.state, FEED_TABLE_BEHIND);
        assert_string_equal(s->task.row.why, "reload: exit status 1");
        assert_in_range(s->task.timer.due_ms - before_ms, pauses_ms[i], pauses_ms[i] + 20000);
        assert_true(s->task.is_through);
        stage_pass(s, &s->task.timer);
        assert_int_equal(s->n_asked, i + 2);
    }
    stage_answered(s, 0);
    assert_int_equal(s->task.row.state, FEED_TABLE_UP);
    assert_string_equal(s->task.row.why, "");
    assert_int_equal(s->task.row.n_failures, sizeof pauses_ms / sizeof pauses_ms[0]);
    assert_int_equal(s->task.retry_ms, 1000);
    assert_int_equal(s->task.stage, FEED_STAGE_IDLE);
}

static void changes_during_a_reload_are_told_once(void **state)
{
    struct stage *s = *state;

    stage_task(s);
    stage_look(s);
    for (unsigned i = 0; i < 3; i++) {
        stage_next_epoch(s);
        stage_look(s);
    }
    assert_int_equal(s->n_asked, 1);
    stage_answered(s, 0); /* it has what it was told, and there is more */
    assert_int_equal(s->task.row.n_updates, 1);
    assert_int_equal(s->n_asked, 2);
    assert_int_equal(s->task.row.n_keys, 5);
    stage_next_epoch(s);
    stage_look(s);
    stage_answered(s, 9); /* after a failure too */
    assert_int_equal(s->n_asked, 3);
    assert_int_equal(s->task.row.state, FEED_TABLE_BEHIND);
    stage_answered(s, 0);
    assert_int_equal(s->task.row.state, FEED_TABLE_UP);
}

static void a_server_is_looked_at_until_it_has_the_key(void **state)
{
    struct stage *s = *state;

    stage_tell_and_look(s);
    assert_int_equal(s->asked.what, MESSAGE_FEED_VERIFY);
    assert_memory_equal(s->asked.key, s->task.key, sizeof s->asked.key);
    for (unsigned i = 0; i < 3; i++) {
        stage_answered(s, 1);
        assert_int_not_equal(s->task.row.state, FEED_TABLE_BEHIND);
        stage_pass(s, &s->task.timer);
    }
    assert_int_equal(s->task.check_ms, 800);
    stage_answered(s, 0);
    assert_int_equal(s->task.row.state, FEED_TABLE_UP);
    assert_int_equal(s->n_asked, 5);
    stage_next_epoch(s);
    stage_look(s);
    stage_answered(s, 0);
    assert_int_equal(s->asked.what, MESSAGE_FEED_VERIFY);
    s->task.check_until_ms = 1; /* its time is over */
    stage_answered(s, 1);
    assert_int_equal(s->task.row.state, FEED_TABLE_BEHIND);
    assert_string_equal(s->task.row.why, "verify: exit status 1");
    stage_pass(s, &s->task.timer);
    assert_int_equal(s->asked.what, MESSAGE_FEED_RELOAD); /* all over again */
}

static void a_change_ends_the_wait_for_a_check(void **state)
{
    struct stage *s = *state;

    stage_tell_and_look(s);
    stage_answered(s, 1);
    stage_next_epoch(s);
    stage_look(s);
    assert_int_equal(s->asked.what, MESSAGE_FEED_RELOAD);
    stage_answered(s, 0);
    stage_next_epoch(s);
    stage_look(s); /* while it is looked at */
    assert_int_equal(s->asked.what, MESSAGE_FEED_VERIFY);
    stage_answered(s, 1); /* what was expected is of yesterday */
    assert_int_equal(s->asked.what, MESSAGE_FEED_RELOAD);
    assert_int_not_equal(s->task.row.state, FEED_TABLE_BEHIND);
}

static void changes_do_not_put_off_the_end_of_a_check(void **state)
{
    struct stage *s = *state;

    stage_tell_and_look(s);
    stage_answered(s, 1);
    s->task.check_until_ms = 1; /* its time is over */
    stage_next_epoch(s);
    stage_look(s);
    stage_answered(s, 0);
    assert_int_equal(s->asked.what, MESSAGE_FEED_VERIFY);
    stage_answered(s, 1);
    assert_int_equal(s->task.row.state, FEED_TABLE_BEHIND);
}

static void an_answer_to_nothing_is_out_of_turn(void **state)
{
    struct stage *s = *state;
    struct message_feed_ran m = {.feed = 3};

    stage_task(s);
    assert_false(feed_task_ran(&s->task, &m));
    stage_look(s);
    m.what = MESSAGE_FEED_VERIFY;
    assert_false(feed_task_ran(&s->task, &m));
    m.what = MESSAGE_FEED_RELOAD;
    assert_true(feed_task_ran(&s->task, &m));
    assert_false(feed_task_ran(&s->task, &m));
}

static void every_end_has_its_words(void **state)
{
    static const struct {
        enum message_feed_end how;
        uint32_t value;
        const char *words;
        const char *why;
    } ends[] = {
        {MESSAGE_FEED_EXITED, 2, "no\x1bway", "reload: exit status 2: no?way"},
        {MESSAGE_FEED_KILLED, 9, "", "reload: Killed"},
        {MESSAGE_FEED_TIMED_OUT, 0, "x", "reload: it did not end in time and was killed: x"},
        {MESSAGE_FEED_NOT_STARTED, 2, "",
         "reload: it cannot be started: No such file or directory"},
    };
    struct stage *s = *state;

    stage_task(s);
    stage_look(s);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct message_feed_ran m = {.feed = 3, .how = ends[i].how, .value = ends[i].value};
        struct text t = text_of(m.words, sizeof m.words);

        text_add(&t, ends[i].words);
        assert_true(feed_task_ran(&s->task, &m));
        assert_string_equal(s->task.row.why, ends[i].why);
        stage_pass(s, &s->task.timer);
    }
}

static void a_parent_that_is_deaf_is_not_waited_for(void **state)
{
    struct stage *s = *state;

    s->deaf = true;
    stage_task(s);
    stage_look(s);
    assert_int_equal(s->task.row.state, FEED_TABLE_BEHIND);
}

static void without_a_domain_there_is_no_key(void **state)
{
    struct stage *s = *state;

    s->config.domain_id = (char *)"none";
    stage_task(s);
    stage_look(s);
    assert_string_equal(s->task.row.why, "there is no key yet");
    assert_int_equal(s->n_asked, 0);
    s->config.domain_id = (char *)"0"; /* it comes */
    stage_look(s);
    assert_int_equal(s->n_asked, 1);
}

static void without_a_command_writing_is_telling(void **state)
{
    struct stage *s = *state;

    s->config.server = CONFIG_FEED_NODEJS;
    s->config.prefix = "keys";
    s->config.reload.n = 0;
    stage_task(s);
    stage_look(s);
    assert_int_equal(s->n_asked, 0);
    assert_int_equal(s->task.row.state, FEED_TABLE_UP);
    assert_int_equal(s->task.row.accept_ms, 0);
    assert_int_equal(s->task.row.wanted_ms, ACCEPT);
    assert_int_equal(for_each(s->place.fd, NULL), 2); /* and the lock */
}

/* Dates in files are by the wall clock, which somebody may set. */
static void another_time_makes_another_file(void **state)
{
    struct stage *s = *state;

    s->config.server = CONFIG_FEED_H2O;
    s->config.prefix = "keys";
    s->config.reload.n = 0;
    stage_task(s);
    stage_look(s);
    stage_look(s);
    assert_int_equal(s->task.row.n_updates, 1);
    s->source.offset_ms += 5000;
    stage_look(s);
    assert_int_equal(s->task.row.n_updates, 2);
}

static void a_successor_counts_on(void **state)
{
    struct stage *s = *state;
    struct feed_list before = {.n = 2};

    stage_task(s);
    before.rows[0] = s->task.row;
    before.rows[0].name[0] = 'm';
    before.rows[0].n_updates = 100;
    before.rows[1] = s->task.row;
    before.rows[1].n_updates = 7;
    before.rows[1].n_failures = 8;
    feed_task_resume(&s->task, &before);
    assert_int_equal(s->task.row.n_updates, 7);
    assert_int_equal(s->task.row.n_failures, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_CASE(a_server_is_told_once_and_is_up),
        STAGE_CASE(what_fails_is_tried_again_ever_later),
        STAGE_CASE(changes_during_a_reload_are_told_once),
        STAGE_CASE(a_server_is_looked_at_until_it_has_the_key),
        STAGE_CASE(a_change_ends_the_wait_for_a_check),
        STAGE_CASE(changes_do_not_put_off_the_end_of_a_check),
        STAGE_CASE(an_answer_to_nothing_is_out_of_turn),
        STAGE_CASE(every_end_has_its_words),
        STAGE_CASE(a_parent_that_is_deaf_is_not_waited_for),
        STAGE_CASE(without_a_domain_there_is_no_key),
        STAGE_CASE(without_a_command_writing_is_telling),
        STAGE_CASE(another_time_makes_another_file),
        STAGE_CASE(a_successor_counts_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
