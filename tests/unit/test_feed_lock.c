/* Who feeds a place, feeds it alone. */
#include "feed_lock.h"

#include <stdio.h>

#include "feed_folder_kit.h"

static int begin(void **state)
{
    struct place *p = memory_new(1, sizeof *p);

    assert_non_null(p);
    place_init(p);
    *state = p;
    return 0;
}

static int end(void **state)
{
    place_fini(*state);
    memory_free(*state);
    return 0;
}

static void take(struct feed_lock *lock, const struct feed_folder *folder)
{
    struct rp_error err = {""};

    if (feed_lock_take(lock, folder, &err) != RP_OK) {
        fail_msg("%s", err.text);
    }
}

static void one_holds_it(void **state)
{
    const struct feed_folder *folder = &((struct place *)*state)->folder;
    struct feed_lock first = {0};
    struct feed_lock second = {0};
    struct rp_error err = {""};

    assert_false(feed_lock_is_held(folder));
    take(&first, folder);
    take(&first, folder); /* which it holds already */
    assert_true(feed_lock_is_held(folder));
    assert_int_equal(feed_lock_take(&second, folder, &err), RP_INVALID);
    assert_non_null(strstr(err.text, "another reprised feeds "));
    assert_non_null(strstr(err.text, folder->path));
    assert_non_null(strstr(err.text, "name another folder"));
    feed_lock_release(&first);
    feed_lock_release(&first);
    assert_false(feed_lock_is_held(folder));
    take(&second, folder);
    feed_lock_release(&second);
}

static void each_file_has_its_own(void **state)
{
    const struct place *p = *state;
    struct feed_folder folders[] = {p->folder, p->folder, p->folder};
    struct feed_lock locks[3] = {{0}, {0}, {0}};
    struct feed_lock other = {0};
    struct rp_error err = {""};

    folders[1].only = "a";
    folders[2].only = "b";
    for (size_t i = 0; i < 3; i++) {
        assert_false(feed_lock_is_held(&folders[i]));
        take(&locks[i], &folders[i]);
    }
    assert_int_equal(feed_lock_take(&other, &folders[1], &err), RP_INVALID);
    assert_non_null(strstr(err.text, "/a, or a feed that names it otherwise; name another file"));
    for (size_t i = 0; i < 3; i++) {
        feed_lock_release(&locks[i]);
    }
}

static void who_removes_the_file_gets_no_second_one_in(void **state)
{
    const struct place *p = *state;
    struct feed_lock first = {0};
    struct feed_lock second = {0};
    struct rp_error err = {""};

    take(&first, &p->folder);
    assert_int_equal(unlinkat(p->fd, ".lock", 0), 0);
    take(&first, &p->folder);
    assert_int_equal(feed_lock_take(&second, &p->folder, &err), RP_INVALID);
    assert_int_equal(unlinkat(p->fd, ".lock", 0), 0);
    take(&second, &p->folder);
    assert_int_equal(feed_lock_take(&first, &p->folder, &err), RP_INVALID); /* too late */
    feed_lock_release(&second);
}

static void remove_locked(const char *folder)
{
    char path[128];
    struct text t = text_of(path, sizeof path);

    text_addf(&t, "%s/.lock", folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void another_folder_in_its_place_is_locked_anew(void **state)
{
    const struct place *p = *state;
    struct feed_folder folder = p->folder;
    struct feed_lock lock = {0};
    char path[96];
    char away[96];
    struct text t = text_of(path, sizeof path);
    struct text u = text_of(away, sizeof away);

    text_addf(&t, "%s/folder", p->path);
    text_addf(&u, "%s/away", p->path);
    folder.path = path;
    assert_int_equal(mkdir(path, 0700), 0);
    take(&lock, &folder);
    assert_int_equal(rename(path, away), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(feed_lock_is_held(&folder));
    take(&lock, &folder);
    assert_true(feed_lock_is_held(&folder));
    folder.path = away;
    assert_false(feed_lock_is_held(&folder));
    feed_lock_release(&lock);
    remove_locked(path);
    remove_locked(away);
}

static void what_is_no_folder_has_no_lock(void **state)
{
    const struct place *p = *state;
    struct feed_folder folder = p->folder;
    struct feed_lock lock = {0};
    struct rp_error err = {""};

    folder.path = "/nowhere/at/all";
    assert_false(feed_lock_is_held(&folder));
    assert_int_equal(feed_lock_take(&lock, &folder, &err), RP_SYSTEM);
    assert_string_equal(err.text, "there is no folder /nowhere/at/all");
    assert_int_equal(symlinkat("elsewhere", p->fd, ".lock"), 0);
    assert_false(feed_lock_is_held(&p->folder));
    assert_int_equal(feed_lock_take(&lock, &p->folder, &err), RP_SYSTEM);
    assert_false(lock.is_held);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(one_holds_it),
        CASE(each_file_has_its_own),
        CASE(who_removes_the_file_gets_no_second_one_in),
        CASE(another_folder_in_its_place_is_locked_anew),
        CASE(what_is_no_folder_has_no_lock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
