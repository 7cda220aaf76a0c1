#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "key_watch.h"
#include "memory.h"

struct folder {
    char path[64];
    char *names[2];
    char first[80];
    char second[80];
    struct config_strings paths;
    struct key_watch *watch;
};

/* mtime is set, so that the test does not depend on how fine the clock of the file system is. */
static void put(const char *path, const char *text, long mtime)
{
    const struct timespec times[2] = {{mtime, 0}, {mtime, 0}};
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(futimens(fd, times), 0);
    (void)close(fd);
}

static int begin(void **state)
{
    static struct folder f;

    memset(&f, 0, sizeof f);
    assert_true(snprintf(f.path, sizeof f.path, "/tmp/test_key_watch_XXXXXX") > 0);
    assert_non_null(mkdtemp(f.path));
    assert_true(snprintf(f.first, sizeof f.first, "%s/a", f.path) > 0);
    assert_true(snprintf(f.second, sizeof f.second, "%s/b", f.path) > 0);
    f.names[0] = f.first;
    f.names[1] = f.second;
    f.paths = (struct config_strings){.items = f.names, .n = 2};
    put(f.first, "one", 1000);
    put(f.second, "two", 1000);
    assert_int_equal(key_watch_new(&f.paths, &f.watch), RP_OK);
    key_watch_mark(f.watch);
    *state = &f;
    return 0;
}

static int finish(void **state)
{
    struct folder *f = *state;

    key_watch_free(&f->watch);
    key_watch_free(&f->watch);
    (void)unlink(f->first);
    (void)unlink(f->second);
    return rmdir(f->path);
}

static void nothing_changed(void **state)
{
    const struct folder *f = *state;

    for (int i = 0; i < 3; i++) {
        assert_false(key_watch_changed(f->watch));
    }
}

static void a_change_counts_when_seen_twice(void **state)
{
    const struct folder *f = *state;

    assert_false(key_watch_changed(f->watch));
    put(f->second, "three", 1000);
    assert_false(key_watch_changed(f->watch));
    assert_true(key_watch_changed(f->watch));
    assert_true(key_watch_changed(f->watch)); /* until it is marked */
    key_watch_mark(f->watch);
    assert_false(key_watch_changed(f->watch));
}

static void a_file_that_is_being_written_is_left_alone(void **state)
{
    const struct folder *f = *state;

    for (int i = 0; i < 5; i++) {
        put(f->first, "xxxxxxxxxx" + i, 1000);
        assert_false(key_watch_changed(f->watch));
    }
    assert_true(key_watch_changed(f->watch));
}

static void the_time_alone_is_a_change(void **state)
{
    const struct folder *f = *state;

    put(f->first, "one", 1001);
    assert_false(key_watch_changed(f->watch));
    assert_true(key_watch_changed(f->watch));
}

static void a_replacement_by_rename_is_a_change(void **state)
{
    const struct folder *f = *state;
    char other[96];

    assert_true(snprintf(other, sizeof other, "%s/c", f->path) > 0);
    put(other, "one", 1000);
    assert_int_equal(rename(other, f->first), 0);
    assert_false(key_watch_changed(f->watch));
    assert_true(key_watch_changed(f->watch));
}

static void a_missing_file_is_a_change_once(void **state)
{
    const struct folder *f = *state;

    assert_int_equal(unlink(f->first), 0);
    assert_false(key_watch_changed(f->watch));
    assert_true(key_watch_changed(f->watch));
    key_watch_mark(f->watch);
    assert_false(key_watch_changed(f->watch));
    put(f->first, "one", 1000);
    assert_false(key_watch_changed(f->watch));
    assert_true(key_watch_changed(f->watch));
}

static void survives_failing_allocations(void **state)
{
    const struct folder *f = *state;
    enum rp_status status = RP_NO_MEMORY;
    struct key_watch *watch;

    for (long n = 0; status == RP_NO_MEMORY; n++) {
        memory_fail_after(n);
        status = key_watch_new(&f->paths, &watch);
        memory_fail_after(-1);
        assert_true((status == RP_OK) == (watch != NULL));
    }
    assert_int_equal(status, RP_OK);
    key_watch_free(&watch);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_changed),
        TEST(a_change_counts_when_seen_twice),
        TEST(a_file_that_is_being_written_is_left_alone),
        TEST(the_time_alone_is_a_change),
        TEST(a_replacement_by_rename_is_a_change),
        TEST(a_missing_file_is_a_change_once),
        TEST(survives_failing_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
