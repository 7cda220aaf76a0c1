#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "secret.h"
#include "text.h"

#define SIZE 10000 /* no whole number of pages */

static enum rp_secret_kind kinds[] = {RP_SECRET_MEMFD_SECRET, RP_SECRET_RAMFS, RP_SECRET_LOCKED};

struct fixture {
    struct secret secret;
    uint8_t *map;
};

/* Secret memory of the kind that the case is for, or skips the case. */
static void open_kind(void **state, struct fixture *f)
{
    const enum rp_secret_kind kind = *(const enum rp_secret_kind *)*state;
    struct rp_error err;

    if (secret_init(&f->secret, SIZE, kind, &err) != RP_OK) {
        print_message("skipped: %s is not to be had here: %s\n", rp_secret_kind_text(kind),
                      err.text);
        skip();
    }
    assert_int_equal(f->secret.kind, kind);
    assert_string_equal(err.text, "");
    f->map = secret_map(&f->secret, true, true);
    assert_non_null(f->map);
}

static void close_kind(struct fixture *f)
{
    secret_unmap(&f->secret, f->map);
    secret_fini(&f->secret);
    assert_int_equal(f->secret.fd, -1);
}

/* Runs body in a child; how it ended, as of waitpid. */
static int in_child(void (*body)(void *), void *arg)
{
    const struct rlimit no_core = {0, 0};
    int status = -1;
    const pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        /* A sanitizer's handler would turn the signal into an exit. */
        (void)signal(SIGSEGV, SIG_DFL);
        (void)setrlimit(RLIMIT_CORE, &no_core);
        body(arg);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void check(bool ok)
{
    if (!ok) {
        _exit(1);
    }
}

static void starts_as_zeroes(void **state)
{
    struct fixture f;

    open_kind(state, &f);
    for (size_t i = 0; i < SIZE; i++) {
        assert_int_equal(f.map[i], 0);
    }
    close_kind(&f);
}

static void keeps_its_content_while_unmapped(void **state)
{
    struct fixture f;

    open_kind(state, &f);
    f.map[SIZE - 1] = 0x5a;
    secret_unmap(&f.secret, f.map);
    f.map = secret_map(&f.secret, false, false);
    assert_non_null(f.map);
    assert_int_equal(f.map[SIZE - 1], 0x5a);
    close_kind(&f);
}

static void a_mapping_outlives_the_descriptor(void **state)
{
    struct fixture f;

    open_kind(state, &f);
    secret_fini(&f.secret);
    f.map[0] = 0x5a;
    assert_int_equal(f.map[0], 0x5a);
    assert_null(secret_map(&f.secret, true, true));
    close_kind(&f);
}

static void answer_in_both_mappings(void *arg)
{
    struct fixture *f = arg;
    uint8_t *own = secret_map(&f->secret, true, true);

    check(f->map[0] == 1);
    check(own != NULL && own[0] == 1);
    f->map[1] = 2;
    own[2] = 3;
}

static void is_shared_with_a_child(void **state)
{
    struct fixture f;

    open_kind(state, &f);
    f.map[0] = 1;
    assert_int_equal(in_child(answer_in_both_mappings, &f), 0);
    assert_int_equal(f.map[1], 2);
    assert_int_equal(f.map[2], 3);
    close_kind(&f);
}

static void read_first(void *arg)
{
    volatile uint8_t *p = arg;

    (void)*p;
}

static void write_first(void *arg)
{
    volatile uint8_t *p = arg;

    *p = 1;
}

static void is_not_inherited_when_asked_so(void **state)
{
    struct fixture f;
    uint8_t *private;
    int status;

    open_kind(state, &f);
    private = secret_map(&f.secret, true, false);
    assert_non_null(private);
    status = in_child(read_first, private);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    assert_int_equal(in_child(read_first, f.map), 0); /* where the other is */
    secret_unmap(&f.secret, private);
    close_kind(&f);
}

static void a_reader_cannot_write(void **state)
{
    struct fixture f;
    uint8_t *reader;
    int status;

    open_kind(state, &f);
    reader = secret_map(&f.secret, false, true);
    assert_non_null(reader);
    status = in_child(write_first, reader);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    assert_int_equal(f.map[0], 0);
    secret_unmap(&f.secret, reader);
    close_kind(&f);
}

static void its_size_is_fixed(void **state)
{
    struct fixture f;

    open_kind(state, &f);
    if (f.secret.kind == RP_SECRET_RAMFS) {
        close_kind(&f);
        print_message("skipped: ramfs knows no seals\n");
        skip();
    }
    assert_int_equal(ftruncate(f.secret.fd, 0), -1);
    assert_int_equal(ftruncate(f.secret.fd, 10 * SIZE), -1);
    close_kind(&f);
}

static void does_not_survive_exec(void **state)
{
    struct fixture f;

    open_kind(state, &f);
    assert_true((fcntl(f.secret.fd, F_GETFD) & FD_CLOEXEC) != 0);
    close_kind(&f);
}

static void a_file_of_it_has_no_name(void **state)
{
    struct fixture f;
    char name[64];
    char target[256];
    struct text t = text_of(name, sizeof name);
    ssize_t n;

    open_kind(state, &f);
    text_addf(&t, "/proc/self/fd/%d", f.secret.fd);
    n = readlink(name, target, sizeof target - 1);
    assert_true(n > 0);
    target[n] = '\0';
    assert_int_not_equal(access(target, F_OK), 0);
    close_kind(&f);
}

/* The kernel's two-letter flags of the mapping that starts at p (proc(5), VmFlags). */
static bool read_flags(const void *p, char *flags, size_t size)
{
    FILE *smaps = fopen("/proc/self/smaps", "r");
    char line[512];
    bool here = false;
    bool found = false;

    assert_non_null(smaps);
    while (!found && fgets(line, sizeof line, smaps) != NULL) {
        char *end;
        const unsigned long long start = strtoull(line, &end, 16);

        if (end != line && *end == '-') {
            here = (uintptr_t)start == (uintptr_t)p;
        } else if (here && strncmp(line, "VmFlags:", 8) == 0) {
            struct text t = text_of(flags, size);

            text_add(&t, line);
            found = true;
        }
    }
    (void)fclose(smaps);
    return found;
}

/* Sanitizers make mlock do nothing and succeed. */
static bool locks_work(void)
{
    char flags[512] = "";
    void *p = mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(p, MAP_FAILED);
    assert_int_equal(mlock(p, 1), 0);
    assert_true(read_flags(p, flags, sizeof flags));
    (void)munmap(p, 1);
    return strstr(flags, " lo") != NULL;
}

static void is_locked_and_left_out_of_dumps(void **state)
{
    const bool shows = locks_work();
    struct fixture f;
    uint8_t *private;
    char flags[512];

    open_kind(state, &f);
    assert_true(read_flags(f.map, flags, sizeof flags));
    if (shows) {
        assert_non_null(strstr(flags, " lo"));
    } else {
        print_message("skipped in part: locking memory does nothing here\n");
    }
    assert_non_null(strstr(flags, " dd"));
    assert_null(strstr(flags, " dc"));
    private = secret_map(&f.secret, true, false);
    assert_non_null(private);
    assert_true(read_flags(private, flags, sizeof flags));
    assert_non_null(strstr(flags, " dc"));
    secret_unmap(&f.secret, private);
    close_kind(&f);
}

/* From now on, the process's n system calls of these numbers fail as on a kernel without them. */
static bool withhold(const unsigned *calls, size_t n)
{
    struct sock_filter code[8];
    struct sock_fprog program = {.filter = code};
    size_t at = 0;

    code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                              (unsigned)offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < n; i++) {
        code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
        code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
    }
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    program.len = (unsigned short)at;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

struct withheld {
    unsigned calls[2];
    size_t n;
    enum rp_secret_kind expected;
};

static void take_the_best(void *arg)
{
    const struct withheld *w = arg;
    struct secret s;

    check(withhold(w->calls, w->n));
    check(secret_init(&s, SIZE, RP_SECRET_ANY, NULL) == RP_OK);
    check(s.kind == w->expected);
}

static bool offered(enum rp_secret_kind kind)
{
    struct secret s;
    const bool ok = secret_init(&s, SIZE, kind, NULL) == RP_OK;

    secret_fini(&s);
    return ok;
}

static void the_best_kind_is_taken_first(void **state)
{
    struct withheld cases[] = {
        {{SYS_memfd_secret}, 0, RP_SECRET_MEMFD_SECRET},
        {{SYS_memfd_secret}, 1, RP_SECRET_RAMFS},
        {{SYS_memfd_secret, SYS_fsopen}, 2, RP_SECRET_LOCKED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (offered(cases[i].expected)) {
            assert_int_equal(in_child(take_the_best, &cases[i]), 0);
        } else {
            print_message("skipped: %s is not to be had here\n",
                          rp_secret_kind_text(cases[i].expected));
        }
    }
}

static void be_told_why(void *arg)
{
    static const unsigned calls[] = {SYS_memfd_secret, SYS_fsopen};
    const struct rlimit nothing = {0, 0};
    struct rp_error err;
    struct secret s;

    (void)arg;
    check(withhold(calls, 2));
    check(setrlimit(RLIMIT_MEMLOCK, &nothing) == 0);
    check(geteuid() != 0 || setresuid(65534, 65534, 65534) == 0);
    check(secret_init(&s, SIZE, RP_SECRET_ANY, &err) == RP_SYSTEM);
    check(s.fd == -1);
    check(strstr(err.text, "of 10000 bytes: memfd_secret: Function not implemented; ramfs: "
                           "Function not implemented; locked memfd: ") != NULL);
    check(secret_init(&s, SIZE, RP_SECRET_LOCKED, &err) == RP_SYSTEM);
    check(strstr(err.text, "bytes: locked memfd: ") != NULL);
    check(strstr(err.text, "ramfs") == NULL);
    check(secret_init(&s, SIZE, RP_SECRET_ANY, NULL) == RP_SYSTEM);
}

static void an_error_names_every_kind_that_was_tried(void **state)
{
    (void)state;
    if (!locks_work()) {
        print_message("skipped: locking memory does nothing here\n");
        skip();
    }
    assert_int_equal(in_child(be_told_why, NULL), 0);
}

static void nothing_is_refused(void **state)
{
    struct rp_error err;
    struct secret s;

    (void)state;
    assert_int_equal(secret_init(&s, 0, RP_SECRET_ANY, &err), RP_INVALID);
    assert_non_null(strstr(err.text, "at least 1"));
    assert_int_equal(s.fd, -1);
    assert_int_equal(secret_init(&s, SIZE, 0, &err), RP_INVALID);
    assert_non_null(strstr(err.text, "no known kind"));
    assert_int_equal(secret_init(&s, SIZE, 8, &err), RP_INVALID);
}

static void more_than_there_is_is_refused_without_a_leak(void **state)
{
    struct secret s;
    const int before = dup(0);

    (void)state;
    assert_int_equal(secret_init(&s, SIZE_MAX / 2, RP_SECRET_ANY, NULL), RP_SYSTEM);
    assert_int_equal(close(before), 0);
    assert_int_equal(dup(0), before);
    assert_int_equal(close(before), 0);
}

static void zeroes_are_no_descriptor(void **state)
{
    struct secret s = {0};

    (void)state;
    secret_fini(&s);
    secret_unmap(&s, NULL);
    assert_true(fcntl(0, F_GETFD) >= 0);
}

static void every_kind_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(rp_secret_kind_text(RP_SECRET_MEMFD_SECRET), "memfd_secret");
    assert_string_equal(rp_secret_kind_text(RP_SECRET_RAMFS), "ramfs");
    assert_string_equal(rp_secret_kind_text(RP_SECRET_LOCKED), "locked memfd");
    assert_string_equal(rp_secret_kind_text((enum rp_secret_kind)8), "unknown");
}

#define EACH_KIND(f)                                                                               \
    {#f " (memfd_secret)", f, NULL, NULL, &kinds[0]}, {#f " (ramfs)", f, NULL, NULL, &kinds[1]},   \
    {                                                                                              \
#f " (locked memfd)", f, NULL, NULL, &kinds[2]                                             \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH_KIND(starts_as_zeroes),
        EACH_KIND(keeps_its_content_while_unmapped),
        EACH_KIND(a_mapping_outlives_the_descriptor),
        EACH_KIND(is_shared_with_a_child),
        EACH_KIND(is_not_inherited_when_asked_so),
        EACH_KIND(a_reader_cannot_write),
        EACH_KIND(its_size_is_fixed),
        EACH_KIND(does_not_survive_exec),
        EACH_KIND(a_file_of_it_has_no_name),
        EACH_KIND(is_locked_and_left_out_of_dumps),
        cmocka_unit_test(the_best_kind_is_taken_first),
        cmocka_unit_test(an_error_names_every_kind_that_was_tried),
        cmocka_unit_test(nothing_is_refused),
        cmocka_unit_test(more_than_there_is_is_refused_without_a_leak),
        cmocka_unit_test(zeroes_are_no_descriptor),
        cmocka_unit_test(every_kind_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
