#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "haproxy_kit.h"
#include "haproxy_socket.h"
#include "memory.h"
#include "text.h"

#define PATIENCE_MS 60000 /* of a test whose timeout is not what it is about */

struct fixture {
    struct loop *loop;
    struct haproxy_kit kit;
    struct haproxy_socket *socket;
    struct haproxy_order order;
    unsigned n_done;
    enum rp_status status;
    char sentence[RP_ERROR_SIZE];
    unsigned n_pushed;
    bool frees, starts_again;
};

static void want(struct fixture *f, unsigned before, unsigned seals, unsigned next)
{
    f->order.keys[0] = haproxy_kit_key(before, 32);
    f->order.keys[1] = haproxy_kit_key(seals, 32);
    f->order.keys[2] = haproxy_kit_key(next, 32);
}

static void begin(struct fixture *f, bool on_tcp)
{
    memset(f, 0, sizeof *f);
    assert_int_equal(loop_new(&f->loop), RP_OK);
    haproxy_kit_start(&f->kit, f->loop, on_tcp);
    assert_int_equal(haproxy_socket_new(f->loop, &f->socket), RP_OK);
    f->order.address = f->kit.address;
    f->order.file = f->kit.file;
    f->order.timeout_ms = PATIENCE_MS;
    want(f, 2, 3, 4);
}

static int setup(void **state)
{
    static struct fixture fixture;

    begin(&fixture, false);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *const f = *state;

    haproxy_socket_free(&f->socket);
    haproxy_socket_free(&f->socket);
    haproxy_kit_stop(&f->kit);
    loop_free(&f->loop);
    return 0;
}

static void done(void *cookie, enum rp_status status, const char *sentence, unsigned n_pushed)
{
    struct fixture *const f = cookie;
    struct text t = text_of(f->sentence, sizeof f->sentence);

    f->n_done++;
    f->status = status;
    f->n_pushed = n_pushed;
    text_add(&t, sentence);
    if (f->frees) {
        haproxy_socket_free(&f->socket);
    }
    if (f->starts_again) {
        f->starts_again = false;
        assert_int_equal(haproxy_socket_start(f->socket, &f->order, done, f), RP_OK);
        return;
    }
    loop_stop(f->loop);
}

static void stop_only(void *cookie, enum rp_status status, const char *sentence, unsigned n_pushed)
{
    (void)status;
    (void)sentence;
    (void)n_pushed;
    loop_stop(((struct fixture *)cookie)->loop);
}

static void run(struct fixture *f)
{
    const unsigned n_done = f->n_done;

    assert_int_equal(haproxy_socket_start(f->socket, &f->order, done, f), RP_OK);
    assert_int_equal(f->n_done, n_done);
    loop_run(f->loop);
}

static void expect_failure(struct fixture *f, enum rp_status status, const char *words)
{
    run(f);
    assert_int_equal(f->status, status);
    assert_non_null(strstr(f->sentence, words));
    assert_non_null(strstr(f->sentence, f->order.address));
    assert_null(strchr(f->sentence, '\n'));
}

static void expect_pushes(struct fixture *f, unsigned n)
{
    run(f);
    assert_string_equal(f->sentence, "");
    assert_int_equal(f->status, RP_OK);
    assert_int_equal(f->n_pushed, n);
    assert_memory_equal(f->kit.keys, f->order.keys, sizeof f->kit.keys);
}

static void ordinarily_one_key_is_pushed(void **state)
{
    struct fixture *const f = *state;

    for (unsigned epoch = 4; epoch < 14; epoch++) {
        want(f, epoch - 2, epoch - 1, epoch);
        expect_pushes(f, 1);
    }
}

static void what_is_there_is_not_pushed(void **state)
{
    struct fixture *const f = *state;

    want(f, 1, 2, 3);
    expect_pushes(f, 0);
    assert_int_equal(f->kit.n_commands, 1);
}

static void as_many_are_pushed_as_it_takes(void **state)
{
    struct fixture *const f = *state;

    want(f, 3, 4, 5);
    expect_pushes(f, 2);
    want(f, 7, 8, 9);
    expect_pushes(f, 3);
    want(f, 9, 8, 7);
    expect_pushes(f, 2);
    want(f, 7, 7, 10);
    expect_pushes(f, 2);
    want(f, 7, 10, 10);
    expect_pushes(f, 1);
}

static void only_a_whole_key_is_the_same_key(void **state)
{
    struct fixture *const f = *state;

    want(f, 1, 2, 3);
    f->order.keys[2].aes[31] ^= 1;
    expect_pushes(f, 3);
    f->order.keys[2].hmac[0] ^= 1;
    expect_pushes(f, 3);
    f->order.keys[1].name[15] ^= 1;
    expect_pushes(f, 3);
}

static void short_keys_are_pushed_too(void **state)
{
    struct fixture *const f = *state;

    for (unsigned i = 0; i < HAPROXY_KEYS; i++) {
        f->kit.keys[i] = haproxy_kit_key(i + 1, 16);
        f->order.keys[i] = haproxy_kit_key(i + 2, 16);
    }
    expect_pushes(f, 1);
}

static void a_name_with_all_kinds_of_characters(void **state)
{
    struct fixture *const f = *state;

    f->kit.file = f->order.file = "/run/a b;c\\d\"e'/k\xc3\xa4se";
    expect_pushes(f, 1);
}

static void an_answer_in_single_bytes(void **state)
{
    struct fixture *const f = *state;

    f->kit.manner = HAPROXY_KIT_DRIPS;
    expect_pushes(f, 1);
}

static void an_address_with_a_port(void **state)
{
    struct fixture *const f = *state;

    assert_int_equal(teardown(state), 0);
    begin(f, true);
    expect_pushes(f, 1);
    f->kit.manner = HAPROXY_KIT_HANGS_UP;
    expect_failure(f, RP_SYSTEM, "without an answer");
    haproxy_kit_stop(&f->kit);
    expect_failure(f, RP_SYSTEM, "Connection refused");
    haproxy_kit_start(&f->kit, f->loop, true);
}

static void keys_of_another_length(void **state)
{
    struct fixture *const f = *state;

    for (unsigned i = 0; i < HAPROXY_KEYS; i++) {
        f->kit.keys[i] = haproxy_kit_key(i + 1, 16);
    }
    expect_failure(f, RP_INVALID, "of 48 bytes, ours have 80");
    assert_int_equal(f->n_pushed, 0);
}

static void a_file_that_it_does_not_know(void **state)
{
    struct fixture *const f = *state;

    f->order.file = "/run/other";
    expect_failure(f, RP_NOT_FOUND, "no ticket keys from /run/other but from /run/keys;");
    f->kit.file = NULL;
    expect_failure(f, RP_NOT_FOUND, "but from no file at all;");
}

static void an_address_where_nobody_is(void **state)
{
    struct fixture *const f = *state;

    assert_int_equal(unlink(f->kit.address), 0);
    expect_failure(f, RP_SYSTEM, "No such file or directory; HAProxy must run");
}

static void somebody_who_does_not_do_it(void **state)
{
    static const struct {
        enum haproxy_kit_manner manner;
        enum rp_status status;
        const char *words;
    } cases[] = {
        {HAPROXY_KIT_DENIES, RP_INVALID, "must have `level admin`"},
        {HAPROXY_KIT_MASTER, RP_INVALID, "not the master's"},
        {HAPROXY_KIT_HANGS_UP, RP_SYSTEM, "without an answer"},
        {HAPROXY_KIT_STRANGER, RP_FORMAT, "otherwise than HAProxy"},
        {HAPROXY_KIT_ENDLESS, RP_FORMAT, "otherwise than HAProxy"},
        {HAPROXY_KIT_FORGETS, RP_SYSTEM, "shows others"},
    };
    struct fixture *const f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        f->kit.manner = cases[i].manner;
        expect_failure(f, cases[i].status, cases[i].words);
    }
    f->kit.manner = HAPROXY_KIT_PLAIN;
    expect_pushes(f, 1);
}

static void who_does_not_answer_is_not_waited_for(void **state)
{
    struct fixture *const f = *state;

    f->kit.manner = HAPROXY_KIT_SILENT;
    f->order.timeout_ms = 50;
    expect_failure(f, RP_SYSTEM, "does not answer within 50 ms");
}

static void no_key_is_in_a_sentence(void **state)
{
    struct fixture *const f = *state;

    f->kit.manner = HAPROXY_KIT_ECHO;
    expect_failure(f, RP_INVALID, "does not know the command");
    assert_null(strstr(f->sentence, "BAQE"));
}

static void no_key_is_kept(void **state)
{
    struct fixture *const f = *state;
    const struct stek key = haproxy_kit_key(4, 32);

    expect_pushes(f, 1);
    assert_null(memmem(f->socket, 4096, key.aes, 8));
    assert_null(memmem(f->socket, 4096, key.hmac, 8));
    assert_null(memmem(f->socket, 4096, "BAQEBAQE", 8));
}

static void what_is_cancelled_is_not_heard_of(void **state)
{
    struct fixture *const f = *state;
    struct haproxy_socket *other;

    f->kit.manner = HAPROXY_KIT_SILENT;
    assert_int_equal(haproxy_socket_start(f->socket, &f->order, done, f), RP_OK);
    assert_int_equal(haproxy_socket_start(f->socket, &f->order, done, f), RP_INVALID);
    assert_int_equal(haproxy_socket_new(f->loop, &other), RP_OK);
    f->order.timeout_ms = 50;
    assert_int_equal(haproxy_socket_start(other, &f->order, stop_only, f), RP_OK);
    loop_run(f->loop);
    haproxy_socket_free(&other);
    haproxy_socket_cancel(f->socket);
    haproxy_socket_cancel(f->socket);
    f->kit.manner = HAPROXY_KIT_PLAIN;
    f->order.timeout_ms = PATIENCE_MS;
    expect_pushes(f, 1);
    assert_int_equal(f->n_done, 1);
}

static void who_is_told_may_go_on(void **state)
{
    struct fixture *const f = *state;

    f->starts_again = true;
    run(f);
    assert_int_equal(f->n_done, 2);
    assert_int_equal(f->n_pushed, 0);
    f->frees = true;
    run(f);
    assert_null(f->socket);
    assert_int_equal(haproxy_socket_new(f->loop, &f->socket), RP_OK);
    f->kit.manner = HAPROXY_KIT_STRANGER;
    run(f);
    assert_null(f->socket);
}

static void orders_that_make_no_sense(void **state)
{
    struct fixture *const f = *state;
    const struct haproxy_order good = f->order;
    struct address address;

    f->order.file = "";
    assert_int_equal(haproxy_socket_start(f->socket, &f->order, done, f), RP_INVALID);
    f->order = good;
    f->order.address = "localhost";
    assert_int_equal(haproxy_socket_start(f->socket, &f->order, done, f), RP_INVALID);
    f->order = good;
    f->order.keys[2].key_len = 16;
    assert_int_equal(haproxy_socket_start(f->socket, &f->order, done, f), RP_INVALID);
    f->order.keys[0].key_len = f->order.keys[1].key_len = f->order.keys[2].key_len = 0;
    assert_int_equal(haproxy_socket_start(f->socket, &f->order, done, f), RP_INVALID);
    assert_true(haproxy_address_parse("/run/a", &address));
    assert_true(haproxy_address_parse("[::1]:99", &address));
    assert_false(haproxy_address_parse("127.0.0.1:0", &address));
    assert_false(haproxy_address_parse("unix:/run/a", &address));
    assert_false(haproxy_address_parse("", &address));
}

static void without_memory(void **state)
{
    struct fixture *const f = *state;
    struct haproxy_socket *socket = NULL;
    enum rp_status status = RP_NO_MEMORY;

    for (long n = 0; status != RP_OK; n++) {
        assert_in_range(n, 0, 10);
        memory_fail_after(n);
        status = haproxy_socket_new(f->loop, &socket);
        if (status == RP_OK) {
            status = haproxy_socket_start(socket, &f->order, done, f);
            haproxy_socket_free(&socket);
        }
        memory_fail_after(-1);
        assert_true(status == RP_OK || status == RP_NO_MEMORY);
        assert_null(socket);
    }
    assert_int_equal(f->n_done, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(ordinarily_one_key_is_pushed),
        CASE(what_is_there_is_not_pushed),
        CASE(as_many_are_pushed_as_it_takes),
        CASE(only_a_whole_key_is_the_same_key),
        CASE(short_keys_are_pushed_too),
        CASE(a_name_with_all_kinds_of_characters),
        CASE(an_answer_in_single_bytes),
        CASE(an_address_with_a_port),
        CASE(keys_of_another_length),
        CASE(a_file_that_it_does_not_know),
        CASE(an_address_where_nobody_is),
        CASE(somebody_who_does_not_do_it),
        CASE(who_does_not_answer_is_not_waited_for),
        CASE(no_key_is_in_a_sentence),
        CASE(no_key_is_kept),
        CASE(what_is_cancelled_is_not_heard_of),
        CASE(who_is_told_may_go_on),
        CASE(orders_that_make_no_sense),
        CASE(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
