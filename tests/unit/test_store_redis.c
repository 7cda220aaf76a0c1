/* What a Redis may answer. */
#include "redis_fixture.h"

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
    (void)state;
    store_kit_without_memory("redis://127.0.0.1,[::1]:6380/1");
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
        CASE(what_is_published_is_fetched),
        CASE(a_store_without_memory_says_so),
        CASE(a_question_without_memory_is_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
