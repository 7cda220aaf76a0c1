/* The files of one feed: who writes them, where nobody does, and what is left of them. */
#include "feed_task_kit.h"

#include "window_keys.h"

static void what_is_configuration_is_written_by_the_parent_alone(void **state)
{
    const struct message_feed_ran m = {.feed = 3, .what = MESSAGE_FEED_WRITE};
    struct stage *s = *state;

    stage_task(s);
    feed_task_look(&s->task);
    assert_true(s->is_to_write);
    assert_int_equal(s->task.stage, FEED_STAGE_WRITING);
    assert_int_equal(s->source.listed->n, 0);
    assert_int_equal(for_each(s->place.fd, NULL), 0);
    feed_task_look(&s->task); /* asked once, until it is answered */
    stage_write_if_asked(s);
    assert_int_equal(s->n_written, 1);
    assert_int_equal(s->n_asked, 1);
    assert_false(feed_task_ran(&s->task, &m));
    stage_answered(s, 0);
    stage_look(s);
    assert_int_equal(s->n_asked, 1);
    assert_int_equal(s->task.row.n_updates, 1);
    assert_int_equal(for_each(s->place.fd, remove_one), 4);
    feed_task_clear(&s->task);
    assert_int_equal(for_each(s->place.fd, NULL), 0);
}

/* Nobody else has changed them then. */
static void the_parent_may_have_written_what_is_newer(void **state)
{
    struct stage *s = *state;

    stage_task(s);
    stage_look(s);
    stage_answered(s, 0);
    loop_timer_clear(&s->task.timer);
    s->task.timer.due(&s->task.timer);
    assert_true(s->is_to_write);
    assert_true(s->task.expects_same);
    stage_next_epoch(s);
    stage_write_if_asked(s);
    assert_int_equal(s->n_asked, 2);
    assert_false(s->task.expects_same);
    assert_int_equal(s->task.row.n_keys, 3);
}

static void what_the_parent_cannot_write_is_tried_again(void **state)
{
    const struct message_feed_ran m = {.feed = 3,
                                       .what = MESSAGE_FEED_WRITE,
                                       .how = MESSAGE_FEED_NOT_WRITTEN,
                                       .words = "x cannot be written: its file system is full"};
    struct stage *s = *state;

    stage_task(s);
    feed_task_look(&s->task);
    s->is_to_write = false;
    assert_true(feed_task_ran(&s->task, &m));
    assert_int_equal(s->task.row.state, FEED_TABLE_BEHIND);
    assert_string_equal(s->task.row.why, m.words);
    assert_int_equal(s->n_asked, 0);
    stage_pass(s, &s->task.timer);
    stage_answered(s, 0);
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

    stage_task(s);
    stage_look(s);
    stage_answered(s, 0);
    stage_clear(s);
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
    stage_task(s);
    stage_look(s);
    for (unsigned what = 0; what < 2; what++) {
        struct message_feed_ran late = stage_answer(s, 0);
        char list[2][4096];

        stage_clear(s);
        read_list(s->place.fd, list[0]);
        assert_false(feed_task_ran(&s->task, &late));
        stage_next_epoch(s);
        stage_look(s);
        read_list(s->place.fd, list[1]);
        assert_string_equal(list[0], list[1]); /* not the next epoch's */
        assert_int_equal(s->n_asked, what + 1);
        assert_int_equal(s->task.timer.place, 0);
        assert_int_equal(s->task.dated.place, 0);
        feed_task_fini(&s->task);
        memset(&s->task, 0, sizeof s->task);
        stage_task(s);
        if (what == 0) {
            s->n_asked = 0;
            stage_look(s);
            stage_answered(s, 0);
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
    stage_task(s);
    stage_look(s);
    assert_int_equal(s->n_asked, 0);
    assert_int_equal(s->task.row.state, FEED_TABLE_BEHIND);
    assert_non_null(strstr(s->task.row.why, "another reprised feeds "));
    assert_int_equal(for_each(s->place.fd, NULL), 1);
    feed_lock_release(&other);
    stage_pass(s, &s->task.timer);
    stage_answered(s, 0);
    assert_int_equal(s->task.row.state, FEED_TABLE_UP);
    feed_lock_release(&s->writer.lock);
    assert_int_equal(feed_lock_take(&other, &s->place.folder, &err), RP_OK);
    make(&s->place, LIST, "of another");
    stage_clear(s);
    assert_file(&s->place, LIST, "of another", strlen("of another"));
    feed_lock_release(&other);
}

/* As where swap is turned on later. kept: in so many epochs more the keys stay. */
static void turn_swap_on(struct stage *s, bool is_succeeded, unsigned kept)
{
    struct place disk = {.path = "/tmp/test_feed_task.XXXXXX"};
    struct rp_error err = {""};
    char before[4096];
    char after[4096];
    bool is_kept = true;

    assert_non_null(mkdtemp(disk.path));
    disk.fd = open(disk.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    s->config.folder = disk.path;
    stage_task(s);
    stage_look(s);
    stage_answered(s, 0);
    if (is_succeeded) {
        feed_writer_fini(&s->writer);
        assert_int_equal(feed_writer_init(&s->writer, &s->config, (gid_t)-1), RP_OK);
    }
    s->writer.folder.may_reach_disk = false;
    if (feed_folder_check(&s->writer.folder, &err) == RP_OK) {
        place_fini(&disk);
        skip(); /* even /tmp is in memory here */
    }
    read_list(disk.fd, before);
    for (unsigned epoch = 1; epoch <= kept + 8; epoch++) {
        stage_next_epoch(s);
        stage_look(s);
        assert_int_equal(s->task.row.state, FEED_TABLE_BEHIND);
        assert_non_null(strstr(s->task.row.why, "keys are not written to "));
        read_list(disk.fd, after);
        is_kept = is_kept && strcmp(before, after) == 0;
        assert_int_equal(is_kept, epoch <= kept); /* then it is in no window */
        if (epoch > kept + 1) {
            assert_string_equal(before, after); /* thrown away once */
        }
        memcpy(before, after, sizeof before);
    }
    assert_int_equal(s->n_asked, 1);
    place_fini(&disk);
}

static void what_is_in_memory_no_longer_gets_no_key(void **state)
{
    turn_swap_on(*state, false, 3);
}

/* It may have been written in the epoch before as in this one. */
static void whoever_wrote_what_is_in_memory_no_longer(void **state)
{
    turn_swap_on(*state, true, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_CASE(what_is_configuration_is_written_by_the_parent_alone),
        STAGE_CASE(the_parent_may_have_written_what_is_newer),
        STAGE_CASE(what_the_parent_cannot_write_is_tried_again),
        STAGE_CASE(at_the_end_nobodys_keys_are_left),
        STAGE_CASE(who_has_cleared_writes_no_key_again),
        STAGE_CASE(where_another_feeds_nothing_is_done),
        STAGE_CASE(what_is_in_memory_no_longer_gets_no_key),
        STAGE_CASE(whoever_wrote_what_is_in_memory_no_longer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
