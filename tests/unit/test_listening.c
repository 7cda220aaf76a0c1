#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
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

/* The descriptor of a listener's queue, -1 if there is none at this place. */
static int queue_of(const struct listening *listening, size_t listener, unsigned place)
{
    size_t n;
    const struct listening_queue *queues = listening_queues(listening, &n);

    for (size_t i = 0; i < n; i++) {
        if (queues[i].listener == listener && queues[i].place == place) {
            return queues[i].fd;
        }
    }
    return -1;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
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
    assert_int_equal(listening_open(&config, NULL, &listening, &err), RP_OK);
    for (size_t i = 0; i < 2; i++) {
        const struct address *address = listening_address(listening, i);

        assert_true(address_port(address) != 0);
        for (unsigned worker = 0; worker < 3; worker++) {
            struct address bound = {.len = sizeof bound.storage};
            int accepts = 0;
            socklen_t len = sizeof accepts;
            const int fd = queue_of(listening, i, worker);

            assert_int_equal(getsockname(fd, (struct sockaddr *)&bound.storage, &bound.len), 0);
            assert_true(address_equal(&bound, address));
            assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &len), 0);
            assert_int_equal(accepts, 1);
        }
    }
    assert_false(address_equal(listening_address(listening, 0), listening_address(listening, 1)));
    listening_free(&listening, NULL);
    listening_free(&listening, NULL);
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
    assert_int_equal(listening_open(&config, NULL, &first, &err), RP_OK);
    address_text(listening_address(first, 0), taken);
    listen.address = taken;
    assert_int_equal(listening_open(&config, NULL, &second, &err), RP_SYSTEM);
    assert_null(second);
    assert_true(snprintf(expected, sizeof expected,
                         "x.yaml:4:5: cannot listen on %s: Address already in use; another process "
                         "listens there, so stop it or take another port",
                         taken) > 0);
    assert_string_equal(err.text, expected);
    listening_free(&first, NULL);
    assert_int_equal(listening_open(&config, NULL, &second, &err), RP_OK);
    listening_free(&second, NULL);
}

static void an_address_that_is_not_ours_is_refused(void **state)
{
    char foreign[] = "192.0.2.1:0";
    struct config_listen listen = {.address = foreign, .places.address = {4, 5}};
    const struct config config = config_of(&listen, 1);
    struct listening *listening;
    struct rp_error err;

    (void)state;
    assert_int_equal(listening_open(&config, NULL, &listening, &err), RP_SYSTEM);
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
        status = listening_open(&config, NULL, &listening, &err);
        memory_fail_after(-1);
        assert_true((status == RP_OK) == (listening != NULL));
    }
    assert_int_equal(status, RP_OK);
    listening_free(&listening, NULL);
}

static void what_stays_is_taken_over(void **state)
{
    char any[] = "127.0.0.1:0";
    char other[] = "127.0.0.1:0";
    char v6[] = "[::1]:0";
    struct config_listen before[] = {{.address = any}, {.address = v6}};
    struct config_listen after[] = {{.address = v6}, {.address = other}, {.address = any}};
    struct config config = config_of(before, 2);
    struct listening *first;
    struct listening *second;
    struct rp_error err;
    int removed;

    (void)state;
    assert_int_equal(listening_open(&config, NULL, &first, &err), RP_OK);
    assert_false(listening_is_old(first, 0));
    config = config_of(after, 3);
    config.workers = 5;
    assert_int_equal(listening_open(&config, first, &second, &err), RP_OK);
    assert_int_equal(listening_count(second), 3);
    assert_true(listening_is_old(second, 0));
    assert_true(listening_is_old(second, 1)); /* the first that was asked for in these words */
    assert_false(listening_is_old(second, 2));
    for (unsigned place = 0; place < 5; place++) {
        const int fd = queue_of(second, 0, place);

        assert_true(is_open(fd));
        assert_int_equal(fd == queue_of(first, 1, place), place < 3);
        assert_int_equal(queue_of(second, 1, place) == queue_of(first, 0, place), place < 3);
    }
    listening_free(&first, second);
    assert_true(is_open(queue_of(second, 0, 0)));

    /* Fewer workers and one listener less: queues are kept, but for those of the one that goes. */
    removed = queue_of(second, 1, 0);
    config = config_of(before + 1, 1);
    config.workers = 1;
    assert_int_equal(listening_open(&config, second, &first, &err), RP_OK);
    for (unsigned place = 0; place < 5; place++) {
        assert_int_equal(queue_of(first, 0, place), queue_of(second, 0, place));
    }
    assert_int_equal(queue_of(first, 0, 5), -1);
    listening_free(&second, first);
    assert_false(is_open(removed));
    assert_true(is_open(queue_of(first, 0, 4)));
    listening_free(&first, NULL);
}

static void a_failure_leaves_the_earlier_set_alone(void **state)
{
    char any[] = "127.0.0.1:0";
    char foreign[] = "192.0.2.1:0";
    struct config_listen listen[] = {{.address = any}, {.address = foreign}};
    struct config config = config_of(listen, 1);
    struct listening *first;
    struct listening *second;
    struct rp_error err;

    (void)state;
    assert_int_equal(listening_open(&config, NULL, &first, &err), RP_OK);
    config = config_of(listen, 2);
    config.workers = 4;
    assert_int_equal(listening_open(&config, first, &second, &err), RP_SYSTEM);
    assert_null(second);
    for (unsigned place = 0; place < 3; place++) {
        assert_true(is_open(queue_of(first, 0, place)));
    }
    listening_free(&first, NULL);
}

/* From the loopback address to all of them, and back, at one port. */
static void our_own_do_not_stand_in_our_way(void **state)
{
    char any[] = "127.0.0.1:0";
    char wide[ADDRESS_TEXT_SIZE];
    char narrow[ADDRESS_TEXT_SIZE];
    struct config_listen listen = {.address = any};
    const struct config config = config_of(&listen, 1);
    struct listening *first;
    struct listening *second;
    struct listening *third;
    struct rp_error err;

    (void)state;
    assert_int_equal(listening_open(&config, NULL, &first, &err), RP_OK);
    address_text(listening_address(first, 0), narrow);
    assert_true(
        snprintf(wide, sizeof wide, "0.0.0.0:%u", address_port(listening_address(first, 0))) > 0);
    listen.address = wide;
    assert_int_equal(listening_open(&config, first, &second, &err), RP_OK);
    assert_false(listening_is_old(second, 0));
    listening_free(&first, second);
    listen.address = narrow;
    assert_int_equal(listening_open(&config, second, &third, &err), RP_OK);
    listening_free(&second, third);
    listening_free(&third, NULL);
}

static void what_others_opened_is_adopted(void **state)
{
    char v4[] = "127.0.0.1:0";
    char v6[] = "[::1]:0";
    struct config_listen listen[] = {{.address = v6}, {.address = v4}};
    const struct config config = config_of(listen, 2);
    struct listening *first;
    struct listening *adopted;
    struct listening *second;
    struct rp_error err;
    int fds[7];
    size_t n;

    (void)state;
    assert_int_equal(listening_open(&config, NULL, &first, &err), RP_OK);
    (void)listening_queues(first, &n);
    assert_int_equal(n, 6);
    for (size_t i = 0; i < n; i++) {
        fds[i] = listening_queues(first, &n)[n - 1 - i].fd;
    }
    fds[n] = -1;
    assert_int_equal(listening_adopt(fds, n + 1, &adopted), RP_SYSTEM);
    assert_null(adopted);
    assert_int_equal(listening_adopt(fds, n, &adopted), RP_OK);
    assert_int_equal(listening_count(adopted), 2);
    assert_int_equal(listening_open(&config, adopted, &second, &err), RP_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_true(listening_is_old(second, i));
        assert_true(address_equal(listening_address(second, i), listening_address(first, i)));
    }
    listening_free(&adopted, second);
    listening_free(&first, second);
    listening_free(&second, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_worker_has_a_queue_of_each_listener),
        cmocka_unit_test(what_stays_is_taken_over),
        cmocka_unit_test(a_failure_leaves_the_earlier_set_alone),
        cmocka_unit_test(our_own_do_not_stand_in_our_way),
        cmocka_unit_test(what_others_opened_is_adopted),
        cmocka_unit_test(a_port_that_is_taken_is_not_shared),
        cmocka_unit_test(an_address_that_is_not_ours_is_refused),
        cmocka_unit_test(survives_failing_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
