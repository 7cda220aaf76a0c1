/* What a feed's folder holds when things go wrong: no right, no room, a kill at any instant. */
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "feed_folder_kit.h"

#define NOBODY 65534

/* In a child, whose end is judged; for what needs other rights, or none. */
static void in_a_child(void (*run)(struct place *p), struct place *p)
{
    const pid_t child = fork();
    int status = -1;

    assert_true(child >= 0);
    if (child == 0) {
        run(p);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void check(bool good, int code)
{
    if (!good) {
        _exit(code);
    }
}

static void become_nobody(void)
{
    const gid_t groups[] = {NOBODY, 7777};

    check(setgroups(2, groups) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
              setresuid(NOBODY, NOBODY, NOBODY) == 0,
          10);
}

static void put_as_nobody(struct place *p)
{
    struct feed_files files = key_set(1, 3);
    struct stat stat;
    bool changed = false;

    become_nobody();
    p->folder.group = 7777;
    check(feed_folder_put(&p->folder, &files, &changed, NULL) == RP_OK && changed, 11);
    check(feed_folder_put(&p->folder, &files, &changed, NULL) == RP_OK && !changed, 12);
    check(fstatat(p->fd, LIST, &stat, 0) == 0 && stat.st_gid == 7777 &&
              (stat.st_mode & 07777) == 0640,
          13);
    p->folder.group = 7778;
    check(feed_folder_put(&p->folder, &files, &changed, NULL) == RP_SYSTEM && !changed, 14);
    p->folder.group = (gid_t)-1;
    check(feed_folder_put(&p->folder, &files, &changed, NULL) == RP_OK && changed, 15);
    feed_files_fini(&files);
}

/* For root alone to make: the folder is another user's. */
static void place_init_nobodys(struct place *p)
{
    if (geteuid() != 0) {
        skip();
    }
    place_init(p);
    assert_int_equal(fchown(p->fd, NOBODY, NOBODY), 0);
}

static void a_user_that_owns_the_folder_needs_no_other_right(void **state)
{
    struct place p;

    (void)state;
    place_init_nobodys(&p);
    in_a_child(put_as_nobody, &p);
    place_fini(&p);
}

static void fail_as_nobody(struct place *p)
{
    struct feed_files files = key_set(1, 3);
    struct rp_error err = {""};
    bool changed = true;

    become_nobody();
    check(feed_folder_put(&p->folder, &files, &changed, &err) == RP_SYSTEM && !changed, 11);
    check(strstr(err.text, ".key cannot be written: this process's user may not do that") != NULL,
          12);
    feed_files_fini(&files);
}

static void a_user_that_may_not_write_there_is_told_so(void **state)
{
    struct place p;

    (void)state;
    place_init_nobodys(&p);
    assert_int_equal(fchmod(p.fd, 0555), 0);
    in_a_child(fail_as_nobody, &p);
    place_fini(&p);
}

/* Root could; but whoever has it now could read what is put there, or have led us there. */
static void a_folder_that_is_anothers_is_left_alone(void **state)
{
    struct feed_files files = key_set(1, 3);
    struct rp_error err = {""};
    bool changed = true;
    struct place p;

    (void)state;
    place_init_nobodys(&p);
    assert_int_equal(feed_folder_put(&p.folder, &files, &changed, &err), RP_SYSTEM);
    assert_false(changed);
    assert_non_null(strstr(err.text, "is not this process's user's any more"));
    assert_int_equal(feed_folder_clear(&p.folder, &err), RP_SYSTEM);
    assert_int_equal(count(&p), 0);
    feed_files_fini(&files);
    place_fini(&p);
}

/* A small file system of its own, seen by this process alone; the folder becomes its root. */
static void mount_small(struct place *p, unsigned long flags, const char *options)
{
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", p->path, "tmpfs", flags, options) != 0) {
        _exit(0); /* not in this sandbox */
    }
    p->fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check(p->fd >= 0, 20);
}

static bool is_whole(const struct place *p, const struct feed_files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        uint8_t found[4096];

        if (read_file(p, files->items[i].name, found, sizeof found) != files->items[i].n ||
            memcmp(found, files->items[i].bytes, files->items[i].n) != 0) {
            return false;
        }
    }
    return true;
}

/* With so many pages free. */
static enum rp_status put_with(struct place *p, int other, int n_free,
                               const struct feed_files *files, struct rp_error *err)
{
    struct stat stat;
    bool changed;
    enum rp_status status;

    check(fstat(other, &stat) == 0 && ftruncate(other, stat.st_size - n_free * 4096) == 0, 20);
    status = feed_folder_put(&p->folder, files, &changed, err);
    check(changed == (status == RP_OK), 21);
    return status;
}

static void fill_up(struct place *p)
{
    struct feed_files before = key_set(1, 3);
    struct feed_files after = key_set(2, 6);
    static const uint8_t page[4096];
    struct rp_error err = {""};
    bool changed = false;
    int n = 0;
    int fd;

    mount_small(p, 0, "size=64k,mode=700");
    check(feed_folder_put(&p->folder, &before, &changed, NULL) == RP_OK, 11);
    fd = openat(p->fd, "other", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, page, sizeof page) > 0) {
    }
    for (; put_with(p, fd, n == 0 ? 0 : 1, &after, &err) == RP_FULL; n++) {
        check(strstr(err.text, " cannot be written: its file system is full") != NULL, 13);
        check(is_whole(p, &before) && count(p) == before.n + 1, 14);
    }
    /* Four keys are new, and the list. */
    check(n == 5 && is_whole(p, &after) && count(p) == after.n + 1, 15);
    feed_files_fini(&before);
    feed_files_fini(&after);
}

static void a_full_file_system_leaves_the_old_set_whole(void **state)
{
    struct place p;

    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    place_init(&p);
    in_a_child(fill_up, &p);
    place_fini(&p);
}

static void put_read_only(struct place *p)
{
    struct feed_files files = key_set(1, 3);
    struct rp_error err = {""};
    bool changed = false;

    mount_small(p, MS_RDONLY, "");
    check(feed_folder_put(&p->folder, &files, &changed, &err) == RP_SYSTEM, 11);
    check(strstr(err.text, ".key cannot be written: its file system is read-only") != NULL, 12);
    feed_files_fini(&files);
}

static void a_read_only_file_system_is_named_so(void **state)
{
    struct place p;

    (void)state;
    if (geteuid() != 0) {
        skip();
    }
    place_init(&p);
    in_a_child(put_read_only, &p);
    place_fini(&p);
}

/* Whatever instant a process died at: every key file is whole, the list is the old one or the new
 * one, and what it names is there. */
static void assert_usable(const struct place *p, const struct feed_files *before,
                          const struct feed_files *after)
{
    const struct feed_file *const old_list = feed_files_find(before, LIST);
    const struct feed_file *const new_list = feed_files_find(after, LIST);
    uint8_t list[4096];
    const size_t n = read_file(p, LIST, list, sizeof list);
    const bool is_old = n == old_list->n && memcmp(list, old_list->bytes, n) == 0;

    assert_true(is_old || (n == new_list->n && memcmp(list, new_list->bytes, n) == 0));
    assert_true(is_whole(p, is_old ? before : after));
}

/* Stops at each entry into the kernel and each return; false: it ended by itself before that. */
static bool run_steps(pid_t child, unsigned n)
{
    int status;

    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            return false;
        }
        assert_true(WIFSTOPPED(status));
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return true;
}

static pid_t fork_traced(const struct place *p, const struct feed_files *files)
{
    const pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        bool changed;

        check(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0, 77);
        (void)raise(SIGSTOP);
        _exit(feed_folder_put(&p->folder, files, &changed, NULL) == RP_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) {
        assert_int_equal(WEXITSTATUS(status), 77);
        return -1;
    }
    return child;
}

static void a_kill_at_any_step_leaves_whole_files(void **state)
{
    struct feed_files before = key_set(1, 4);
    struct feed_files after = key_set(3, 4);
    bool killed = true;
    struct place p;
    unsigned n = 0;

    (void)state;
    place_init(&p);
    for (; killed; n++) {
        pid_t child;
        bool changed;

        assert_int_equal(feed_folder_put(&p.folder, &before, &changed, NULL), RP_OK);
        assert_int_equal(count(&p), before.n);
        child = fork_traced(&p, &after);
        if (child < 0) {
            break;
        }
        killed = run_steps(child, n);
        assert_usable(&p, &before, &after);
    }
    if (n != 0) {
        assert_true(n > 50);
        assert_put(&p, &after, false);
    }
    feed_files_fini(&before);
    feed_files_fini(&after);
    place_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_that_owns_the_folder_needs_no_other_right),
        cmocka_unit_test(a_user_that_may_not_write_there_is_told_so),
        cmocka_unit_test(a_folder_that_is_anothers_is_left_alone),
        cmocka_unit_test(a_full_file_system_leaves_the_old_set_whole),
        cmocka_unit_test(a_read_only_file_system_is_named_so),
        cmocka_unit_test(a_kill_at_any_step_leaves_whole_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
