#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "listening.h"
#include "memory.h"

static char file[] = "x.yaml";

static struct config config_of(struct config_listen *listen, size_t n)
{
    struct config config = {.file = file, .workers = 3, .listen = listen, .n_listen = n};

    return config;
}

static void each_worker_has_a_queue_of_each_listener(void **state)
{
    char v4[] = "127.0.0.1:0";
    char other[] = "127.0.0.1:0";
    struct config_listen listen[2] = {{.address = v4}, {.address = other}};
    const struct config config = config_of(listen, 2);
    struct listening *listening;
    struct rp_error err;

    (void)state;
    assert_int_equal(listening_open(&config, &listening, &err), RP_OK);
    for (size_t i = 0; i < 2; i++) {
        const struct address *address = listening_address(listening, i);

        assert_true(address_port(address) != 0);
        for (unsigned worker = 0; worker < 3; worker++) {
            struct address bound = {.len = sizeof bound.storage};
            int accepts = 0;
            socklen_t len = sizeof accepts;
            const int fd = listening_of(listening, worker)[i];

            assert_int_equal(getsockname(fd, (struct sockaddr *)&bound.storage, &bound.len), 0);
            assert_true(address_equal(&bound, address));
            assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &len), 0);
            assert_int_equal(accepts, 1);
        }
    }
    assert_false(address_equal(listening_address(listening, 0), listening_address(listening, 1)));
    listening_free(&listening);
    listening_free(&listening);
}

static void a_port_that_is_taken_is_not_shared(void **state)
{
    char any[] = "127.0.0.1:0";
    char taken[ADDRESS_TEXT_SIZE];
    char expected[256];
    struct config_listen listen = {.address = any, .places.address = {4, 5}};
    const struct config config = config_of(&listen, 1);
    struct listening *first;
    struct listening *second;
    struct rp_error err;

    (void)state;
    assert_int_equal(listening_open(&config, &first, &err), RP_OK);
    address_text(listening_address(first, 0), taken);
    listen.address = taken;
    assert_int_equal(listening_open(&config, &second, &err), RP_SYSTEM);
    assert_null(second);
    assert_true(snprintf(expected, sizeof expected,
                         "x.yaml:4:5: cannot listen on %s: Address already in use; another process "
                         "listens there, so stop it or take another port",
                         taken) > 0);
    assert_string_equal(err.text, expected);
    listening_free(&first);
    assert_int_equal(listening_open(&config, &second, &err), RP_OK);
    listening_free(&second);
}

static void an_address_that_is_not_ours_is_refused(void **state)
{
    char foreign[] = "192.0.2.1:0";
    struct config_listen listen = {.address = foreign, .places.address = {4, 5}};
    const struct config config = config_of(&listen, 1);
    struct listening *listening;
    struct rp_error err;

    (void)state;
    assert_int_equal(listening_open(&config, &listening, &err), RP_SYSTEM);
    assert_string_equal(err.text, "x.yaml:4:5: cannot listen on 192.0.2.1:0: Cannot assign "
                                  "requested address; this host has no such address");
}

static void survives_failing_allocations(void **state)
{
    char any[] = "127.0.0.1:0";
    struct config_listen listen = {.address = any};
    const struct config config = config_of(&listen, 1);
    enum rp_status status = RP_NO_MEMORY;
    struct listening *listening;
    struct rp_error err;

    (void)state;
    for (long n = 0; status == RP_NO_MEMORY; n++) {
        memory_fail_after(n);
        status = listening_open(&config, &listening, &err);
        memory_fail_after(-1);
        assert_true((status == RP_OK) == (listening != NULL));
    }
    assert_int_equal(status, RP_OK);
    listening_free(&listening);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_worker_has_a_queue_of_each_listener),
        cmocka_unit_test(a_port_that_is_taken_is_not_shared),
        cmocka_unit_test(an_address_that_is_not_ours_is_refused),
        cmocka_unit_test(survives_failing_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
