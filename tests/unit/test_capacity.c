#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capacity.h"

static char backend[] = "127.0.0.1:1";

static void descriptors_set_the_default(void **state)
{
    struct config_listen listen = {.backend = backend};
    struct config config = {.workers = 4, .listen = &listen, .n_listen = 1};
    struct capacity capacity;

    (void)state;
    capacity_of(&config, 1068, &capacity);
    assert_int_equal(capacity.connections_here, 500);
    assert_int_equal(capacity.connections, 2000);
    assert_false(capacity.is_short);
    assert_int_equal(capacity_wanted(&config), 0);
    listen.backend = NULL; /* the built-in page takes one more */
    capacity_of(&config, 1068, &capacity);
    assert_int_equal(capacity.connections_here, 333);
}

static void what_is_configured_holds(void **state)
{
    struct config_listen listen = {.backend = backend};
    struct config config = {
        .workers = 4, .listen = &listen, .n_listen = 1, .max_connections = 2000};
    struct capacity capacity;

    (void)state;
    capacity_of(&config, 1068, &capacity);
    assert_int_equal(capacity.connections, 2000);
    assert_int_equal(capacity.connections_here, 500);
    assert_false(capacity.is_short);
    assert_int_equal(capacity_wanted(&config), 4068);
    config.max_connections = 2001;
    capacity_of(&config, 1068, &capacity);
    assert_int_equal(capacity.connections, 2001);
    assert_true(capacity.is_short);
}

static void extremes_are_bounded(void **state)
{
    struct config_listen listen = {.backend = backend};
    struct config config = {.workers = CONFIG_WORKERS_MAX, .listen = &listen, .n_listen = 1};
    struct capacity capacity;

    (void)state;
    capacity_of(&config, 0, &capacity);
    assert_int_equal(capacity.connections_here, 1);
    capacity_of(&config, UINT64_MAX, &capacity);
    assert_int_equal(capacity.connections_here, CONFIG_CONNECTIONS_MAX);
    assert_int_equal(capacity.connections, CONFIG_CONNECTIONS_MAX);
}

/* In a child, which may give away what it has. */
static void the_limit_is_raised(void **state)
{
    struct config_listen listen = {.backend = backend};
    const struct config config = {.workers = 1, .listen = &listen, .n_listen = 1};
    const pid_t pid = fork();
    int status;

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit limit;
        bool good = getrlimit(RLIMIT_NOFILE, &limit) == 0;

        limit.rlim_cur = 100;
        good = good && setrlimit(RLIMIT_NOFILE, &limit) == 0 && capacity_descriptors() == 100;
        capacity_raise(&config);
        _exit(good && capacity_descriptors() == limit.rlim_max ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors_set_the_default),
        cmocka_unit_test(what_is_configured_holds),
        cmocka_unit_test(extremes_are_bounded),
        cmocka_unit_test(the_limit_is_raised),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
