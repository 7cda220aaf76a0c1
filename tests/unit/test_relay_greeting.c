/* What goes to the backend before the client's first byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "memory.h"
#include "relay_kit.h"

#define GREETING "greeting\n"
#define GREETING_LEN (sizeof GREETING - 1)
#define TURNS_MAX 20000

static void run(struct relay_kit *k)
{
    k->state = relay_run(&k->relay, k->scratch);
}

static size_t receive(const struct relay_kit *k, char *p, size_t size)
{
    const ssize_t n = recv(k->backend_fd, p, size, 0);

    return n > 0 ? (size_t)n : 0;
}

static void it_waits_for_nothing(void **state)
{
    struct relay_kit k;
    char got[64];

    (void)state;
    relay_kit_tcp(&k, TLS1_3_VERSION);
    assert_true(relay_greet(&k.relay, GREETING, GREETING_LEN));
    run(&k);
    assert_int_equal(k.state, RELAY_WAITS);
    assert_int_equal(receive(&k, got, sizeof got), GREETING_LEN);
    assert_memory_equal(got, GREETING, GREETING_LEN);
    assert_true(k.relay.n_up == 0);
    assert_null(k.relay.up.held);
    relay_kit_fini(&k);
}

/* In one write: a socket of packets tells where one ends. */
static void it_goes_with_data_that_is_there(void **state)
{
    int client[2];
    int backend[2];
    struct relay_kit k;
    char got[64];

    (void)state;
    relay_kit_tcp_pair(client);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, backend),
                     0);
    relay_kit_init(&k, TLS1_3_VERSION, client, backend);
    assert_true(relay_greet(&k.relay, GREETING, GREETING_LEN));
    assert_int_equal(SSL_write(k.client, "data", 4), 4);
    k.relay_client.readable = true;
    run(&k);
    assert_int_equal(receive(&k, got, sizeof got), GREETING_LEN + 4);
    assert_memory_equal(got, GREETING "data", GREETING_LEN + 4);
    assert_true(k.relay.n_up == 4);
    relay_kit_fini(&k);
}

static void fill(int fd)
{
    static const char zeroes[4096];

    while (send(fd, zeroes, sizeof zeroes, MSG_NOSIGNAL) > 0) {
    }
    assert_int_equal(errno, EAGAIN);
}

/* The backend takes nothing yet: data that comes meanwhile goes behind the greeting. */
static void it_stays_first_while_the_backend_is_slow(void **state)
{
    struct relay_kit k;
    char got[4096];
    char last[64] = "";
    size_t n_last = 0;
    size_t n;

    (void)state;
    relay_kit_unix(&k, TLS1_3_VERSION);
    fill(k.relay_backend.fd);
    assert_true(relay_greet(&k.relay, GREETING, GREETING_LEN));
    run(&k);
    run(&k);
    assert_int_equal(k.state, RELAY_WAITS);
    assert_int_equal(SSL_write(k.client, "data", 4), 4);
    for (unsigned i = 0; i < TURNS_MAX && n_last < GREETING_LEN + 4; i++) {
        relay_kit_turn(&k);
        n = receive(&k, got, sizeof got);
        for (size_t j = 0; j < n; j++) {
            if (got[j] != '\0' && n_last < sizeof last) {
                last[n_last++] = got[j];
            }
        }
    }
    assert_memory_equal(last, GREETING "data", GREETING_LEN + 4);
    assert_true(k.relay.n_up == 4);
    relay_kit_fini(&k);
}

static void it_goes_although_the_client_has_ended(void **state)
{
    struct relay_kit k;
    char got[64];

    (void)state;
    relay_kit_tcp(&k, TLS1_3_VERSION);
    assert_true(relay_greet(&k.relay, GREETING, GREETING_LEN));
    (void)SSL_shutdown(k.client);
    k.relay_client.readable = true;
    run(&k);
    assert_int_equal(receive(&k, got, sizeof got), GREETING_LEN);
    assert_memory_equal(got, GREETING, GREETING_LEN);
    assert_int_equal(recv(k.backend_fd, got, sizeof got, 0), 0);
    relay_kit_fini(&k);
}

static void it_is_forgotten_where_nobody_is_there(void **state)
{
    struct relay_kit k;

    (void)state;
    relay_kit_tcp(&k, TLS1_3_VERSION);
    assert_true(relay_greet(&k.relay, GREETING, GREETING_LEN));
    relay_unreachable(&k.relay);
    assert_null(k.relay.up.held);
    run(&k);
    assert_int_equal(k.state, RELAY_LINGERS);
    assert_true(k.relay.n_up == 0);
    relay_kit_fini(&k);
}

static void running_out_of_memory_is_told(void **state)
{
    struct relay_kit k;

    (void)state;
    relay_kit_tcp(&k, TLS1_3_VERSION);
    memory_fail_after(0);
    assert_false(relay_greet(&k.relay, GREETING, GREETING_LEN));
    memory_fail_after(-1);
    relay_kit_fini(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_waits_for_nothing),
        cmocka_unit_test(it_goes_with_data_that_is_there),
        cmocka_unit_test(it_stays_first_while_the_backend_is_slow),
        cmocka_unit_test(it_goes_although_the_client_has_ended),
        cmocka_unit_test(it_is_forgotten_where_nobody_is_there),
        cmocka_unit_test(running_out_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
