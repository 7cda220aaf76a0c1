/* Connections to a Redis that come, hang, end and are tried again. */
#include "redis_fixture.h"

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
        CASE(a_late_answer_is_nobodys),
        CASE(a_server_that_hangs_is_left),
        CASE(a_question_waits_for_the_connection),
        CASE(a_connection_that_ends_ends_its_questions),
        CASE(attempts_grow_rare),
        CASE(addresses_are_tried_in_turn),
        cmocka_unit_test(urls_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
