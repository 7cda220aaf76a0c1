/* One feed, its parent and its clock played by the test: what it asks for, and what it then shows.
 */
#include "feed_task.h"

#include "feed_folder_kit.h"
#include "haproxy_kit.h"
#include "keyring_fixture.h"
#include "loop.h"
#include "window_keys.h"

#define ROTATE INT64_C(100000)
#define ACCEPT INT64_C(300000)

struct stage {
    struct place place;
    struct rp_keyring *keyring;
    struct log log;
    struct loop *loop;
    struct feed_context context;
    struct feed_source source;
    struct config_feed config;
    struct feed_task task;
    struct message_feed_run asked; /* last, for a command */
    unsigned n_asked;
    bool is_to_write; /* it was asked to put the files, and has not answered */
    unsigned n_written;
    struct feed_writer writer; /* the parent's */
    unsigned n_changed;
    bool deaf; /* the parent takes no messages */
};

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

static void init_task(struct stage *s)
{
    assert_int_equal(feed_task_init(&s->task, &s->context, 3, &s->config, (gid_t)-1), RP_OK);
    feed_writer_fini(&s->writer);
    assert_int_equal(feed_writer_init(&s->writer, &s->config, (gid_t)-1), RP_OK);
}

/* An nginx with a command. */
static int begin(void **state)
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

static int end(void **state)
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

static struct message_feed_ran answer(const struct stage *s, int status)
{
    return (struct message_feed_ran){
        .feed = s->asked.feed, .what = s->asked.what, .value = (uint32_t)status};
}

/* As the parent does for a server that reads its folder as configuration. */
static void write_if_asked(struct stage *s)
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

static void look(struct stage *s)
{
    feed_task_look(&s->task);
    write_if_asked(s);
}

static void answered(struct stage *s, int status)
{
    const struct message_feed_ran m = answer(s, status);

    feed_lock_note(&s->writer.lock, m.what == MESSAGE_FEED_VERIFY && status == 0);
    assert_true(feed_task_ran(&s->task, &m));
    write_if_asked(s);
}

/* Feeder and parent, whichever it is that wrote. */
static void clear(struct stage *s)
{
    struct rp_error why = {""};

    feed_task_clear(&s->task);
    if (is_parents(s)) {
        assert_int_equal(feed_writer_clear(&s->writer, &s->source, &why), RP_OK);
    }
}

static void next_epoch(struct stage *s)
{
    struct rp_keyring_info info;

    rp_keyring_info(s->keyring, &info);
    (void)keyring_step(s->keyring, GENESIS + ((int64_t)info.epoch + 1) * ROTATE);
}

/* Its time has come. */
static void pass(struct stage *s, struct loop_timer *timer)
{
    assert_int_not_equal(timer->place, 0);
    loop_timer_clear(timer);
    timer->due(timer);
    write_if_asked(s);
}

static void a_server_is_told_once_and_is_up(void **state)
{
    struct stage *s = *state;

    init_task(s);
    look(s);
    assert_int_equal(s->n_asked, 1);
    assert_int_equal(s->asked.feed, 3);
    assert_int_equal(s->asked.what, MESSAGE_FEED_RELOAD);
    assert_int_equal(for_each(s->place.fd, NULL), 4); /* two keys, the list, the lock */
    assert_false(s->task.is_through);
    answered(s, 0);
    assert_true(s->task.is_through);
    assert_int_equal(s->task.row.state, FEED_TABLE_UP);
    assert_int_equal(s->task.row.n_updates, 1);
    assert_int_equal(s->task.row.n_keys, 2);
    assert_int_equal(s->task.stage, FEED_STAGE_IDLE);
    assert_int_equal(s->source.listed->n, 0); /* no key is left lying about */
    look(s);
    assert_int_equal(s->n_asked, 1); /* nothing changed */
    next_epoch(s);
    look(s);
    assert_int_equal(s->n_asked, 2);
    answered(s, 0);
    assert_int_equal(s->task.row.n_keys, 3);
}

static void what_fails_is_tried_again_ever_later(void **state)
{
    static const int64_t pauses_ms[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct stage *s = *state;

    init_task(s);
    look(s);
    for (size_t i = 0; i < sizeof pauses_ms / sizeof pauses_ms[0]; i++) {
        const int64_t before_ms = loop_now_ms(s->loop);

        answered(s, 1);
        assert_int_equal(s->task.row.state, FEED_TABLE_BEHIND);
        assert_string_equal(s->task.row.why, "reload: exit status 1");
        assert_in_range(s->task.timer.due_ms - before_ms, pauses_ms[i], pauses_ms[i] + 20000);
        assert_true(s->task.is_through);
        pass(s, &s->task.timer);
        assert_int_equal(s->n_asked, i + 2);
    }
    answered(s, 0);
    assert_int_equal(s->task.row.state, FEED_TABLE_UP);
    assert_string_equal(s->task.row.why, "");
    assert_int_equal(s->task.row.n_failures, sizeof pauses_ms / sizeof pauses_ms[0]);
    assert_int_equal(s->task.retry_ms, 1000);
    assert_int_equal(s->task.stage, FEED_STAGE_IDLE);
}

static void changes_during_a_reload_are_told_once(void **state)
{
    struct stage *s = *state;

    init_task(s);
    look(s);
    for (unsigned i = 0; i < 3; i++) {
        next_epoch(s);
        look(s);
    }
    assert_int_equal(s->n_asked, 1);
    answered(s, 0); /* it has what it was told, and there is more */
    assert_int_equal(s->task.row.n_updates, 1);
    assert_int_equal(s->n_asked, 2);
    assert_int_equal(s->task.row.n_keys, 5);
    next_epoch(s);
    look(s);
    answered(s, 9); /* after a failure too */
    assert_int_equal(s->n_asked, 3);
    assert_int_equal(s->task.row.state, FEED_TABLE_BEHIND);
    answered(s, 0);
    assert_int_equal(s->task.row.state, FEED_TABLE_UP);
}

/* Its server was told, and is to be looked at. */
static void tell_and_look(struct stage *s)
{
    s->config.verify = (char *)"127.0.0.1:1";
    init_task(s);
    look(s);
    answered(s, 0);
}

static void a_server_is_looked_at_until_it_has_the_key(void **state)
{
    struct stage *s = *state;

    tell_and_look(s);
    assert_int_equal(s->asked.what, MESSAGE_FEED_VERIFY);
    assert_memory_equal(s->asked.key, s->task.key, sizeof s->asked.key);
    for (unsigned i = 0; i < 3; i++) {
        answered(s, 1);
        assert_int_not_equal(s->task.row.state, FEED_TABLE_BEHIND);
        pass(s, &s->task.timer);
    }
    assert_int_equal(s->task.check_ms, 800);
    answered(s, 0);
    assert_int_equal(s->task.row.state, FEED_TABLE_UP);
    assert_int_equal(s->n_asked, 5);
    next_epoch(s);
    look(s);
    answered(s, 0);
    assert_int_equal(s->asked.what, MESSAGE_FEED_VERIFY);
    s->task.check_until_ms = 1; /* its time is over */
    answered(s, 1);
    assert_int_equal(s->task.row.state, FEED_TABLE_BEHIND);
    assert_string_equal(s->task.row.why, "verify: exit status 1");
    pass(s, &s->task.timer);
    assert_int_equal(s->asked.what, MESSAGE_FEED_RELOAD); /* all over again */
}

static void a_change_ends_the_wait_for_a_check(void **state)
{
    struct stage *s = *state;

    tell_and_look(s);
    answered(s, 1);
    next_epoch(s);
    look(s);
    assert_int_equal(s->asked.what, MESSAGE_FEED_RELOAD);
    answered(s, 0);
    next_epoch(s);
    look(s); /* while it is looked at */
    assert_int_equal(s->asked.what, MESSAGE_FEED_VERIFY);
    answered(s, 1); /* what was expected is of yesterday */
    assert_int_equal(s->asked.what, MESSAGE_FEED_RELOAD);
    assert_int_not_equal(s->task.row.state, FEED_TABLE_BEHIND);
}

static void changes_do_not_put_off_the_end_of_a_check(void **state)
{
    struct stage *s = *state;

    tell_and_look(s);
    answered(s, 1);
    s->task.check_until_ms = 1; /* its time is over */
    next_epoch(s);
    look(s);
    answered(s, 0);
    assert_int_equal(s->asked.what, MESSAGE_FEED_VERIFY);
    answered(s, 1);
    assert_int_equal(s->task.row.state, FEED_TABLE_BEHIND);
}

static void an_answer_to_nothing_is_out_of_turn(void **state)
{
    struct stage *s = *state;
    struct message_feed_ran m = {.feed = 3};

    init_task(s);
    assert_false(feed_task_ran(&s->task, &m));
    look(s);
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

    init_task(s);
    look(s);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct message_feed_ran m = {.feed = 3, .how = ends[i].how, .value = ends[i].value};
        struct text t = text_of(m.words, sizeof m.words);

        text_add(&t, ends[i].words);
        assert_true(feed_task_ran(&s->task, &m));
        assert_string_equal(s->task.row.why, ends[i].why);
        pass(s, &s->task.timer);
    }
}

static void a_parent_that_is_deaf_is_not_waited_for(void **state)
{
    struct stage *s = *state;

    s->deaf = true;
    init_task(s);
    look(s);
    assert_int_equal(s->task.row.state, FEED_TABLE_BEHIND);
}

static void without_a_domain_there_is_no_key(void **state)
{
    struct stage *s = *state;

    s->config.domain_id = (char *)"none";
    init_task(s);
    look(s);
    assert_string_equal(s->task.row.why, "there is no key yet");
    assert_int_equal(s->n_asked, 0);
    s->config.domain_id = (char *)"0"; /* it comes */
    look(s);
    assert_int_equal(s->n_asked, 1);
}

static void without_a_command_writing_is_telling(void **state)
{
    struct stage *s = *state;

    s->config.server = CONFIG_FEED_NODEJS;
    s->config.prefix = "keys";
    s->config.reload.n = 0;
    init_task(s);
    look(s);
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
    init_task(s);
    look(s);
    look(s);
    assert_int_equal(s->task.row.n_updates, 1);
    s->source.offset_ms += 5000;
    look(s);
    assert_int_equal(s->task.row.n_updates, 2);
}

/* What somebody does to the files is put right at the next look, and the server told. */
static void it_is_looked_at_from_time_to_time(void **state)
{
    struct stage *s = *state;

    init_task(s);
    look(s);
    answered(s, 0);
    for (unsigned i = 0; i < 2; i++) {
        pass(s, &s->task.timer);
        assert_int_equal(s->n_asked, 1);
        assert_int_equal(s->task.stage, FEED_STAGE_IDLE);
    }
    make(&s->place, LIST, "ssl_session_ticket_key other;\n");
    pass(s, &s->task.timer);
    assert_int_equal(s->n_asked, 2);
    answered(s, 0);
    assert_int_equal(s->task.row.n_updates, 2);
    assert_int_equal(unlinkat(s->place.fd, LIST, 0), 0);
    pass(s, &s->task.timer);
    assert_int_equal(s->n_asked, 3);
    assert_int_equal(for_each(s->place.fd, NULL), 4);
    clear(s);
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
    init_task(s);
    look(s);
    until_told(h);
    assert_int_equal(s->task.row.state, FEED_TABLE_UP);
    seals = h->kit.keys[1];
    assert_memory_equal(seals.name, s->task.key, sizeof seals.name);
    pass(s, &s->task.timer); /* all is well, and nobody hears of it */
    until_told(h);
    assert_int_equal(s->task.stage, FEED_STAGE_IDLE);
    assert_int_equal(s->task.row.n_updates, 1);
    h->kit.keys[0] = h->kit.keys[1];
    h->kit.keys[1] = h->kit.keys[2];
    h->kit.keys[2] = haproxy_kit_key(9, 32); /* as another's push does */
    pass(s, &s->task.timer);
    until_told(h);
    assert_int_equal(s->task.row.state, FEED_TABLE_UP);
    assert_int_equal(s->task.row.n_updates, 2);
    assert_memory_equal(&h->kit.keys[1], &seals, sizeof seals);
    h->kit.manner = HAPROXY_KIT_HANGS_UP;
    pass(s, &s->task.timer);
    until_told(h);
    assert_int_equal(s->task.row.state, FEED_TABLE_BEHIND);
    haproxy_kit_stop(&h->kit);
    memory_free(h);
}

static void what_is_configuration_is_written_by_the_parent_alone(void **state)
{
    const struct message_feed_ran m = {.feed = 3, .what = MESSAGE_FEED_WRITE};
    struct stage *s = *state;

    init_task(s);
    feed_task_look(&s->task);
    assert_true(s->is_to_write);
    assert_int_equal(s->task.stage, FEED_STAGE_WRITING);
    assert_int_equal(s->source.listed->n, 0);
    assert_int_equal(for_each(s->place.fd, NULL), 0);
    feed_task_look(&s->task); /* asked once, until it is answered */
    write_if_asked(s);
    assert_int_equal(s->n_written, 1);
    assert_int_equal(s->n_asked, 1);
    assert_false(feed_task_ran(&s->task, &m));
    answered(s, 0);
    look(s);
    assert_int_equal(s->n_asked, 1);
    assert_int_equal(s->task.row.n_updates, 1);
    assert_int_equal(for_each(s->place.fd, remove_one), 4);
    feed_task_clear(&s->task);
    assert_int_equal(for_each(s->place.fd, NULL), 0);
}

static void what_the_parent_cannot_write_is_tried_again(void **state)
{
    const struct message_feed_ran m = {.feed = 3,
                                       .what = MESSAGE_FEED_WRITE,
                                       .how = MESSAGE_FEED_NOT_WRITTEN,
                                       .words = "x cannot be written: its file system is full"};
    struct stage *s = *state;

    init_task(s);
    feed_task_look(&s->task);
    s->is_to_write = false;
    assert_true(feed_task_ran(&s->task, &m));
    assert_int_equal(s->task.row.state, FEED_TABLE_BEHIND);
    assert_string_equal(s->task.row.why, m.words);
    assert_int_equal(s->n_asked, 0);
    pass(s, &s->task.timer);
    answered(s, 0);
    assert_int_equal(s->task.row.state, FEED_TABLE_UP);
}

static void read_list(int dir, char out[static 4096])
{
    const int fd = openat(dir, LIST, O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd >= 0 ? read(fd, out, 4095) : -1;

    assert_true(n > 0);
    out[n] = '\0';
    (void)close(fd);
}

static void at_the_end_nobodys_keys_are_left(void **state)
{
    struct stage *s = *state;
    struct window_keys *keys = NULL;
    char list[4096];

    init_task(s);
    look(s);
    answered(s, 0);
    clear(s);
    assert_int_equal(s->task.timer.place, 0);
    read_list(s->place.fd, list);
    assert_int_equal(window_keys_new(s->keyring, &keys), RP_OK);
    assert_true(window_keys_list(s->keyring, 0, keys));
    for (size_t i = 0; i < keys->n; i++) {
        uint8_t bytes[KEY_FILE_NGINX_LONG] = {0};
        uint8_t ours[KEY_FILE_NGINX_LONG];
        char name[64];
        struct text t = text_of(name, sizeof name);
        int fd;

        text_add_hex(&t, keys->keys[i].stek.name, 16);
        text_add(&t, ".key");
        assert_non_null(strstr(list, name)); /* the server can be started */
        fd = openat(s->place.fd, name, O_RDONLY | O_CLOEXEC);
        assert_int_equal(read(fd, bytes, sizeof bytes), sizeof bytes);
        (void)close(fd);
        assert_int_equal(key_file_nginx_encode(&keys->keys[i].stek, ours), sizeof ours);
        assert_memory_not_equal(bytes + 16, ours + 16, 32);
        assert_memory_not_equal(bytes + 48, ours + 48, 32);
    }
    window_keys_free(&keys);
}

/* Whatever it was at, and whatever changes before the process ends. */
static void who_has_cleared_writes_no_key_again(void **state)
{
    struct stage *s = *state;

    s->config.verify = (char *)"127.0.0.1:1";
    init_task(s);
    look(s);
    for (unsigned what = 0; what < 2; what++) {
        struct message_feed_ran late = answer(s, 0);
        char list[2][4096];

        clear(s);
        read_list(s->place.fd, list[0]);
        assert_false(feed_task_ran(&s->task, &late));
        next_epoch(s);
        look(s);
        read_list(s->place.fd, list[1]);
        assert_string_equal(list[0], list[1]); /* not the next epoch's */
        assert_int_equal(s->n_asked, what + 1);
        assert_int_equal(s->task.timer.place, 0);
        assert_int_equal(s->task.dated.place, 0);
        feed_task_fini(&s->task);
        memset(&s->task, 0, sizeof s->task);
        init_task(s);
        if (what == 0) {
            s->n_asked = 0;
            look(s);
            answered(s, 0);
            assert_int_equal(s->asked.what, MESSAGE_FEED_VERIFY);
        }
    }
}

/* It writes nothing, nor overwrites at its end what is another's, until that one has gone. */
static void where_another_feeds_nothing_is_done(void **state)
{
    struct stage *s = *state;
    struct feed_lock other = {0};
    struct rp_error err = {""};

    assert_int_equal(feed_lock_take(&other, &s->place.folder, &err), RP_OK);
    init_task(s);
    look(s);
    assert_int_equal(s->n_asked, 0);
    assert_int_equal(s->task.row.state, FEED_TABLE_BEHIND);
    assert_non_null(strstr(s->task.row.why, "another reprised feeds "));
    assert_int_equal(for_each(s->place.fd, NULL), 1);
    feed_lock_release(&other);
    pass(s, &s->task.timer);
    answered(s, 0);
    assert_int_equal(s->task.row.state, FEED_TABLE_UP);
    feed_lock_release(&s->writer.lock);
    assert_int_equal(feed_lock_take(&other, &s->place.folder, &err), RP_OK);
    make(&s->place, LIST, "of another");
    clear(s);
    assert_file(&s->place, LIST, "of another", strlen("of another"));
    feed_lock_release(&other);
}

/* As where swap is turned on later. */
static void what_is_in_memory_no_longer_gets_no_key(void **state)
{
    struct stage *s = *state;
    struct place disk = {.path = "/tmp/test_feed_task.XXXXXX"};
    struct rp_error err = {""};
    char before[4096];
    char after[4096];

    assert_non_null(mkdtemp(disk.path));
    disk.fd = open(disk.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    s->config.folder = disk.path;
    init_task(s);
    look(s);
    answered(s, 0);
    s->writer.folder.may_reach_disk = false;
    if (feed_folder_check(&s->writer.folder, &err) == RP_OK) {
        place_fini(&disk);
        skip(); /* even /tmp is in memory here */
    }
    read_list(disk.fd, before);
    for (unsigned epoch = 1; epoch <= 4; epoch++) {
        next_epoch(s);
        look(s);
        assert_int_equal(s->task.row.state, FEED_TABLE_BEHIND);
        assert_non_null(strstr(s->task.row.why, "keys are not written to "));
        read_list(disk.fd, after);
        assert_int_equal(strcmp(before, after) == 0, epoch <= 3); /* then it is in no window */
    }
    assert_int_equal(s->n_asked, 1);
    place_fini(&disk);
}

static void succeeded_by_another(struct stage *s)
{
    feed_task_fini(&s->task);
    memset(&s->task, 0, sizeof s->task);
    init_task(s);
    look(s);
}

/* A reload of the configuration, say: the server is looked at, and told only if it has not. */
static void who_has_the_keys_is_not_told_again(void **state)
{
    struct stage *s = *state;

    tell_and_look(s);
    answered(s, 0);
    assert_int_equal(s->n_asked, 2);
    succeeded_by_another(s);
    assert_int_equal(s->asked.what, MESSAGE_FEED_VERIFY);
    answered(s, 0);
    assert_int_equal(s->n_asked, 3);
    assert_int_equal(s->task.row.state, FEED_TABLE_UP);
    succeeded_by_another(s);
    answered(s, 1); /* it was given others meanwhile */
    assert_int_equal(s->asked.what, MESSAGE_FEED_RELOAD);
    assert_int_not_equal(s->task.row.state, FEED_TABLE_BEHIND);
    succeeded_by_another(s); /* who was killed before it was told */
    assert_int_equal(s->asked.what, MESSAGE_FEED_RELOAD);
    answered(s, 0);
    answered(s, 0);
    next_epoch(s);
    succeeded_by_another(s); /* with another key */
    assert_int_equal(s->asked.what, MESSAGE_FEED_RELOAD);
    answered(s, 0);
    answered(s, 0);
    s->config.verify = NULL;
    succeeded_by_another(s); /* where nobody can see it, it is told */
    assert_int_equal(s->asked.what, MESSAGE_FEED_RELOAD);
}

static void a_successor_counts_on(void **state)
{
    struct stage *s = *state;
    struct feed_list before = {.n = 2};

    init_task(s);
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

/* What the configuration has for each kind. */
static const struct {
    const char *name;
    const char *where;
    bool may_reload;
    bool must_reload;
} options[] = {
    {"nginx", "files", true, true},     {"haproxy", "file", false, false},
    {"apache", "file", true, true},     {"trafficserver", "file", true, true},
    {"lighttpd", "file", false, false}, {"h2o", "file", false, false},
    {"nodejs", "file", true, false},    {"files", "files", true, false},
};

static enum rp_status take(const struct feed_kind *kind, const char *where, bool with_reload)
{
    char text[512];
    struct text t = text_of(text, sizeof text);
    struct config *config = NULL;
    struct rp_error err = {""};
    enum rp_status status;

    text_addf(&t, "feeds: [{%s: {%s: /run/x/y", kind->name, where);
    text_add(&t, with_reload ? ", reload: r" : "");
    text_add(&t, kind->telling == FEED_TOLD_BY_SOCKET ? ", socket: /run/s" : "");
    text_add(&t, strcmp(kind->name, "files") == 0 ? ", format: nginx" : "");
    text_add(&t, "}}]\n");
    status = config_parse("x", text, t.len, &config, &err);
    config_free(&config);
    return status;
}

static void configuration_and_kinds_agree(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CONFIG_FEED_SERVERS; i++) {
        const struct feed_kind *const kind =
            feed_kind_find(config_feed_word((enum config_feed_server)i));

        assert_string_equal(kind->name, options[i].name);
        assert_int_equal(take(kind, options[i].where, true),
                         options[i].may_reload ? RP_OK : RP_FORMAT);
        assert_int_equal(take(kind, options[i].where, false),
                         options[i].must_reload ? RP_FORMAT : RP_OK);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_server_is_told_once_and_is_up),
        CASE(what_fails_is_tried_again_ever_later),
        CASE(changes_during_a_reload_are_told_once),
        CASE(a_server_is_looked_at_until_it_has_the_key),
        CASE(a_change_ends_the_wait_for_a_check),
        CASE(changes_do_not_put_off_the_end_of_a_check),
        CASE(an_answer_to_nothing_is_out_of_turn),
        CASE(every_end_has_its_words),
        CASE(a_parent_that_is_deaf_is_not_waited_for),
        CASE(without_a_domain_there_is_no_key),
        CASE(without_a_command_writing_is_telling),
        CASE(another_time_makes_another_file),
        CASE(it_is_looked_at_from_time_to_time),
        CASE(haproxy_is_asked_from_time_to_time),
        CASE(what_is_configuration_is_written_by_the_parent_alone),
        CASE(what_the_parent_cannot_write_is_tried_again),
        CASE(at_the_end_nobodys_keys_are_left),
        CASE(who_has_cleared_writes_no_key_again),
        CASE(where_another_feeds_nothing_is_done),
        CASE(what_is_in_memory_no_longer_gets_no_key),
        CASE(who_has_the_keys_is_not_told_again),
        CASE(a_successor_counts_on),
        cmocka_unit_test(configuration_and_kinds_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
