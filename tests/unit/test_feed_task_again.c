/* One feed that was told: what is looked at again, and who is not told again. */
#include "feed_task_kit.h"

#include "haproxy_kit.h"

/* What somebody does to the files is put right at the next look, and the server told. */
static void it_is_looked_at_from_time_to_time(void **state)
{
    struct stage *s = *state;

    stage_task(s);
    stage_look(s);
    stage_answered(s, 0);
    for (unsigned i = 0; i < 2; i++) {
        stage_pass(s, &s->task.timer);
        assert_int_equal(s->n_asked, 1);
        assert_int_equal(s->task.stage, FEED_STAGE_IDLE);
    }
    make(&s->place, LIST, "ssl_session_ticket_key other;\n");
    stage_pass(s, &s->task.timer);
    assert_int_equal(s->n_asked, 2);
    stage_answered(s, 0);
    assert_int_equal(s->task.row.n_updates, 2);
    assert_int_equal(unlinkat(s->place.fd, LIST, 0), 0);
    stage_pass(s, &s->task.timer);
    assert_int_equal(s->n_asked, 3);
    assert_int_equal(for_each(s->place.fd, NULL), 4);
    stage_clear(s);
    assert_int_equal(s->task.timer.place, 0);
}

/* A HAProxy that is fed, on the task's own loop. */
struct fed_haproxy {
    struct loop_timer tick; /* first */
    struct stage *stage;
    struct haproxy_kit kit;
};

static void stop_when_told(struct loop_timer *tick)
{
    struct stage *s = ((struct fed_haproxy *)tick)->stage;

    if (s->task.stage == FEED_STAGE_TELLING) {
        assert_true(loop_timer_set(s->loop, tick, 1));
    } else {
        loop_stop(s->loop);
    }
}

static void until_told(struct fed_haproxy *h)
{
    assert_int_equal(h->stage->task.stage, FEED_STAGE_TELLING);
    assert_true(loop_timer_set(h->stage->loop, &h->tick, 1));
    loop_run(h->stage->loop);
}

static void haproxy_is_asked_from_time_to_time(void **state)
{
    struct stage *s = *state;
    struct fed_haproxy *const h = memory_new(1, sizeof *h);
    struct stek seals;

    assert_non_null(h);
    h->stage = s;
    h->tick.due = stop_when_told;
    haproxy_kit_start(&h->kit, s->loop, false);
    s->config.server = CONFIG_FEED_HAPROXY;
    s->config.prefix = "keys";
    s->config.reload.n = 0;
    s->config.socket = h->kit.address;
    s->config.file = (char *)h->kit.file;
    stage_task(s);
    stage_look(s);
    until_told(h);
    assert_int_equal(s->task.row.state, FEED_TABLE_UP);
    seals = h->kit.keys[1];
    assert_memory_equal(seals.name, s->task.key, sizeof seals.name);
    stage_pass(s, &s->task.timer); /* all is well, and nobody hears of it */
    until_told(h);
    assert_int_equal(s->task.stage, FEED_STAGE_IDLE);
    assert_int_equal(s->task.row.n_updates, 1);
    h->kit.keys[0] = h->kit.keys[1];
    h->kit.keys[1] = h->kit.keys[2];
    h->kit.keys[2] = haproxy_kit_key(9, 32); /* as another's push does */
    stage_pass(s, &s->task.timer);
    until_told(h);
    assert_int_equal(s->task.row.state, FEED_TABLE_UP);
    assert_int_equal(s->task.row.n_updates, 2);
    assert_memory_equal(&h->kit.keys[1], &seals, sizeof seals);
    h->kit.manner = HAPROXY_KIT_HANGS_UP;
    stage_pass(s, &s->task.timer);
    until_told(h);
    assert_int_equal(s->task.row.state, FEED_TABLE_BEHIND);
    haproxy_kit_stop(&h->kit);
    memory_free(h);
}

static void succeeded_by_another(struct stage *s)
{
    feed_task_fini(&s->task);
    memset(&s->task, 0, sizeof s->task);
    stage_task(s);
    stage_look(s);
}

/* A reload of the configuration, say: the server is looked at, and told only if it has not. */
static void who_has_the_keys_is_not_told_again(void **state)
{
    struct stage *s = *state;

    stage_tell_and_look(s);
    stage_answered(s, 0);
    assert_int_equal(s->n_asked, 2);
    succeeded_by_another(s);
    assert_int_equal(s->asked.what, MESSAGE_FEED_VERIFY);
    stage_answered(s, 0);
    assert_int_equal(s->n_asked, 3);
    assert_int_equal(s->task.row.state, FEED_TABLE_UP);
    succeeded_by_another(s);
    stage_answered(s, 1); /* it was given others meanwhile */
    assert_int_equal(s->asked.what, MESSAGE_FEED_RELOAD);
    assert_int_not_equal(s->task.row.state, FEED_TABLE_BEHIND);
    succeeded_by_another(s); /* who was killed before it was told */
    assert_int_equal(s->asked.what, MESSAGE_FEED_RELOAD);
    stage_answered(s, 0);
    stage_answered(s, 0);
    stage_next_epoch(s);
    succeeded_by_another(s); /* with another key */
    assert_int_equal(s->asked.what, MESSAGE_FEED_RELOAD);
    stage_answered(s, 0);
    stage_answered(s, 0);
    s->config.verify = NULL;
    succeeded_by_another(s); /* where nobody can see it, it is told */
    assert_int_equal(s->asked.what, MESSAGE_FEED_RELOAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_CASE(it_is_looked_at_from_time_to_time),
        STAGE_CASE(haproxy_is_asked_from_time_to_time),
        STAGE_CASE(who_has_the_keys_is_not_told_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
