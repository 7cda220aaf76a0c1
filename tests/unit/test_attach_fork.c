/* Workers that were forked after rp_attach resume each other's sessions while the parent rotates.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "attach_kit.h"

#define N_WORKERS 3
#define SECOND INT64_C(1000)

struct worker {
    struct sockaddr_un address;
    socklen_t address_len;
    pid_t pid;
};

struct fleet {
    struct kit kit; /* shared memory, for its clock is read by the workers */
    SSL_CTX *server;
    struct worker workers[N_WORKERS];
};

static void work(struct fleet *f, int listener)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    rp_keyring_read_only(f->kit.keyring);
    for (;;) {
        const int fd = accept(listener, NULL, NULL);

        if (fd < 0 || !kit_serve(f->server, fd)) {
            _exit(1);
        }
    }
}

/* An abstract address of the kernel's choice. */
static void start(struct fleet *f, struct worker *w)
{
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_un any = {.sun_family = AF_UNIX};
    pid_t pid;

    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&any, sizeof any.sun_family), 0);
    assert_int_equal(listen(listener, 16), 0);
    w->address_len = sizeof w->address;
    assert_int_equal(getsockname(listener, (struct sockaddr *)&w->address, &w->address_len), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        work(f, listener);
    }
    w->pid = pid; /* the memory is shared: only the parent may write it */
    assert_int_equal(close(listener), 0);
}

static int setup(void **state)
{
    const struct rp_keyring_options ring = {.rotate_ms = 10 * SECOND, .accept_ms = 60 * SECOND};
    struct fleet *f =
        mmap(NULL, sizeof *f, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct rp_attach_options options;

    assert_ptr_not_equal(f, MAP_FAILED);
    kit_init(&f->kit, &ring);
    options = kit_options(&f->kit);
    f->server = kit_server(&f->kit, &options);
    for (int i = 0; i < N_WORKERS; i++) {
        start(f, &f->workers[i]);
    }
    *state = f;
    return 0;
}

/* None has ended by itself: each had only connections that went well. */
static int teardown(void **state)
{
    struct fleet *f = *state;

    for (int i = 0; i < N_WORKERS; i++) {
        int status = 0;

        assert_true(f->workers[i].pid > 0);
        assert_int_equal(kill(f->workers[i].pid, SIGTERM), 0);
        assert_int_equal(waitpid(f->workers[i].pid, &status, 0), f->workers[i].pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    }
    SSL_CTX_free(f->server);
    kit_fini(&f->kit);
    assert_int_equal(munmap(f, sizeof *f), 0);
    return 0;
}

static void connect_to(struct fleet *f, int worker, enum rp_mechanism m, SSL_SESSION *session,
                       struct kit_outcome *out)
{
    const struct worker *w = &f->workers[worker];
    const struct kit_offer offer = {
        .version = m == RP_MECHANISM_PSK ? TLS1_3_VERSION : TLS1_2_VERSION,
        .name = KIT_NAME,
        .session = session,
        .prepare = m == RP_MECHANISM_SESSION_ID ? kit_no_tickets : NULL,
    };
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&w->address, w->address_len), 0);
    kit_connect_to(&f->kit, fd, &offer, out);
    assert_true(out->done);
}

static SSL_SESSION *full(struct fleet *f, int worker, enum rp_mechanism m)
{
    struct kit_outcome out;

    connect_to(f, worker, m, NULL, &out);
    assert_false(out.resumed);
    assert_non_null(out.session);
    return out.session;
}

static void expect(struct fleet *f, int worker, enum rp_mechanism m, SSL_SESSION *session,
                   bool resumes)
{
    struct kit_outcome out;

    connect_to(f, worker, m, session, &out);
    assert_int_equal(out.resumed, resumes);
    SSL_SESSION_free(out.session);
}

static void each_worker_resumes_each_others_sessions(void **state)
{
    struct fleet *f = *state;

    for (enum rp_mechanism m = RP_MECHANISM_SESSION_ID; m < RP_N_MECHANISMS; m++) {
        for (int from = 0; from < N_WORKERS; from++) {
            SSL_SESSION *session = full(f, from, m);

            for (int to = 0; to < N_WORKERS; to++) {
                expect(f, to, m, session, true);
                kit_wait(&f->kit, 2 * SECOND); /* every fifth is a rotation */
            }
            SSL_SESSION_free(session);
        }
    }
}

static void what_the_parent_has_rotated_out_is_gone_everywhere(void **state)
{
    struct fleet *f = *state;

    for (enum rp_mechanism m = RP_MECHANISM_SESSION_ID; m < RP_N_MECHANISMS; m++) {
        SSL_SESSION *session = full(f, 0, m);

        for (int i = 0; i < 5; i++) {
            kit_wait(&f->kit, 10 * SECOND);
            expect(f, i % N_WORKERS, m, session, true);
        }
        kit_wait(&f->kit, 20 * SECOND);
        for (int to = 0; to < N_WORKERS; to++) {
            expect(f, to, m, session, false);
        }
        SSL_SESSION_free(session);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_worker_resumes_each_others_sessions),
        cmocka_unit_test(what_the_parent_has_rotated_out_is_gone_everywhere),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
