#include "feed_task_kit.h"

static bool on_run(void *cookie, const struct message_feed_run *m)
{
    struct stage *s = cookie;

    if (m->what == MESSAGE_FEED_WRITE) {
        assert_false(s->is_to_write);
        assert_int_equal(m->feed, 3);
        s->is_to_write = !s->deaf;
    } else {
        s->asked = *m;
        s->n_asked++;
    }
    return !s->deaf;
}

static void on_changed(void *cookie)
{
    struct stage *s = cookie;

    s->n_changed++;
}

static char *command[] = {(char *)"reload"};

static bool is_parents(const struct stage *s)
{
    return s->config.server == CONFIG_FEED_NGINX;
}

void stage_task(struct stage *s)
{
    assert_int_equal(feed_task_init(&s->task, &s->context, 3, &s->config, (gid_t)-1), RP_OK);
    feed_writer_fini(&s->writer);
    assert_int_equal(feed_writer_init(&s->writer, &s->config, (gid_t)-1), RP_OK);
}

int stage_begin(void **state)
{
    struct stage *s = memory_new(1, sizeof *s);

    assert_non_null(s);
    *state = s;
    place_init(&s->place);
    s->keyring = keyring_make_kept(ROTATE, ACCEPT, 1);
    (void)keyring_step(s->keyring, GENESIS);
    s->log = (struct log){.fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .role = "test"};
    assert_int_equal(loop_new(&s->loop), RP_OK);
    s->context = (struct feed_context){.loop = s->loop,
                                       .log = &s->log,
                                       .source = &s->source,
                                       .rotate_ms = ROTATE,
                                       .accept_ms = ACCEPT,
                                       .run = on_run,
                                       .changed = on_changed,
                                       .cookie = s};
    assert_int_equal(feed_source_init(&s->source, s->keyring), RP_OK);
    s->config = (struct config_feed){.server = CONFIG_FEED_NGINX,
                                     .name = (char *)"n",
                                     .domain_id = (char *)"0",
                                     .folder = s->place.path,
                                     .keys_may_reach_disk = true};
    s->config.reload = (struct config_strings){.items = command, .n = 1};
    return 0;
}

int stage_end(void **state)
{
    struct stage *s = *state;

    feed_task_fini(&s->task);
    feed_writer_fini(&s->writer);
    feed_source_fini(&s->source);
    loop_free(&s->loop);
    (void)close(s->log.fd);
    rp_keyring_free(&s->keyring);
    place_fini(&s->place);
    memory_free(s);
    return 0;
}

struct message_feed_ran stage_answer(const struct stage *s, int status)
{
    return (struct message_feed_ran){
        .feed = s->asked.feed, .what = s->asked.what, .value = (uint32_t)status};
}

void stage_write_if_asked(struct stage *s)
{
    while (s->is_to_write) {
        struct message_feed_ran m = {.feed = 3, .what = MESSAGE_FEED_WRITE};
        struct text words = text_of(m.words, sizeof m.words);
        struct rp_error why = {""};
        bool changed = false;

        s->is_to_write = false;
        s->n_written++;
        assert_int_equal(feed_writer_plan(&s->writer, &s->source, &why), RP_OK);
        if (feed_writer_put(&s->writer, &s->source, &changed, &why) != RP_OK) {
            m.how = MESSAGE_FEED_NOT_WRITTEN;
            text_add(&words, why.text);
        } else if (changed) {
            m.value = MESSAGE_FEED_CHANGED;
        } else if (feed_lock_noted(&s->writer.lock)) {
            m.value = MESSAGE_FEED_SEEN;
        }
        feed_source_wipe(&s->source);
        assert_true(feed_task_ran(&s->task, &m));
    }
}

void stage_look(struct stage *s)
{
    feed_task_look(&s->task);
    stage_write_if_asked(s);
}

void stage_answered(struct stage *s, int status)
{
    const struct message_feed_ran m = stage_answer(s, status);

    feed_lock_note(&s->writer.lock, m.what == MESSAGE_FEED_VERIFY && status == 0);
    assert_true(feed_task_ran(&s->task, &m));
    stage_write_if_asked(s);
}

void stage_clear(struct stage *s)
{
    struct rp_error why = {""};

    feed_task_clear(&s->task);
    if (is_parents(s)) {
        assert_int_equal(feed_writer_clear(&s->writer, &s->source, &why), RP_OK);
    }
}

void stage_next_epoch(struct stage *s)
{
    struct rp_keyring_info info;

    rp_keyring_info(s->keyring, &info);
    (void)keyring_step(s->keyring, GENESIS + ((int64_t)info.epoch + 1) * ROTATE);
}

void stage_pass(struct stage *s, struct loop_timer *timer)
{
    assert_int_not_equal(timer->place, 0);
    loop_timer_clear(timer);
    timer->due(timer);
    stage_write_if_asked(s);
}

void stage_tell_and_look(struct stage *s)
{
    s->config.verify = (char *)"127.0.0.1:1";
    stage_task(s);
    stage_look(s);
    stage_answered(s, 0);
}
