#include <sys/vfs.h>

#include "feed_folder_kit.h"
#include "feed_mounts.h"

static void files_are_put_and_left_when_they_are_right(void **state)
{
    struct feed_files files = key_set(1, 3);
    struct place p;
    struct stat stat;
    struct stat again;

    (void)state;
    place_init(&p);
    assert_put(&p, &files, true);
    assert_int_equal(count(&p), 4);
    for (size_t i = 0; i < files.n; i++) {
        assert_file(&p, files.items[i].name, files.items[i].bytes, files.items[i].n);
        assert_int_equal(fstatat(p.fd, files.items[i].name, &stat, 0), 0);
        assert_int_equal(stat.st_mode & 07777, 0600);
    }
    assert_put(&p, &files, false);
    assert_int_equal(fstatat(p.fd, files.items[3].name, &again, 0), 0);
    assert_int_equal(stat.st_ino, again.st_ino);
    feed_files_fini(&files);
    place_fini(&p);
}

static void what_is_no_longer_wanted_is_gone_and_others_files_stay(void **state)
{
    struct feed_files before = key_set(1, 5);
    struct feed_files after = key_set(4, 3);
    struct place p;

    (void)state;
    place_init(&p);
    make(&p, "README", "mine");
    make(&p, ".hidden.new", "mine");
    make(&p, "a.key", "mine");
    assert_put(&p, &before, true);
    assert_put(&p, &after, true);
    assert_int_equal(count(&p), 3 + after.n);
    for (size_t i = 0; i < after.n; i++) {
        assert_file(&p, after.items[i].name, after.items[i].bytes, after.items[i].n);
    }
    assert_file(&p, "README", "mine", 4);
    assert_file(&p, ".hidden.new", "mine", 4);
    feed_files_fini(&before);
    feed_files_fini(&after);
    place_fini(&p);
}

static void a_single_file_s_feed_leaves_all_others_alone(void **state)
{
    struct feed_files files = word("tls.keys", "one", "off");
    struct place p;

    (void)state;
    place_init(&p);
    p.folder.only = "tls.keys";
    make(&p, "0.key", "mine");
    make(&p, ".0.key.new", "mine");
    make(&p, "keys", "mine");
    assert_put(&p, &files, true);
    assert_int_equal(count(&p), 4);
    assert_file(&p, "tls.keys", "one", 3);
    feed_files_fini(&files);
    place_fini(&p);
}

static void what_a_crash_left_beside_is_removed(void **state)
{
    struct feed_files files = word("keys", "one", "off");
    struct place p;

    (void)state;
    place_init(&p);
    make(&p, ".keys.new", "half of");
    make(&p, ".7.key.new", "");
    assert_int_equal(symlinkat("/dev/null", p.fd, ".8.key.new"), 0);
    assert_put(&p, &files, true);
    assert_int_equal(count(&p), 1);
    make(&p, ".keys.new", "half of");
    assert_put(&p, &files, false);
    assert_int_equal(count(&p), 1);
    feed_files_fini(&files);
    place_fini(&p);
}

/* By a descriptor that a server might have open. */
static void the_old_file_s_bytes_are_overwritten(void **state)
{
    static const char *const olds[] = {"an old one", "old", "one that is longer than the new one"};

    (void)state;
    for (size_t i = 0; i < sizeof olds / sizeof olds[0]; i++) {
        struct feed_files before = word("keys", olds[i], olds[i]);
        struct feed_files after = word("keys", "the new one", "a throwaway");
        const size_t len = strlen(olds[i]) < 11 ? strlen(olds[i]) : 11;
        struct place p;
        uint8_t found[64];
        int old;

        place_init(&p);
        assert_put(&p, &before, true);
        old = openat(p.fd, "keys", O_RDONLY | O_CLOEXEC);
        assert_true(old >= 0);
        assert_put(&p, &after, true);
        assert_file(&p, "keys", "the new one", 11);
        assert_int_equal(read(old, found, sizeof found), len);
        assert_memory_equal(found, "a throwaway", len);
        (void)close(old);
        feed_files_fini(&before);
        feed_files_fini(&after);
        place_fini(&p);
    }
}

static void what_is_removed_is_overwritten(void **state)
{
    struct feed_files before = key_set(1, 2);
    struct feed_files after = key_set(2, 1);
    uint8_t found[2 * KEY_LEN];
    struct place p;
    int old;

    (void)state;
    place_init(&p);
    assert_put(&p, &before, true);
    old = openat(p.fd, before.items[0].name, O_RDONLY | O_CLOEXEC);
    assert_true(old >= 0);
    assert_put(&p, &after, true);
    assert_int_equal(read(old, found, sizeof found), KEY_LEN);
    assert_memory_not_equal(found, before.items[0].bytes, 8);
    assert_memory_not_equal(found, found + KEY_LEN / 2, 8);
    (void)close(old);
    feed_files_fini(&before);
    feed_files_fini(&after);
    place_fini(&p);
}

static void clearing_takes_all_that_is_ours(void **state)
{
    struct feed_files files = key_set(1, 3);
    struct place p;

    (void)state;
    place_init(&p);
    make(&p, "README", "mine");
    assert_put(&p, &files, true);
    make(&p, ".0.key.new", "half of");
    assert_int_equal(feed_folder_clear(&p.folder, NULL), RP_OK);
    assert_int_equal(count(&p), 1);
    feed_files_fini(&files);
    place_fini(&p);
}

/* In whole seconds later than whenever a server may have read the one before. */
static void a_new_file_is_later_by_the_second(void **state)
{
    struct place p;
    struct stat made;
    struct stat stat;
    time_t before = 0;

    (void)state;
    place_init(&p);
    for (int i = 0; i < 5; i++) {
        const char content[] = {(char)('a' + i), '\0'};
        struct feed_files files = word("keys", content, "x");

        make(&p, "now", "");
        assert_int_equal(fstatat(p.fd, "now", &made, 0), 0);
        assert_put(&p, &files, true);
        assert_int_equal(fstatat(p.fd, "keys", &stat, 0), 0);
        assert_true(stat.st_mtim.tv_sec > made.st_mtim.tv_sec);
        assert_true(stat.st_mtim.tv_sec > before);
        before = stat.st_mtim.tv_sec;
        feed_files_fini(&files);
    }
    place_fini(&p);
}

/* lighttpd would read it twice, and forget an older key for it. */
static void a_file_that_is_read_once_has_the_time_that_it_is(void **state)
{
    struct place p;
    struct stat made;
    struct stat stat;
    struct feed_files files = word("keys", "a", "x");

    (void)state;
    place_init(&p);
    p.folder.is_read_once = true;
    assert_put(&p, &files, true);
    make(&p, "now", "");
    assert_int_equal(fstatat(p.fd, "now", &made, 0), 0);
    assert_int_equal(fstatat(p.fd, "keys", &stat, 0), 0);
    assert_true(stat.st_mtim.tv_sec <= made.st_mtim.tv_sec);
    feed_files_fini(&files);
    place_fini(&p);
}

static void a_file_of_a_far_future_does_not_drag_others_there(void **state)
{
    const struct timespec times[2] = {{.tv_sec = 4000000000}, {.tv_sec = 4000000000}};
    struct feed_files files = word("keys", "new", "off");
    struct place p;
    struct stat stat;

    (void)state;
    place_init(&p);
    make(&p, "keys", "old");
    assert_int_equal(utimensat(p.fd, "keys", times, 0), 0);
    assert_put(&p, &files, true);
    assert_int_equal(fstatat(p.fd, "keys", &stat, 0), 0);
    assert_true(stat.st_mtim.tv_sec < 4000000000);
    feed_files_fini(&files);
    place_fini(&p);
}

static void a_link_in_the_way_is_replaced_not_followed(void **state)
{
    struct feed_files files = word("keys", "one", "off");
    struct place p;

    (void)state;
    place_init(&p);
    make(&p, "theirs", "mine");
    assert_int_equal(symlinkat("theirs", p.fd, "keys"), 0);
    assert_put(&p, &files, true);
    assert_file(&p, "theirs", "mine", 4);
    assert_file(&p, "keys", "one", 3);
    feed_files_fini(&files);
    place_fini(&p);
}

static void assert_fails(const struct place *p, const struct feed_files *files,
                         enum rp_status expected, const char *part)
{
    struct rp_error err = {""};
    bool changed = true;

    assert_int_equal(feed_folder_put(&p->folder, files, &changed, &err), expected);
    assert_false(changed);
    if (strstr(err.text, part) == NULL) {
        fail_msg("%s", err.text);
    }
}

static bool begins_alike(const uint8_t *found, const uint8_t *wanted, size_t n)
{
    return n != 0 && found[0] == wanted[0];
}

static void what_is_alike_is_left(void **state)
{
    struct feed_files first = word("keys", "one", "off");
    struct feed_files second = word("keys", "odd", "off");
    struct feed_files third = word("keys", "two", "off");
    struct place p;

    (void)state;
    place_init(&p);
    second.items[0].is_alike = begins_alike;
    third.items[0].is_alike = begins_alike;
    assert_put(&p, &first, true);
    assert_put(&p, &second, false);
    assert_file(&p, "keys", "one", 3);
    assert_put(&p, &third, true);
    assert_file(&p, "keys", "two", 3);
    feed_files_fini(&first);
    feed_files_fini(&second);
    feed_files_fini(&third);
    place_fini(&p);
}

static void a_folder_that_is_none_is_named(void **state)
{
    struct feed_files files = word("keys", "one", "off");
    struct place p;

    (void)state;
    place_init(&p);
    p.folder.path = "/dev/shm/there is none";
    assert_fails(&p, &files, RP_SYSTEM, "there is no folder /dev/shm/there is none");
    assert_int_equal(feed_folder_clear(&p.folder, NULL), RP_SYSTEM);
    p.folder.path = "/dev/null";
    assert_fails(&p, &files, RP_SYSTEM, "/dev/null is not a folder");
    p.folder.path = p.path;
    assert_int_equal(mkdirat(p.fd, "keys", 0700), 0);
    assert_fails(&p, &files, RP_SYSTEM, "/keys cannot be replaced");
    assert_int_equal(count(&p), 1);
    assert_int_equal(unlinkat(p.fd, "keys", AT_REMOVEDIR), 0);
    feed_files_fini(&files);
    place_fini(&p);
}

static void memory_may_be_short(void **state)
{
    struct feed_files before = key_set(1, 3);
    struct feed_files after = key_set(2, 3);
    enum rp_status status = RP_NO_MEMORY;
    struct place p;

    (void)state;
    place_init(&p);
    assert_put(&p, &before, true);
    for (long n = 0; status != RP_OK; n++) {
        struct rp_error err = {""};
        bool changed;

        memory_fail_after(n);
        status = feed_folder_put(&p.folder, &after, &changed, &err);
        memory_fail_after(-1);
        assert_true(status == RP_OK || (status == RP_NO_MEMORY && !changed));
        if (status != RP_OK) {
            assert_put(&p, &before, false);
        }
    }
    assert_put(&p, &after, false);
    feed_files_fini(&before);
    feed_files_fini(&after);
    place_fini(&p);
}

static bool has_swap(void)
{
    char text[4096] = "";
    const int fd = open("/proc/swaps", O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        assert_true(read(fd, text, sizeof text - 1) >= 0);
        (void)close(fd);
    }
    return feed_mounts_swap(text);
}

static void memory_without_swap_is_good_and_disk_is_not(void **state)
{
    struct statfs stat;
    struct place p;
    struct rp_error err = {""};

    (void)state;
    place_init(&p);
    assert_int_equal(fstatfs(p.fd, &stat), 0);
    if (stat.f_type == 0x01021994 && !has_swap()) {
        assert_int_equal(feed_folder_check(&p.folder, &err), RP_OK);
    }
    p.folder.path = "/proc";
    assert_int_equal(feed_folder_check(&p.folder, &err), RP_INVALID);
    assert_non_null(strstr(err.text, "keys_may_reach_disk"));
    /* One that is yet to be made. */
    p.folder.path = "/proc/there/is/none";
    assert_int_equal(feed_folder_check(&p.folder, &err), RP_INVALID);
    p.folder.may_reach_disk = true;
    assert_int_equal(feed_folder_check(&p.folder, &err), RP_OK);
    p.folder.path = "/dev/null/x";
    assert_int_equal(feed_folder_check(&p.folder, &err), RP_SYSTEM);
    place_fini(&p);
}

static void where_anybody_may_write_no_keys_go(void **state)
{
    struct rp_error err = {""};
    struct place p;

    (void)state;
    place_init(&p);
    p.folder.may_reach_disk = true;
    assert_int_equal(fchmod(p.fd, 0770), 0);
    assert_int_equal(feed_folder_check(&p.folder, &err), RP_OK);
    assert_int_equal(fchmod(p.fd, 01777), 0);
    assert_int_equal(feed_folder_check(&p.folder, &err), RP_INVALID);
    assert_non_null(strstr(err.text, "anybody"));
    place_fini(&p);
}

static void memory_may_be_short_for_a_check(void **state)
{
    enum rp_status status = RP_NO_MEMORY;
    struct place p;

    (void)state;
    place_init(&p);
    for (long n = 0; status == RP_NO_MEMORY; n++) {
        memory_fail_after(n);
        status = feed_folder_check(&p.folder, NULL);
        memory_fail_after(-1);
    }
    assert_true(status == RP_OK || status == RP_INVALID);
    place_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_put_and_left_when_they_are_right),
        cmocka_unit_test(what_is_no_longer_wanted_is_gone_and_others_files_stay),
        cmocka_unit_test(a_single_file_s_feed_leaves_all_others_alone),
        cmocka_unit_test(what_a_crash_left_beside_is_removed),
        cmocka_unit_test(the_old_file_s_bytes_are_overwritten),
        cmocka_unit_test(what_is_removed_is_overwritten),
        cmocka_unit_test(clearing_takes_all_that_is_ours),
        cmocka_unit_test(a_new_file_is_later_by_the_second),
        cmocka_unit_test(a_file_that_is_read_once_has_the_time_that_it_is),
        cmocka_unit_test(a_file_of_a_far_future_does_not_drag_others_there),
        cmocka_unit_test(a_link_in_the_way_is_replaced_not_followed),
        cmocka_unit_test(what_is_alike_is_left),
        cmocka_unit_test(a_folder_that_is_none_is_named),
        cmocka_unit_test(memory_may_be_short),
        cmocka_unit_test(memory_without_swap_is_good_and_disk_is_not),
        cmocka_unit_test(where_anybody_may_write_no_keys_go),
        cmocka_unit_test(memory_may_be_short_for_a_check),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
