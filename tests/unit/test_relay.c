#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "memory.h"
#include "relay_kit.h"

#define MB ((size_t)1024 * 1024)
#define TURNS_MAX 200000

static void both_ways(struct relay_kit *k, size_t n)
{
    struct relay_flow up = {n, 0};
    struct relay_flow down = {n, 0};
    struct relay_flow up_got = {n, 0};
    struct relay_flow down_got = {n, 0};

    for (unsigned i = 0; i < TURNS_MAX && (up_got.at < n || down_got.at < n); i++) {
        relay_kit_client_send(k, &up);
        relay_kit_backend_send(k, &down);
        relay_kit_turn(k);
        (void)relay_kit_client_receive(k, &down_got);
        (void)relay_kit_backend_receive(k, &up_got);
    }
    assert_int_equal(up_got.at, n);
    assert_int_equal(down_got.at, n);
}

static void carries_both_ways_at_once(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct relay_kit k;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        relay_kit_unix(&k, versions[i]);
        both_ways(&k, 8 * MB);
        relay_kit_fini(&k);
        relay_kit_tcp(&k, versions[i]);
        both_ways(&k, 8 * MB);
        relay_kit_fini(&k);
    }
}

/* The client ends; the backend goes on, and its end comes to the client as a close_notify. */
static void client_closes_first(void **state)
{
    struct relay_flow up = {MB, 0};
    struct relay_flow up_got = {MB, 0};
    struct relay_flow down = {MB, 0};
    struct relay_flow down_got = {MB, 0};
    int error = SSL_ERROR_NONE;
    ssize_t got = -1;
    struct relay_kit k;

    (void)state;
    relay_kit_tcp(&k, TLS1_3_VERSION);
    for (unsigned i = 0; i < TURNS_MAX && got != 0; i++) {
        relay_kit_client_send(&k, &up);
        if (up.at == up.n && (SSL_get_shutdown(k.client) & SSL_SENT_SHUTDOWN) == 0) {
            (void)SSL_shutdown(k.client);
        }
        relay_kit_turn(&k);
        got = relay_kit_backend_receive(&k, &up_got);
    }
    assert_int_equal(got, 0);
    assert_int_equal(up_got.at, MB);
    for (unsigned i = 0; i < TURNS_MAX && error != SSL_ERROR_ZERO_RETURN; i++) {
        relay_kit_backend_send(&k, &down);
        if (down.at == down.n) {
            (void)shutdown(k.backend_fd, SHUT_WR);
        }
        relay_kit_turn(&k);
        error = relay_kit_client_receive(&k, &down_got);
    }
    assert_int_equal(error, SSL_ERROR_ZERO_RETURN);
    assert_int_equal(down_got.at, MB);
    assert_int_equal(k.state, RELAY_FINISHED);
    relay_kit_fini(&k);
}

/* The backend ends; the client goes on, and its end comes to the backend as a FIN. */
static void backend_closes_first(void **state)
{
    struct relay_flow up = {MB, 0};
    struct relay_flow up_got = {MB, 0};
    struct relay_flow down = {MB, 0};
    struct relay_flow down_got = {MB, 0};
    int error = SSL_ERROR_NONE;
    ssize_t got = -1;
    struct relay_kit k;

    (void)state;
    relay_kit_tcp(&k, TLS1_3_VERSION);
    for (unsigned i = 0; i < TURNS_MAX && error != SSL_ERROR_ZERO_RETURN; i++) {
        relay_kit_backend_send(&k, &down);
        if (down.at == down.n) {
            (void)shutdown(k.backend_fd, SHUT_WR);
        }
        relay_kit_turn(&k);
        error = relay_kit_client_receive(&k, &down_got);
    }
    assert_int_equal(error, SSL_ERROR_ZERO_RETURN);
    assert_int_equal(down_got.at, MB);
    for (unsigned i = 0; i < TURNS_MAX && k.state != RELAY_FINISHED; i++) {
        relay_kit_client_send(&k, &up);
        if (up.at == up.n && (SSL_get_shutdown(k.client) & SSL_SENT_SHUTDOWN) == 0) {
            (void)SSL_shutdown(k.client);
        }
        relay_kit_turn(&k);
        (void)relay_kit_backend_receive(&k, &up_got);
    }
    assert_int_equal(k.state, RELAY_FINISHED);
    relay_kit_close(&k.relay_backend.fd);
    while ((got = relay_kit_backend_receive(&k, &up_got)) > 0) {
    }
    assert_int_equal(got, 0);
    assert_int_equal(up_got.at, MB);
    relay_kit_fini(&k);
}

/* Nobody reads at the end: the relay holds one buffer, and is not run without an event. */
static void slow_client_holds_the_backend_back(void **state)
{
    struct relay_flow down = {64 * MB, 0};
    struct relay_flow down_got = {0, 0};
    unsigned n_runs;
    size_t before;
    struct relay_kit k;

    (void)state;
    relay_kit_unix(&k, TLS1_3_VERSION);
    do {
        before = down.at;
        for (unsigned i = 0; i < 100; i++) {
            relay_kit_backend_send(&k, &down);
            relay_kit_turn(&k);
        }
    } while (down.at != before);
    assert_true(down.at < 8 * MB);
    assert_non_null(k.relay.down.held);
    assert_true(k.relay.down.len <= RELAY_HELD);
    assert_int_equal(k.state, RELAY_WAITS);
    n_runs = k.n_runs;
    for (unsigned i = 0; i < 1000; i++) {
        relay_kit_turn(&k);
    }
    assert_int_equal(k.n_runs, n_runs);
    down_got.n = down.at;
    for (unsigned i = 0; i < TURNS_MAX && down_got.at < down_got.n; i++) {
        (void)relay_kit_client_receive(&k, &down_got);
        relay_kit_turn(&k);
    }
    assert_int_equal(down_got.at, down.at);
    assert_null(k.relay.down.held);
    both_ways(&k, MB);
    relay_kit_fini(&k);
}

static void slow_backend_holds_the_client_back(void **state)
{
    struct relay_flow up = {64 * MB, 0};
    struct relay_flow up_got = {0, 0};
    unsigned n_runs;
    size_t before;
    struct relay_kit k;

    (void)state;
    relay_kit_unix(&k, TLS1_2_VERSION);
    do {
        before = up.at;
        for (unsigned i = 0; i < 100; i++) {
            relay_kit_client_send(&k, &up);
            relay_kit_turn(&k);
        }
    } while (up.at != before);
    assert_true(up.at < 8 * MB);
    assert_non_null(k.relay.up.held);
    n_runs = k.n_runs;
    for (unsigned i = 0; i < 1000; i++) {
        relay_kit_turn(&k);
    }
    assert_int_equal(k.n_runs, n_runs);
    for (unsigned i = 0; i < TURNS_MAX && up_got.at < up.at; i++) {
        (void)relay_kit_backend_receive(&k, &up_got);
        relay_kit_turn(&k);
    }
    assert_int_equal(up_got.at, up.at);
    relay_kit_fini(&k);
}

static void truncation_is_no_end(void **state)
{
    struct relay_flow up = {100, 0};
    struct relay_kit k;

    (void)state;
    relay_kit_tcp(&k, TLS1_3_VERSION);
    relay_kit_client_send(&k, &up);
    (void)shutdown(k.client_fd, SHUT_WR);
    for (unsigned i = 0; i < TURNS_MAX && k.state != RELAY_BROKEN; i++) {
        relay_kit_turn(&k);
    }
    assert_int_equal(k.state, RELAY_BROKEN);
    assert_true(k.relay_client.ended);
    relay_kit_fini(&k);
}

static void damaged_record_breaks(void **state)
{
    static const uint8_t junk[] = {23, 3,  3,  0,  32, 1,  2,  3,  4,  5,  6,  7,  8,
                                   9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                   22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};
    struct relay_kit k;

    (void)state;
    relay_kit_unix(&k, TLS1_3_VERSION);
    assert_int_equal(send(k.client_fd, junk, sizeof junk, MSG_NOSIGNAL), (int)sizeof junk);
    relay_kit_turn(&k);
    assert_int_equal(k.state, RELAY_BROKEN);
    assert_int_equal(ERR_peek_error(), 0);
    relay_kit_fini(&k);
}

static void reset_backend(struct relay_kit *k)
{
    const struct linger at_once = {1, 0};

    assert_int_equal(setsockopt(k->backend_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    relay_kit_close(&k->backend_fd);
}

/* What the backend said before it broke off is passed on, but not as if it were whole. */
static void reset_is_no_end(void **state)
{
    struct relay_flow down = {1000, 0};
    struct relay_flow down_got = {1000, 0};
    int error = SSL_ERROR_NONE;
    struct relay_kit k;

    (void)state;
    relay_kit_tcp(&k, TLS1_3_VERSION);
    relay_kit_backend_send(&k, &down);
    relay_kit_turn(&k);
    reset_backend(&k);
    for (unsigned i = 0; i < 100 && k.state == RELAY_WAITS; i++) {
        relay_kit_turn(&k);
    }
    assert_int_equal(k.state, RELAY_LINGERS);
    while (error == SSL_ERROR_NONE || error == SSL_ERROR_WANT_READ) {
        error = relay_kit_client_receive(&k, &down_got);
    }
    assert_int_equal(down_got.at, 1000);
    assert_true(error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL);
    (void)SSL_shutdown(k.client);
    relay_kit_turn(&k);
    relay_kit_fini(&k);
}

/* A backend that answers and closes without reading all: the answer still comes through. */
static void answer_survives_a_refusal(void **state)
{
    struct relay_flow up = {4 * MB, 0};
    struct relay_flow down = {1000, 0};
    struct relay_flow down_got = {1000, 0};
    struct relay_kit k;

    (void)state;
    relay_kit_unix(&k, TLS1_3_VERSION);
    relay_kit_client_send(&k, &up);
    relay_kit_turn(&k);
    relay_kit_backend_send(&k, &down);
    relay_kit_close(&k.backend_fd);
    for (unsigned i = 0; i < 2000 && down_got.at < 1000; i++) {
        relay_kit_client_send(&k, &up);
        relay_kit_turn(&k);
        (void)relay_kit_client_receive(&k, &down_got);
    }
    assert_int_equal(down_got.at, 1000);
    for (unsigned i = 0; i < 2000 && up.at < up.n; i++) {
        relay_kit_client_send(&k, &up);
        relay_kit_turn(&k);
    }
    assert_int_equal(up.at, up.n);
    (void)SSL_shutdown(k.client);
    relay_kit_turn(&k);
    assert_int_equal(k.state, RELAY_FINISHED);
    relay_kit_fini(&k);
}

/* A port that nobody listens on. */
static int refused_socket(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof here;
    const int bound = socket(AF_INET, SOCK_STREAM, 0);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(bound, (const struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(getsockname(bound, (struct sockaddr *)&here, &len), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&here, sizeof here), -1);
    assert_int_equal(errno, EINPROGRESS);
    (void)close(bound);
    return fd;
}

static void unreachable_backend(bool client_speaks)
{
    struct relay_flow up = {100, 0};
    struct relay_flow none = {0, 0};
    int error = SSL_ERROR_NONE;
    int client[2];
    int backend[2] = {-1, -1};
    struct relay_kit k;

    relay_kit_tcp_pair(client);
    backend[1] = refused_socket();
    relay_kit_init(&k, TLS1_3_VERSION, client, backend);
    k.relay_backend.connecting = true;
    if (client_speaks) {
        relay_kit_client_send(&k, &up);
    }
    for (unsigned i = 0; i < TURNS_MAX && error != SSL_ERROR_ZERO_RETURN; i++) {
        relay_kit_turn(&k);
        error = relay_kit_client_receive(&k, &none);
    }
    assert_int_equal(error, SSL_ERROR_ZERO_RETURN);
    assert_int_equal(k.relay_backend.error, ECONNREFUSED);
    assert_true(k.relay_backend.connecting);
    (void)SSL_shutdown(k.client);
    for (unsigned i = 0; i < 100 && k.state != RELAY_FINISHED; i++) {
        relay_kit_turn(&k);
    }
    assert_int_equal(k.state, RELAY_FINISHED);
    relay_kit_fini(&k);
}

static void unreachable_backend_is_a_clean_end(void **state)
{
    (void)state;
    unreachable_backend(false);
    unreachable_backend(true);
}

/* To a client that said goodbye and closed, nothing more is sent. */
static void gone_client_gets_no_answer(void **state)
{
    struct relay_flow up_got = {0, 0};
    uint8_t byte;
    struct relay_kit k;

    (void)state;
    relay_kit_tcp(&k, TLS1_3_VERSION);
    (void)SSL_shutdown(k.client);
    (void)shutdown(k.client_fd, SHUT_WR);
    for (unsigned i = 0; i < TURNS_MAX && relay_kit_backend_receive(&k, &up_got) != 0; i++) {
        relay_kit_turn(&k);
    }
    relay_kit_turn(&k);
    (void)shutdown(k.backend_fd, SHUT_WR);
    for (unsigned i = 0; i < TURNS_MAX && k.state != RELAY_FINISHED; i++) {
        relay_kit_turn(&k);
    }
    assert_int_equal(k.state, RELAY_FINISHED);
    while (SSL_read(k.client, &byte, 1) > 0) {
    }
    assert_int_equal(SSL_get_shutdown(k.client) & SSL_RECEIVED_SHUTDOWN, 0);
    relay_kit_fini(&k);
}

static void keys_are_updated_midway(void **state)
{
    struct relay_kit k;

    (void)state;
    relay_kit_unix(&k, TLS1_3_VERSION);
    for (unsigned i = 0; i < 4; i++) {
        both_ways(&k, MB / 4);
        assert_int_equal(SSL_key_update(k.client, SSL_KEY_UPDATE_REQUESTED), 1);
        both_ways(&k, MB / 4);
    }
    relay_kit_fini(&k);
}

/* What a client makes of n KeyUpdates, each of which asks for one of ours. */
static void update_keys(struct relay_kit *k, unsigned n)
{
    struct relay_flow none = {0, 0};

    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(SSL_key_update(k->client, SSL_KEY_UPDATE_REQUESTED), 1);
        (void)SSL_do_handshake(k->client);
        (void)relay_kit_client_receive(k, &none);
    }
}

/* They wait together, so that libssl has them all before it; so they do over many turns. */
static void flood_of_key_updates_breaks(void **state)
{
    struct relay_kit k;

    (void)state;
    relay_kit_unix(&k, TLS1_3_VERSION);
    both_ways(&k, 1000);
    update_keys(&k, 150);
    relay_kit_turn(&k);
    assert_int_equal(k.state, RELAY_BROKEN);
    assert_true(k.relay.flooded);
    assert_true(k.relay.n_records <= 40);
    relay_kit_fini(&k);
    relay_kit_unix(&k, TLS1_3_VERSION);
    for (unsigned i = 0; i < 100 && k.state != RELAY_BROKEN; i++) {
        update_keys(&k, 1);
        relay_kit_turn(&k);
    }
    assert_true(k.relay.flooded);
    relay_kit_fini(&k);
}

/* A byte of data between them makes it no flood, but they still take turns from others. */
static void key_updates_count_against_the_turn(void **state)
{
    struct relay_flow up = {0, 0};
    struct relay_flow up_got = {8, 0};
    struct relay_kit k;

    (void)state;
    relay_kit_unix(&k, TLS1_3_VERSION);
    for (up.n = 1; up.n <= up_got.n; up.n++) {
        update_keys(&k, 20);
        relay_kit_client_send(&k, &up);
        assert_int_equal(up.at, up.n);
    }
    relay_kit_turn(&k);
    assert_int_equal(k.state, RELAY_GOES_ON);
    for (unsigned i = 0; i < 100 && up_got.at < up_got.n; i++) {
        assert_true(k.relay.n_records <= 64);
        relay_kit_turn(&k);
        (void)relay_kit_backend_receive(&k, &up_got);
    }
    assert_int_equal(up_got.at, up_got.n);
    assert_false(k.relay.flooded);
    relay_kit_fini(&k);
}

static void renegotiation_is_refused(void **state)
{
    struct relay_flow none = {0, 0};
    int error = SSL_ERROR_NONE;
    struct relay_kit k;

    (void)state;
    relay_kit_unix(&k, TLS1_2_VERSION);
    both_ways(&k, 1000);
    assert_int_equal(SSL_renegotiate(k.client), 1);
    for (unsigned i = 0; i < 100 && error != SSL_ERROR_SSL; i++) {
        error = relay_kit_client_receive(&k, &none);
        relay_kit_turn(&k);
    }
    assert_int_equal(error, SSL_ERROR_SSL);
    relay_kit_fini(&k);
}

/* As a certificate's name that cannot be told leaves one, between the handshake and the relay. */
static void errors_of_others_break_nothing(void **state)
{
    struct relay_kit k;

    (void)state;
    relay_kit_unix(&k, TLS1_3_VERSION);
    ERR_raise(ERR_LIB_ASN1, ERR_R_INTERNAL_ERROR);
    assert_int_equal(relay_run(&k.relay, k.scratch), RELAY_WAITS);
    both_ways(&k, 1000);
    relay_kit_fini(&k);
}

static void no_memory_breaks(void **state)
{
    struct relay_flow down = {64 * MB, 0};
    struct relay_kit k;

    (void)state;
    relay_kit_unix(&k, TLS1_3_VERSION);
    memory_fail_after(0);
    for (unsigned i = 0; i < TURNS_MAX && k.state != RELAY_BROKEN; i++) {
        relay_kit_backend_send(&k, &down);
        relay_kit_turn(&k);
    }
    memory_fail_after(-1);
    assert_int_equal(k.state, RELAY_BROKEN);
    relay_kit_fini(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_both_ways_at_once),
        cmocka_unit_test(client_closes_first),
        cmocka_unit_test(backend_closes_first),
        cmocka_unit_test(slow_client_holds_the_backend_back),
        cmocka_unit_test(slow_backend_holds_the_client_back),
        cmocka_unit_test(truncation_is_no_end),
        cmocka_unit_test(damaged_record_breaks),
        cmocka_unit_test(reset_is_no_end),
        cmocka_unit_test(answer_survives_a_refusal),
        cmocka_unit_test(unreachable_backend_is_a_clean_end),
        cmocka_unit_test(gone_client_gets_no_answer),
        cmocka_unit_test(keys_are_updated_midway),
        cmocka_unit_test(flood_of_key_updates_breaks),
        cmocka_unit_test(key_updates_count_against_the_turn),
        cmocka_unit_test(renegotiation_is_refused),
        cmocka_unit_test(errors_of_others_break_nothing),
        cmocka_unit_test(no_memory_breaks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
