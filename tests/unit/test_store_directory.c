#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "store_kit.h"
#include "text.h"

#define LIFE 60000

/* A folder of its own for each test, and two hosts that meet in it. */
struct place {
    char path[STORE_KIT_PATH_SIZE];
    char url[80];
    struct store_kit a;
    struct store_kit b;
    struct store_kit_answer answer;
};

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    struct text url;

    store_kit_folder(p->path);
    url = text_of(p->url, sizeof p->url);
    text_addf(&url, "dir:%s", p->path);
    store_kit_begin(&p->a, p->url);
    store_kit_begin(&p->b, p->url);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;

    store_kit_finish(&p->a);
    store_kit_finish(&p->b);
    store_kit_remove(p->path);
    free(p);
    return 0;
}

static const char *path_of(const struct place *p, const char *below, char out[static 256])
{
    struct text t = text_of(out, 256);

    text_addf(&t, "%s/%s", p->path, below);
    return out;
}

/* A file in the box of the kit. */
static const char *file_of(const struct place *p, const char *file, char out[static 256])
{
    char below[128];
    struct text t = text_of(below, sizeof below);

    text_addf(&t, "%s/%s", STORE_KIT_BOX, file);
    return path_of(p, below, out);
}

static void one_host_reads_what_another_has_put(void **state)
{
    struct place *p = *state;

    store_kit_list(&p->b, 10, &p->answer);
    assert_int_equal(p->answer.status, STORE_OK);
    assert_int_equal(p->answer.n_entries, 0);
    assert_int_equal(store_kit_put(&p->a, "x", "one", LIFE), STORE_OK);
    assert_int_equal(store_kit_put(&p->a, "y", "two", LIFE), STORE_OK);
    assert_int_equal(store_kit_put(&p->b, "x", "three", LIFE), STORE_OK);
    store_kit_get(&p->b, "y", &p->answer);
    assert_int_equal(p->answer.status, STORE_OK);
    assert_string_equal(p->answer.text, "y=two ");
    store_kit_list(&p->a, 10, &p->answer);
    assert_string_equal(p->answer.text, "x=three y=two ");
    assert_int_equal(p->answer.total, 2);
    assert_int_equal(store_kit_delete(&p->a, "y"), STORE_OK);
    assert_int_equal(store_kit_delete(&p->a, "y"), STORE_OK);
    store_kit_get(&p->b, "y", &p->answer);
    assert_int_equal(p->answer.status, STORE_ABSENT);
    assert_true(p->a.up);
    assert_int_equal(p->a.n_states, 1);
}

static void an_entry_goes_when_its_lifetime_is_over(void **state)
{
    struct place *p = *state;
    char path[256];

    assert_int_equal(store_kit_put(&p->a, "x", "", 100), STORE_OK);
    p->b.now_ms += 99;
    store_kit_get(&p->b, "x", &p->answer);
    assert_string_equal(p->answer.text, "x= ");
    p->b.now_ms += 1;
    store_kit_get(&p->b, "x", &p->answer);
    assert_int_equal(p->answer.status, STORE_ABSENT);
    assert_int_equal(access(file_of(p, "+x", path), F_OK), 0);
    store_kit_list(&p->b, 10, &p->answer);
    assert_int_equal(p->answer.n_entries, 0);
    assert_int_equal(p->answer.total, 0);
    assert_int_equal(access(path, F_OK), -1);
}

static void an_entry_of_an_earlier_boot_is_over(void **state)
{
    struct place *p = *state;
    char path[256];
    int fd;

    assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_OK);
    fd = open(file_of(p, "+x", path), O_WRONLY);
    assert_int_equal(pwrite(fd, "another boot", 12, 8), 12);
    (void)close(fd);
    store_kit_get(&p->b, "x", &p->answer);
    assert_int_equal(p->answer.status, STORE_ABSENT);
    assert_int_equal(store_kit_claim(&p->b, "x", "2", LIFE), STORE_OK);
}

static void one_of_all_gets_a_claim(void **state)
{
    struct place *p = *state;

    assert_int_equal(store_kit_claim(&p->a, "found", "a", 1000), STORE_OK);
    assert_int_equal(store_kit_claim(&p->b, "found", "b", 1000), STORE_TAKEN);
    assert_int_equal(store_kit_claim(&p->a, "found", "a", 1000), STORE_TAKEN);
    p->a.now_ms = p->b.now_ms += 1000;
    assert_int_equal(store_kit_claim(&p->b, "found", "b", 1000), STORE_OK);
    assert_int_equal(store_kit_claim(&p->a, "found", "a", 1000), STORE_TAKEN);
    store_kit_get(&p->a, "found", &p->answer);
    assert_string_equal(p->answer.text, "found=b ");
}

#define RACERS 4
#define PRIZES 100

/* How many of the names a process gets, against others; each has an entry that is over. */
static unsigned race(const char *url)
{
    struct store_kit kit;
    unsigned won = 0;

    store_kit_begin(&kit, url);
    kit.now_ms += 1000;
    kit.step_ms = 1;
    for (unsigned i = 0; i < PRIZES; i++) {
        char name[16];
        struct text t = text_of(name, sizeof name);

        text_addf(&t, "seed-%u", i);
        won += store_kit_claim(&kit, name, "me", LIFE) == STORE_OK;
    }
    store_kit_finish(&kit);
    return won;
}

static void processes_that_race_get_a_claim_once(void **state)
{
    struct place *p = *state;
    unsigned won = 0;
    pid_t racers[RACERS];

    for (unsigned i = 0; i < PRIZES; i++) {
        char name[16];
        struct text t = text_of(name, sizeof name);

        text_addf(&t, "seed-%u", i);
        assert_int_equal(store_kit_put(&p->a, name, "old", 1), STORE_OK);
    }
    for (unsigned i = 0; i < RACERS; i++) {
        racers[i] = fork();
        assert_true(racers[i] >= 0);
        if (racers[i] == 0) {
            _exit((int)race(p->url));
        }
    }
    for (unsigned i = 0; i < RACERS; i++) {
        int status;

        assert_int_equal(waitpid(racers[i], &status, 0), racers[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= PRIZES);
        won += (unsigned)WEXITSTATUS(status);
    }
    assert_int_equal(won, PRIZES);
}

static void a_watched_box_tells_of_old_and_new(void **state)
{
    struct place *p = *state;

    assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_OK);
    store_watch(p->b.store, STORE_KIT_BOX);
    store_kit_until(&p->b, &p->b.n_arrived, 1);
    assert_int_equal(store_kit_put(&p->a, "y", "2", LIFE), STORE_OK);
    store_kit_until(&p->b, &p->b.n_arrived, 2);
    assert_int_equal(store_kit_claim(&p->a, "z", "3", LIFE), STORE_OK);
    store_kit_until(&p->b, &p->b.n_arrived, 3);
    assert_string_equal(p->b.arrived, "x=1 y=2 z=3 ");
}

static void a_watch_outlives_its_folder(void **state)
{
    struct place *p = *state;

    store_watch(p->b.store, STORE_KIT_BOX);
    store_kit_turn(&p->b, 0);
    store_kit_remove(p->path);
    for (unsigned i = 0; i < 5; i++) {
        store_kit_turn(&p->b, 0);
    }
    assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_OK);
    store_kit_until(&p->b, &p->b.n_arrived, 1);
    store_kit_remove(p->path);
    assert_int_equal(store_kit_put(&p->a, "y", "2", LIFE), STORE_OK);
    p->b.now_ms += 2000;
    store_kit_until(&p->b, &p->b.n_arrived, 2);
    assert_int_equal(store_kit_put(&p->a, "z", "3", LIFE), STORE_OK);
    store_kit_until(&p->b, &p->b.n_arrived, 3);
}

static void put_strange_files(const struct place *p)
{
    char path[256];
    char target[256];
    int fd;

    assert_int_equal(mkfifo(file_of(p, "+pipe", path), 0600), 0);
    assert_int_equal(mkdir(file_of(p, "+folder", path), 0700), 0);
    assert_int_equal(symlink(file_of(p, "+good", target), file_of(p, "+link", path)), 0);
    assert_int_equal(symlink("/dev/zero", file_of(p, "+zero", path)), 0);
    fd = open(file_of(p, "+garbage", path), O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "this is no entry of ours, is it?", 32), 32);
    (void)close(fd);
    fd = open(file_of(p, "+short", path), O_WRONLY | O_CREAT, 0600);
    (void)close(fd);
    fd = open(file_of(p, "+long", path), O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "rp-entry", 8), 8);
    assert_int_equal(ftruncate(fd, 1 << 30), 0);
    (void)close(fd);
    fd = open(file_of(p, "+Bad Name", path), O_WRONLY | O_CREAT, 0600);
    (void)close(fd);
}

static void strange_files_are_no_entries(void **state)
{
    static const char *const names[] = {"pipe",    "folder", "link", "zero",
                                        "garbage", "short",  "long"};
    struct place *p = *state;

    assert_int_equal(store_kit_put(&p->a, "good", "1", LIFE), STORE_OK);
    put_strange_files(p);
    store_watch(p->b.store, STORE_KIT_BOX);
    store_kit_until(&p->b, &p->b.n_arrived, 1);
    store_kit_list(&p->b, 100, &p->answer);
    assert_string_equal(p->answer.text, "good=1 ");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        store_kit_get(&p->b, names[i], &p->answer);
        assert_int_equal(p->answer.status, STORE_ABSENT);
    }
    assert_int_equal(store_kit_put(&p->a, "pipe", "2", LIFE), STORE_OK);
    assert_int_equal(store_kit_claim(&p->a, "zero", "3", LIFE), STORE_OK);
    assert_int_equal(store_kit_put(&p->a, "folder", "4", LIFE), STORE_DOWN);
    store_kit_list(&p->b, 100, &p->answer);
    assert_string_equal(p->answer.text, "good=1 pipe=2 zero=3 ");
}

static void names_lead_nowhere_else(void **state)
{
    static const char *const boxes[] = {"",   "/", "../a", "a/../b", "a//b", "/a",
                                        "a/", "A", "a b",  ".a",     "a/.b"};
    static const char *const names[] = {"", ".", "..", "a/b", ".x", "X", "a\nb", "+a"};
    struct place *p = *state;

    for (size_t i = 0; i < sizeof boxes / sizeof boxes[0]; i++) {
        store_put(p->a.store, boxes[i], "x", NULL, 0, LIFE, store_kit_done, &p->answer);
        store_kit_until(&p->a, &p->answer.n, (unsigned)i + 1);
        assert_int_equal(p->answer.status, STORE_BUSY);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(store_kit_put(&p->a, names[i], "", LIFE), STORE_BUSY);
    }
}

static void expect_down(struct place *p, const char *why)
{
    assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_DOWN);
    assert_false(p->a.up);
    assert_non_null(strstr(p->a.why, why));
    assert_non_null(strstr(p->a.why, p->path));
}

static void a_folder_that_will_not_do_is_not_used(void **state)
{
    struct place *p = *state;
    int fd;

    assert_int_equal(chmod(p->path, 0777), 0);
    expect_down(p, "anybody may write");
    store_kit_list(&p->a, 10, &p->answer);
    assert_int_equal(p->answer.status, STORE_DOWN);
    assert_int_equal(rmdir(p->path), 0);
    fd = open(p->path, O_WRONLY | O_CREAT, 0600);
    (void)close(fd);
    store_kit_finish(&p->a);
    store_kit_begin(&p->a, p->url);
    expect_down(p, "is not a folder");
    assert_int_equal(unlink(p->path), 0);
    p->a.now_ms += 1000;
    store_kit_turn(&p->a, 0);
    assert_true(p->a.up);
    assert_int_equal(p->a.n_states, 2);
    assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_OK);
}

static void a_large_box_is_sampled(void **state)
{
    struct place *p = *state;
    bool differs = false;
    char first[sizeof p->answer.text];

    for (unsigned i = 0; i < 300; i++) {
        char name[16];
        struct text t = text_of(name, sizeof name);

        text_addf(&t, "e%03u", i);
        assert_int_equal(store_kit_put(&p->a, name, "v", LIFE), STORE_OK);
    }
    store_kit_list(&p->a, 1000, &p->answer);
    assert_int_equal(p->answer.n_entries, STORE_LIST_MAX);
    assert_int_equal(p->answer.total, 300);
    store_kit_list(&p->a, 8, &p->answer);
    assert_int_equal(p->answer.n_entries, 8);
    memcpy(first, p->answer.text, sizeof first);
    for (unsigned i = 0; i < 5; i++) {
        store_kit_list(&p->a, 8, &p->answer);
        differs = differs || strcmp(first, p->answer.text) != 0;
    }
    assert_true(differs);
}

static void what_nobody_needs_is_swept(void **state)
{
    struct place *p = *state;
    char path[256];
    int fd;

    store_put(p->a.store, "reprise/1/shop/in-dead", "x", NULL, 0, 1000, store_kit_done, &p->answer);
    store_kit_until(&p->a, &p->answer.n, 1);
    store_put(p->a.store, "reprise/1/shop/in-left", "x", NULL, 0, LIFE * 2, store_kit_done,
              &p->answer);
    store_kit_until(&p->a, &p->answer.n, 2);
    fd = open(path_of(p, "reprise/1/shop/in-dead/.00000000-0000000000000000-1-1", path),
              O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    store_watch(p->a.store, "reprise/1/shop/in-a");
    store_watch(p->b.store, "reprise/1/shop/in-b");
    store_kit_turn(&p->a, 0);
    store_kit_turn(&p->b, 0);
    p->a.now_ms += 60000;
    store_kit_turn(&p->a, 0);
    assert_int_equal(access(path_of(p, "reprise/1/shop/in-dead", path), F_OK), -1);
    assert_int_equal(access(path_of(p, "reprise/1/shop/in-left/+x", path), F_OK), 0);
    assert_int_equal(access(path_of(p, "reprise/1/shop/in-a", path), F_OK), 0);
    assert_int_equal(access(path_of(p, "reprise/1/shop/in-b", path), F_OK), 0);
}

static void files_are_private(void **state)
{
    struct place *p = *state;
    struct stat stat_of;
    char path[256];

    assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_OK);
    assert_int_equal(stat(file_of(p, "+x", path), &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 07777, 0600);
    assert_int_equal(stat(path_of(p, STORE_KIT_BOX, path), &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 07777, 0700);
}

static void too_many_questions_are_refused(void **state)
{
    struct place *p = *state;
    struct store_kit_answer refused = {.n = 0};

    for (unsigned i = 0; i < STORE_QUESTIONS_MAX; i++) {
        store_get(p->a.store, STORE_KIT_BOX, "x", store_kit_got, &p->answer);
    }
    for (unsigned i = 0; i < STORE_QUESTIONS_MAX; i++) {
        store_get(p->a.store, STORE_KIT_BOX, "x", store_kit_got, &refused);
    }
    assert_int_equal(p->answer.n, 0);
    assert_int_equal(refused.n, 0);
    store_get(p->a.store, STORE_KIT_BOX, "x", store_kit_got, &refused);
    assert_int_equal(refused.n, 1);
    store_kit_turn(&p->a, 0);
    assert_int_equal(p->answer.n, STORE_QUESTIONS_MAX);
    assert_int_equal(p->answer.status, STORE_ABSENT);
    assert_int_equal(refused.n, STORE_QUESTIONS_MAX + 1);
    assert_int_equal(refused.status, STORE_BUSY);
}

static void a_store_without_memory_says_so(void **state)
{
    const struct place *p = *state;

    store_kit_without_memory(p->url);
}

static void a_question_without_memory_is_answered(void **state)
{
    struct place *p = *state;
    bool good = false;

    assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_OK);
    for (long n = 0; !good; n++) {
        memset(&p->answer, 0, sizeof p->answer);
        memory_fail_after(n);
        store_list(p->a.store, STORE_KIT_BOX, 10, store_kit_listed, &p->answer);
        store_kit_until(&p->a, &p->answer.n, 1);
        memory_fail_after(-1);
        assert_int_equal(p->answer.n, 1);
        good = p->answer.status == STORE_OK && p->answer.n_entries == 1;
        assert_true(good || p->answer.n_entries == 0);
    }
}

static void a_full_folder_says_so(void **state)
{
    struct place *p = *state;
    char *big = calloc(1, STORE_VALUE_MAX + 1);

    memset(big, 'x', STORE_VALUE_MAX);
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", p->path, "tmpfs", 0, "size=32k,mode=0700") != 0) {
        free(big);
        skip();
    }
    assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_OK);
    assert_int_equal(store_kit_put(&p->a, "y", big, LIFE), STORE_FULL);
    assert_non_null(strstr(p->a.why, "takes nothing: No space left on device"));
    assert_true(p->a.up);
    store_kit_list(&p->a, 10, &p->answer);
    assert_string_equal(p->answer.text, "x=1 ");
    assert_int_equal(store_kit_put(&p->a, "x", "2", LIFE), STORE_OK);
    assert_string_equal(p->a.why, "");
    (void)umount(p->path);
    free(big);
}

static void a_folder_that_does_not_work_says_so_once(void **state)
{
    struct place *p = *state;
    char path[256];
    int fd;

    assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_OK);
    assert_int_equal(p->a.n_states, 1);
    assert_int_equal(store_kit_delete(&p->a, "x"), STORE_OK);
    store_kit_remove(path_of(p, "reprise", path));
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_DOWN);
        assert_int_equal(p->a.n_states, 2);
        p->a.now_ms += 5000;
    }
    assert_true(p->a.up);
    assert_non_null(strstr(p->a.why, "does not work: Not a directory"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(store_kit_put(&p->a, "x", "1", LIFE), STORE_OK);
    assert_int_equal(p->a.n_states, 3);
    assert_string_equal(p->a.why, "");
}

static void urls_are_checked(void **state)
{
    struct rp_error err;

    (void)state;
    assert_true(store_check_url("dir:/run/x", &err));
    assert_false(store_check_url("dir:run/x", &err));
    assert_non_null(strstr(err.text, "absolute path"));
    assert_false(store_check_url("dir:/", &err));
    assert_false(store_check_url("", &err));
    assert_false(store_check_url("http://x", &err));
    assert_non_null(strstr(err.text, "redis://"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(one_host_reads_what_another_has_put),
        CASE(an_entry_goes_when_its_lifetime_is_over),
        CASE(an_entry_of_an_earlier_boot_is_over),
        CASE(one_of_all_gets_a_claim),
        CASE(processes_that_race_get_a_claim_once),
        CASE(a_watched_box_tells_of_old_and_new),
        CASE(a_watch_outlives_its_folder),
        CASE(strange_files_are_no_entries),
        CASE(names_lead_nowhere_else),
        CASE(a_folder_that_will_not_do_is_not_used),
        CASE(a_large_box_is_sampled),
        CASE(what_nobody_needs_is_swept),
        CASE(files_are_private),
        CASE(too_many_questions_are_refused),
        CASE(a_store_without_memory_says_so),
        CASE(a_question_without_memory_is_answered),
        CASE(a_full_folder_says_so),
        CASE(a_folder_that_does_not_work_says_so_once),
        cmocka_unit_test(urls_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
