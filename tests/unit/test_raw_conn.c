/* The raw client on sockets: how a connection ends is told, and nothing waits past its deadline. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "memory.h"
#include "raw_conn.h"

#define SHORT_US 30000
#define LONG_US 5000000

static struct raw_config config_of(void)
{
    struct raw_config config;

    raw_config_init(&config, "localhost");
    return config;
}

/* A connection whose other end is *peer. */
static struct raw_conn *pair(const struct raw_config *config, int64_t for_us, int *peer)
{
    struct raw_conn *c;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(raw_conn_adopt(config, fds[0], raw_now_us() + for_us, &c), RP_OK);
    *peer = fds[1];
    return c;
}

static int listen_on(struct sockaddr_in *sa)
{
    socklen_t len = sizeof *sa;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *sa = (struct sockaddr_in){.sin_family = AF_INET};
    sa->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)sa, sizeof *sa), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)sa, &len), 0);
    return fd;
}

static void who_is_silent_runs_into_the_deadline(void **state)
{
    const struct raw_config config = config_of();
    const int64_t start_us = raw_now_us();
    int peer;
    struct raw_conn *c = pair(&config, SHORT_US, &peer);

    (void)state;
    assert_false(raw_conn_handshake(c));
    assert_true(raw_now_us() - start_us >= SHORT_US);
    assert_int_equal(raw_conn_result(c)->end, RAW_END_TIMEOUT);
    assert_int_equal(raw_conn_result(c)->phase, RAW_PHASE_HELLO);
    assert_string_equal(raw_conn_result(c)->why.text, "timeout, phase hello");
    assert_string_equal(raw_conn_result(c)->fingerprint, "timeout");
    assert_false(raw_conn_handshake(c));
    assert_false(raw_conn_read(c, RAW_UNTIL_SESSION, 0));
    assert_true(raw_conn_read(c, RAW_UNTIL_END, 0));
    raw_conn_close(&c);
    assert_null(c);
    raw_conn_close(&c);
    (void)close(peer);
}

static void quiet_is_no_end(void **state)
{
    const struct raw_config config = config_of();
    int peer;
    struct raw_conn *c = pair(&config, LONG_US, &peer);
    uint8_t byte;

    (void)state;
    assert_false(raw_conn_read(c, RAW_UNTIL_END, 20));
    assert_int_equal(raw_conn_result(c)->end, RAW_END_OPEN);
    assert_int_equal(read(peer, &byte, 1), 1); /* the hello went out meanwhile */
    assert_int_equal(byte, 22);
    raw_conn_deadline(c, raw_now_us());
    assert_false(raw_conn_handshake(c));
    assert_int_equal(raw_conn_result(c)->end, RAW_END_TIMEOUT);
    raw_conn_close(&c);
    (void)close(peer);
}

static void who_closes_is_told_apart_from_who_resets(void **state)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    const struct raw_config config = config_of();
    struct sockaddr_in sa;
    const int listening = listen_on(&sa);

    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        struct raw_conn *c;
        uint8_t hello[2048];
        int peer;

        assert_int_equal(raw_conn_open(&config, (const struct sockaddr *)&sa, sizeof sa,
                                       raw_now_us() + LONG_US, &c),
                         RP_OK);
        assert_true(raw_conn_flush(c));
        peer = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        assert_true(peer >= 0);
        assert_true(read(peer, hello, sizeof hello) > 0);
        if (reset) {
            (void)setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        }
        (void)close(peer);
        assert_false(raw_conn_handshake(c));
        assert_int_equal(raw_conn_result(c)->end, reset ? RAW_END_RESET : RAW_END_CLOSED);
        assert_false(raw_conn_result(c)->close_notify);
        raw_conn_close(&c);
    }
    (void)close(listening);
}

static void nobody_there_is_a_result(void **state)
{
    const struct raw_config config = config_of();
    struct sockaddr_in sa;
    struct raw_conn *c;

    (void)state;
    (void)close(listen_on(&sa));
    assert_int_equal(
        raw_conn_open(&config, (const struct sockaddr *)&sa, sizeof sa, raw_now_us() + LONG_US, &c),
        RP_OK);
    assert_int_equal(raw_conn_result(c)->end, RAW_END_UNREACHABLE);
    assert_string_equal(raw_conn_result(c)->why.text, "Connection refused");
    assert_false(raw_conn_flush(c));
    assert_false(raw_conn_handshake(c));
    assert_false(raw_conn_request(c, "x", 1, RAW_UNTIL_DATA, 0));
    raw_conn_abort(&c);
    assert_null(c);
}

static void an_alert_is_read_although_the_server_is_gone(void **state)
{
    static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 80};
    const struct raw_config config = config_of();
    int peer;
    struct raw_conn *c = pair(&config, LONG_US, &peer);

    (void)state;
    assert_int_equal(write(peer, alert, sizeof alert), sizeof alert);
    (void)close(peer);
    assert_false(raw_conn_handshake(c));
    assert_int_equal(raw_conn_result(c)->end, RAW_END_ALERT);
    assert_int_equal(raw_conn_result(c)->alert.description, 80);
    raw_conn_close(&c);
}

static void a_flight_that_nobody_reads_meets_the_deadline(void **state)
{
    static uint8_t much[4u << 20];
    const struct raw_config config = config_of();
    int peer;
    struct raw_conn *c = pair(&config, SHORT_US, &peer);

    (void)state;
    assert_int_equal(raw_client_send_raw(raw_conn_client(c), much, sizeof much), RP_OK);
    assert_false(raw_conn_flush(c));
    assert_false(raw_conn_handshake(c));
    assert_int_equal(raw_conn_result(c)->end, RAW_END_TIMEOUT);
    raw_conn_close(&c);
    (void)close(peer);
}

static void without_memory_the_socket_is_closed(void **state)
{
    const struct raw_config config = config_of();
    struct raw_conn *c;
    enum rp_status status;
    long nth = 0;

    (void)state;
    do {
        int fds[2];
        uint8_t byte;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        memory_fail_after(nth++);
        status = raw_conn_adopt(&config, fds[0], raw_now_us() + LONG_US, &c);
        memory_fail_after(-1);
        if (status != RP_OK) {
            assert_int_equal(status, RP_NO_MEMORY);
            assert_null(c);
            assert_int_equal(read(fds[1], &byte, 1), 0);
        }
        (void)close(fds[1]);
    } while (status != RP_OK);
    raw_conn_close(&c);
    assert_in_range(nth, 3, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_silent_runs_into_the_deadline),
        cmocka_unit_test(quiet_is_no_end),
        cmocka_unit_test(who_closes_is_told_apart_from_who_resets),
        cmocka_unit_test(nobody_there_is_a_result),
        cmocka_unit_test(an_alert_is_read_although_the_server_is_gone),
        cmocka_unit_test(a_flight_that_nobody_reads_meets_the_deadline),
        cmocka_unit_test(without_memory_the_socket_is_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
