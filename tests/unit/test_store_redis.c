#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "memory.h"
#include "store_kit.h"
#include "text.h"

#define LIFE 60000
#define TRIES 2000
#define PONG "+PONG\r\n"

/* A Redis that says what the test says, and the store of one host. */
struct place {
    char path[64];
    char socket[80];
    int listener;
    int peer; /* the store's connection; -1: none */
    char heard[65536];
    size_t n_heard;
    struct store_kit kit;
    struct store_kit_answer answer;
};

static int listen_at(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(un.sun_path, path, strlen(path) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    struct text t = text_of(p->socket, sizeof p->socket);

    memcpy(p->path, "/tmp/reprise-store-XXXXXX", 26);
    assert_non_null(mkdtemp(p->path));
    text_addf(&t, "%s/redis", p->path);
    p->listener = listen_at(p->socket);
    p->peer = -1;
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;

    store_kit_finish(&p->kit);
    if (p->peer >= 0) {
        (void)close(p->peer);
    }
    (void)close(p->listener);
    (void)unlink(p->socket);
    (void)rmdir(p->path);
    free(p);
    return 0;
}

static void begin(struct place *p, const char *before, const char *after)
{
    char url[256];
    struct text t = text_of(url, sizeof url);

    text_addf(&t, "redis+unix://%s%s%s", before, p->socket, after);
    store_kit_begin(&p->kit, url);
}

static bool readable(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    return poll(&ready, 1, 0) == 1;
}

/* The store's next connection. */
static void take_peer(struct place *p)
{
    if (p->peer >= 0) {
        (void)close(p->peer);
    }
    for (unsigned i = 0; !readable(p->listener); i++) {
        assert_true(i < TRIES);
        store_kit_turn(&p->kit, 1);
    }
    p->peer = accept(p->listener, NULL, NULL);
    assert_true(p->peer >= 0);
    p->n_heard = 0;
    p->heard[0] = '\0';
}

static void hear(struct place *p, const char *expected)
{
    for (unsigned i = 0; strstr(p->heard, expected) == NULL; i++) {
        ssize_t n;

        assert_true(i < TRIES);
        store_kit_turn(&p->kit, 1);
        n = recv(p->peer, p->heard + p->n_heard, sizeof p->heard - 1 - p->n_heard, MSG_DONTWAIT);
        if (n > 0) {
            p->n_heard += (size_t)n;
            p->heard[p->n_heard] = '\0';
        }
    }
    p->n_heard = 0;
    p->heard[0] = '\0';
}

static void say_n(struct place *p, const char *s, size_t n)
{
    for (unsigned i = 0; n != 0; i++) {
        const ssize_t sent = send(p->peer, s, n, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) {
            return;
        }
        assert_true(i < TRIES);
        if (sent > 0) {
            s += sent;
            n -= (size_t)sent;
        }
        store_kit_turn(&p->kit, 0);
    }
}

static void say(struct place *p, const char *s)
{
    say_n(p, s, strlen(s));
}

/* A connection that is good, by a store that needs no more than a PING. */
static void greet(struct place *p)
{
    const unsigned before = p->kit.n_states;

    take_peer(p);
    hear(p, "PING");
    say(p, PONG);
    if (!p->kit.up) {
        store_kit_until(&p->kit, &p->kit.n_states, before + 1);
    }
    assert_true(p->kit.up);
}

static void ask_put(struct place *p)
{
    store_put(p->kit.store, STORE_KIT_BOX, "x", (const uint8_t *)"1", 1, LIFE, store_kit_done,
              &p->answer);
}

static void ask_list(struct place *p)
{
    store_list(p->kit.store, STORE_KIT_BOX, 10, store_kit_listed, &p->answer);
}

static void expect(struct place *p, unsigned n, enum store_status status)
{
    store_kit_until(&p->kit, &p->answer.n, n);
    assert_int_equal(p->answer.n, n);
    assert_int_equal(p->answer.status, status);
}

static void a_user_is_named_and_a_database_chosen(void **state)
{
    struct place *p = *state;

    begin(p, "me:p%40ss@", "?db=7");
    take_peer(p);
    hear(p, "*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$4\r\np@ss\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n7\r\n"
            "*1\r\n$4\r\nPING\r\n");
    say(p, "+OK\r\n+OK\r\n" PONG);
    store_kit_until(&p->kit, &p->kit.n_states, 1);
    assert_true(p->kit.up);
}

static void a_wrong_password_is_told_once(void **state)
{
    struct place *p = *state;

    begin(p, ":wrong@", "");
    for (unsigned i = 0; i < 3; i++) {
        take_peer(p);
        hear(p, "PING");
        say(p, "-WRONGPASS invalid username-password pair\r\n-NOAUTH x\r\n");
        store_kit_until(&p->kit, &p->kit.n_states, 1);
        p->kit.now_ms += 10000;
    }
    assert_false(p->kit.up);
    assert_int_equal(p->kit.n_states, 1);
    assert_non_null(strstr(p->kit.why, "WRONGPASS"));
    assert_non_null(strstr(p->kit.why, p->socket));
    assert_null(strstr(p->kit.why, "wrong@"));
}

static void answers_come_in_pieces(void **state)
{
    static const char reply[] = "*5\r\n:9\r\n$1\r\nx\r\n$3\r\na\r\n\r\n$1\r\ny\r\n$0\r\n\r\n";
    struct place *p = *state;

    begin(p, "", "");
    greet(p);
    ask_list(p);
    hear(p, "SRANDMEMBER");
    for (size_t i = 0; i < sizeof reply - 1; i++) {
        say_n(p, reply + i, 1);
        store_kit_turn(&p->kit, 1);
    }
    expect(p, 1, STORE_OK);
    assert_string_equal(p->answer.text, "x=a\r\n y= ");
    assert_int_equal(p->answer.total, 9);
}

/* Bytes that are no answer to a question for a list end the connection, and the next one is good.
 */
static void expect_end_n(struct place *p, const char *reply, size_t n, const char *why)
{
    const unsigned states = p->kit.n_states;

    memset(&p->answer, 0, sizeof p->answer);
    ask_list(p);
    hear(p, "SRANDMEMBER");
    say_n(p, reply, n);
    expect(p, 1, STORE_DOWN);
    assert_false(p->kit.up);
    assert_int_equal(p->kit.n_states, states + 1);
    assert_non_null(strstr(p->kit.why, why));
    p->kit.now_ms += 10000;
    greet(p);
}

static void expect_end(struct place *p, const char *reply, const char *why)
{
    expect_end_n(p, reply, strlen(reply), why);
}

#define STRANGE "answers otherwise"
#define NONSENSE "no protocol"

static void other_answers_end_the_connection(void **state)
{
    struct place *p = *state;

    begin(p, "", "");
    greet(p);
    expect_end(p, "HTTP/1.1 400 Bad Request\r\n\r\n", NONSENSE);
    expect_end(p, "*2000000000\r\n", NONSENSE);
    expect_end(p, "*99999999999999999999\r\n", NONSENSE);
    expect_end(p, "$-5\r\n", NONSENSE);
    expect_end(p, "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", NONSENSE);
    expect_end(p, "+OK\r\n", STRANGE);
    expect_end(p, ":1\r\n", STRANGE);
    expect_end(p, "$-1\r\n", STRANGE);
    expect_end(p, "*0\r\n", STRANGE);
    expect_end(p, "*-1\r\n", STRANGE);
    expect_end(p, "*1\r\n$1\r\n1\r\n", STRANGE);
    expect_end(p, "*1\r\n:-1\r\n", STRANGE);
    expect_end(p, "*2\r\n:1\r\n$1\r\nx\r\n", STRANGE);
    expect_end(p, "-READONLY You can't write\x07 against a replica.\r\n",
               "READONLY You can't write? against");
    expect_end(p, "-LOADING Redis is loading the dataset in memory\r\n", "LOADING");
    expect_end(p, "-ERR Error running script: @user_script: 1: -READONLY You can't\r\n",
               "READONLY");
}

static void an_array_of_arrays_stays_small(void **state)
{
    struct place *p = *state;
    char reply[4096];
    struct text t = text_of(reply, sizeof reply);

    begin(p, "", "");
    greet(p);
    for (unsigned i = 0; i < 3; i++) {
        text_add(&t, "*1500\r\n");
        for (unsigned k = 0; k < 100; k++) {
            text_add(&t, "*0\r\n");
        }
    }
    memcpy(reply + t.len, "x\r\n", 4);
    expect_end(p, reply, NONSENSE);
}

static void endless_answers_end_the_connection(void **state)
{
    struct place *p = *state;
    const size_t n = STORE_REPLY_MAX + (1 << 20);
    char *reply = calloc(1, n);

    begin(p, "", "");
    greet(p);
    memset(reply, 'x', n);
    reply[0] = '+';
    expect_end_n(p, reply, 70000, NONSENSE);
    memcpy(reply, "$400000000\r\n", 12);
    expect_end_n(p, reply, n, NONSENSE);
    free(reply);
}

static void names_and_values_that_are_none_are_left_out(void **state)
{
    struct place *p = *state;

    begin(p, "", "");
    greet(p);
    ask_list(p);
    hear(p, "SRANDMEMBER");
    say(p, "*9\r\n:4\r\n$4\r\n../x\r\n$1\r\n1\r\n$0\r\n\r\n$1\r\n2\r\n$1\r\ny\r\n:3\r\n$1\r\nz\r\n"
           "$1\r\n4\r\n");
    expect(p, 1, STORE_OK);
    assert_string_equal(p->answer.text, "z=4 ");
    assert_true(p->kit.up);
}

static void an_answer_that_nobody_asked_for_ends_the_connection(void **state)
{
    struct place *p = *state;

    begin(p, "", "");
    greet(p);
    say(p, ":1\r\n");
    store_kit_until(&p->kit, &p->kit.n_states, 2);
    assert_non_null(strstr(p->kit.why, "nobody has asked"));
}

static void a_full_server_is_full(void **state)
{
    struct place *p = *state;

    begin(p, "", "");
    greet(p);
    ask_put(p);
    hear(p, "SET");
    say(p, "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
    expect(p, 1, STORE_FULL);
    assert_int_equal(p->kit.n_states, 2);
    assert_true(p->kit.up);
    assert_non_null(strstr(p->kit.why, "OOM command not allowed"));
    ask_put(p);
    hear(p, "SET");
    say(p, "-ERR Error running script (call to f_1): @user_script:1: -OOM command not allowed\r\n");
    expect(p, 2, STORE_FULL);
    assert_int_equal(p->kit.n_states, 2);
    ask_put(p);
    hear(p, "SET");
    say(p, "-MISCONF Redis is configured to save RDB snapshots\r\n");
    expect(p, 3, STORE_DOWN);
    ask_put(p);
    hear(p, "SET");
    say(p, ":1\r\n");
    expect(p, 4, STORE_OK);
    assert_int_equal(p->kit.n_states, 3);
    assert_string_equal(p->kit.why, "");
}

static void a_late_answer_is_nobodys(void **state)
{
    struct place *p = *state;

    begin(p, "", "");
    greet(p);
    ask_put(p);
    hear(p, "SET");
    p->kit.now_ms += 1999;
    store_kit_turn(&p->kit, 0);
    assert_int_equal(p->answer.n, 0);
    p->kit.now_ms += 1;
    expect(p, 1, STORE_DOWN);
    ask_list(p);
    hear(p, "SRANDMEMBER");
    say(p, ":1\r\n*1\r\n:0\r\n");
    expect(p, 2, STORE_OK);
    assert_true(p->kit.up);
    assert_int_equal(p->kit.n_states, 1);
}

static void a_server_that_hangs_is_left(void **state)
{
    struct place *p = *state;

    begin(p, "", "");
    greet(p);
    ask_put(p);
    hear(p, "SET");
    p->kit.now_ms += 2000;
    expect(p, 1, STORE_DOWN);
    assert_true(p->kit.up);
    p->kit.now_ms += 4000;
    store_kit_until(&p->kit, &p->kit.n_states, 2);
    assert_false(p->kit.up);
    assert_non_null(strstr(p->kit.why, "does not answer"));
}

static void a_question_waits_for_the_connection(void **state)
{
    struct place *p = *state;

    begin(p, "", "");
    ask_put(p);
    take_peer(p);
    hear(p, "PING");
    assert_int_equal(p->answer.n, 0);
    say(p, PONG);
    hear(p, "SET");
    say(p, ":1\r\n");
    expect(p, 1, STORE_OK);
    (void)close(p->peer);
    p->peer = -1;
    ask_put(p);
    p->kit.step_ms = 100;
    (void)close(p->listener);
    (void)unlink(p->socket);
    expect(p, 2, STORE_DOWN);
    assert_false(p->kit.up);
    p->listener = listen_at(p->socket);
}

static void a_connection_that_ends_ends_its_questions(void **state)
{
    struct place *p = *state;

    begin(p, "", "");
    greet(p);
    ask_put(p);
    ask_list(p);
    hear(p, "SRANDMEMBER");
    say(p, ":1\r\n*3\r\n:1\r\n$1\r\n");
    (void)shutdown(p->peer, SHUT_RDWR);
    store_kit_until(&p->kit, &p->answer.n, 2);
    assert_int_equal(p->answer.n, 2);
    assert_int_equal(p->answer.status, STORE_DOWN);
    assert_non_null(strstr(p->kit.why, "closed the connection"));
    p->kit.now_ms += 200;
    greet(p);
    ask_put(p);
    hear(p, "SET");
    say(p, ":1\r\n");
    expect(p, 3, STORE_OK);
}

static void attempts_grow_rare(void **state)
{
    struct place *p = *state;
    int64_t last_ms = 0;

    (void)close(p->listener);
    (void)unlink(p->socket);
    begin(p, "", "");
    for (unsigned i = 0; i < 12; i++) {
        const int64_t due_ms = store_wants(p->kit.store).due_ms;

        assert_true(due_ms - p->kit.now_ms <= 10000);
        assert_true(i < 9 || due_ms - p->kit.now_ms >= 5000);
        assert_true(i == 0 || due_ms - p->kit.now_ms >= 50);
        last_ms = p->kit.now_ms = due_ms > p->kit.now_ms ? due_ms : p->kit.now_ms;
        store_due(p->kit.store, last_ms);
    }
    assert_int_equal(p->kit.n_states, 1);
    assert_non_null(strstr(p->kit.why, "cannot be connected to: No such file"));
    p->listener = listen_at(p->socket);
}

static int bind_port(bool listening, uint16_t *port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    assert_true(!listening || listen(fd, 16) == 0);
    *port = ntohs(in.sin_port);
    return fd;
}

static void addresses_are_tried_in_turn(void **state)
{
    struct place *p = *state;
    uint16_t closed;
    uint16_t open;
    const int refusing = bind_port(false, &closed);
    char url[128];
    struct text t = text_of(url, sizeof url);

    (void)close(p->listener);
    p->listener = bind_port(true, &open);
    text_addf(&t, "redis://127.0.0.1:%u,127.0.0.1:%u", closed, open);
    store_kit_begin(&p->kit, url);
    p->kit.step_ms = 5;
    greet(p);
    assert_int_equal(p->kit.n_states, 1);
    /* A server that has become a copy: the others are tried, and it again. */
    ask_put(p);
    hear(p, "SET");
    say(p, "-READONLY You can't write against a read only replica.\r\n");
    expect(p, 1, STORE_DOWN);
    greet(p);
    assert_int_equal(p->kit.n_states, 3);
    (void)close(refusing);
}

static void what_is_published_is_fetched(void **state)
{
    struct place *p = *state;
    int asking;

    begin(p, "", "");
    greet(p);
    store_watch(p->kit.store, STORE_KIT_BOX);
    hear(p, "SRANDMEMBER");
    say(p, "*3\r\n:1\r\n$1\r\nx\r\n$1\r\n1\r\n");
    store_kit_until(&p->kit, &p->kit.n_arrived, 1);
    asking = p->peer;
    p->peer = -1;
    take_peer(p);
    hear(p, "PING");
    say(p, PONG);
    hear(p, "SUBSCRIBE\r\n$23\r\n" STORE_KIT_BOX "/\r\n");
    say(p, "*3\r\n$9\r\nsubscribe\r\n$23\r\n" STORE_KIT_BOX "/\r\n:1\r\n"
           "*3\r\n$7\r\nmessage\r\n$23\r\n" STORE_KIT_BOX "/\r\n$4\r\n../z\r\n"
           "*3\r\n$7\r\nmessage\r\n$23\r\n" STORE_KIT_BOX "/\r\n$1\r\ny\r\n");
    (void)close(p->peer);
    p->peer = asking;
    hear(p, "$1\r\ny\r\n");
    say(p, "*2\r\n$1\r\ny\r\n$1\r\n2\r\n*1\r\n:0\r\n");
    store_kit_until(&p->kit, &p->kit.n_arrived, 2);
    assert_string_equal(p->kit.arrived, "x=1 y=2 ");
    assert_true(p->kit.up);
}

static void a_store_without_memory_says_so(void **state)
{
    struct place *p = *state;
    const struct store_options options = {.url = "redis://127.0.0.1,[::1]:6380/1"};
    const struct store_owner owner = {.changed = NULL};
    struct store *store = NULL;
    enum rp_status status = RP_NO_MEMORY;

    (void)p;
    for (long n = 0; status != RP_OK; n++) {
        memory_fail_after(n);
        status = store_new(&options, &owner, 0, &store, NULL);
        memory_fail_after(-1);
        assert_true(status == RP_OK || (status == RP_NO_MEMORY && store == NULL));
    }
    store_free(&store);
}

/* Whatever fails, each question gets one answer. */
static void a_question_without_memory_is_answered(void **state)
{
    struct place *p = *state;
    bool good = false;

    begin(p, "", "");
    greet(p);
    for (long n = 0; !good; n++) {
        const unsigned states = p->kit.n_states;

        memset(&p->answer, 0, sizeof p->answer);
        memory_fail_after(n);
        ask_list(p);
        store_kit_turn(&p->kit, 0);
        memory_fail_after(-1);
        if (p->answer.n == 0) {
            hear(p, "SRANDMEMBER");
            memory_fail_after(n);
            say(p, "*3\r\n:1\r\n$1\r\nx\r\n$1\r\n1\r\n");
            store_kit_until(&p->kit, &p->answer.n, 1);
            memory_fail_after(-1);
        }
        assert_int_equal(p->answer.n, 1);
        good = p->answer.status == STORE_OK;
        if (p->kit.n_states != states) {
            p->kit.now_ms += 20000;
            greet(p);
        }
    }
}

/* Each ends with a space. */
static void expect_urls(const char *urls, bool good)
{
    for (const char *at = urls; *at != '\0';) {
        const size_t len = strcspn(at, " ");
        char url[128];
        struct text t = text_of(url, sizeof url);

        text_add_n(&t, at, len);
        if (store_check_url(url, NULL) != good) {
            fail_msg("%s", url);
        }
        at += len + 1;
    }
}

static void urls_are_checked(void **state)
{
    static const char good[] =
        "redis://127.0.0.1 redis://[::1]:6379/0 redis://me:x@redis.example:6379,b:1,c/15 "
        "redis://:p%2fx@h redis+unix:///run/redis.sock redis+unix://:p@/run/r@s?db=2 redis://h/ ";
    static const char bad[] =
        "redis: redis:/h redis:// redis:///0 redis://h:0 redis://h:65536 redis://h:x redis://h, "
        "redis://,h redis://[::1 redis://[::1]x redis://[h] redis://h/x redis://h/0/1 "
        "redis://h/-1 redis://h/70000 redis://p@h redis://u:@h redis://u:%0@h redis://u:%00@h "
        "redis://h\th redis+unix:// redis+unix://h/x redis+unix:/// redis+unix:///x?db=x "
        "rediss://h redis://a,b,c,d,e,f,g,h,i ";
    struct rp_error err;

    (void)state;
    expect_urls(good, true);
    expect_urls(bad, false);
    assert_false(store_check_url("redis://me:secret@h:x", &err));
    assert_null(strstr(err.text, "secret"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_user_is_named_and_a_database_chosen),
        CASE(a_wrong_password_is_told_once),
        CASE(answers_come_in_pieces),
        CASE(other_answers_end_the_connection),
        CASE(an_array_of_arrays_stays_small),
        CASE(endless_answers_end_the_connection),
        CASE(names_and_values_that_are_none_are_left_out),
        CASE(an_answer_that_nobody_asked_for_ends_the_connection),
        CASE(a_full_server_is_full),
        CASE(a_late_answer_is_nobodys),
        CASE(a_server_that_hangs_is_left),
        CASE(a_question_waits_for_the_connection),
        CASE(a_connection_that_ends_ends_its_questions),
        CASE(attempts_grow_rare),
        CASE(addresses_are_tried_in_turn),
        CASE(what_is_published_is_fetched),
        CASE(a_store_without_memory_says_so),
        CASE(a_question_without_memory_is_answered),
        cmocka_unit_test(urls_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
