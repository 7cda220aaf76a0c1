#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "address.h"
#include "backend.h"
#include "text.h"

/* A listening unix socket whose queue has room for one. */
struct queue {
    char folder[32];
    char path[64];
    struct address address;
    int fd;
};

static void open_queue(struct queue *q)
{
    struct text folder = text_of(q->folder, sizeof q->folder);
    struct text path = text_of(q->path, sizeof q->path);

    text_add(&folder, "/tmp/test-backend-XXXXXX");
    assert_non_null(mkdtemp(q->folder));
    text_addf(&path, "unix:%s/s", q->folder);
    assert_true(address_parse_backend(q->path, &q->address));
    q->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(q->fd, (const struct sockaddr *)&q->address.storage, q->address.len), 0);
    assert_int_equal(listen(q->fd, 0), 0);
}

static void close_queue(struct queue *q)
{
    (void)close(q->fd);
    (void)unlink(q->path + 5);
    (void)rmdir(q->folder);
}

static void a_full_queue_is_busy(void **state)
{
    struct stream first;
    struct stream second;
    struct queue q;

    (void)state;
    open_queue(&q);
    assert_int_equal(backend_connect(&q.address, &first), BACKEND_BEGUN);
    assert_false(first.connecting);
    assert_int_equal(backend_connect(&q.address, &second), BACKEND_BUSY);
    assert_int_equal(errno, EAGAIN);
    (void)close(first.fd);
    close_queue(&q);
}

static void who_is_not_there_is_down(void **state)
{
    struct stream s;
    struct queue q;

    (void)state;
    open_queue(&q);
    close_queue(&q);
    assert_int_equal(backend_connect(&q.address, &s), BACKEND_DOWN);
    assert_int_equal(errno, ENOENT);
}

/* In a child, which may give away what it has. */
static void no_descriptor_is_busy(void **state)
{
    pid_t pid;
    int status;
    struct queue q;

    (void)state;
    open_queue(&q);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit limit;
        struct stream s;

        if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
            _exit(2);
        }
        limit.rlim_cur = 0;
        _exit(setrlimit(RLIMIT_NOFILE, &limit) == 0 &&
                      backend_connect(&q.address, &s) == BACKEND_BUSY && errno == EMFILE
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close_queue(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_queue_is_busy),
        cmocka_unit_test(who_is_not_there_is_down),
        cmocka_unit_test(no_descriptor_is_busy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
